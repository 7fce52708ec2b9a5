"""What is found of a recipe only when it is followed: the findings, at its lines.

The rooms that open data and teachers make them from here, and raise them in a
RecipeError.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from deit_spec.diagnostics import Diagnostic, Label, diagnose
from deit_spec.recipe.checked_recipe import CheckedRecipe

_MOST = 5
"""How many files or fields a finding lists."""


def missing_data_folder(checked: CheckedRecipe, folder: Path) -> Diagnostic:
    """DS521: there is no folder of images."""
    return diagnose(
        "DS521",
        "the folder of images is not there",
        Label(checked.span("data.folder")),
        notes=[f"looked for {folder}"],
        helps=["`--set data.folder=PATH` names another one"],
    )


def no_classes(checked: CheckedRecipe, folder: Path) -> Diagnostic:
    """DS522: the folder of images has no folders."""
    return diagnose(
        "DS522",
        f"there is no folder of a class in {folder}",
        Label(checked.span("data.folder")),
        helps=["put the images of each class into a folder of its name"],
    )


def empty_class(checked: CheckedRecipe, folders: Sequence[Path]) -> Diagnostic:
    """DS523: the folders of classes that have no image; there is one at least."""
    first, *more = folders
    others = f", nor in {_listed(more)}" if more else ""
    return diagnose(
        "DS523",
        f"there is no image in {first}{others}",
        Label(checked.span("data.folder")),
        helps=["put images of the class there, or remove the folder"],
    )


def unreadable_images(checked: CheckedRecipe, paths: Sequence[str]) -> Diagnostic:
    """DS524: the paths of the images that were skipped, the last one too many."""
    allowed = len(paths) - 1
    count = f"{len(paths)} images are" if allowed else "an image is"
    return diagnose(
        "DS524",
        f"{count} unreadable, and the recipe allows {allowed}",
        Label(checked.span("data.unreadable")),
        notes=[f"unreadable: {_listed(paths)}"],
        helps=[f"`data.unreadable: {len(paths)}`, or mend the files"],
    )


def no_readable_val(
    checked: CheckedRecipe, field: str, images: int, paths: Sequence[str]
) -> Diagnostic:
    """DS524: all images held out are unreadable, if no more than are allowed."""
    return diagnose(
        "DS524",
        "the image held out is unreadable"
        if images == 1
        else f"all {images:,} images held out are unreadable",
        Label(checked.span(field), "there is nothing to evaluate on"),
        notes=[f"unreadable: {_listed(paths)}"],
        helps=["mend the files, or hold out others"],
    )


def unusable_dataset(checked: CheckedRecipe, reason: str) -> Diagnostic:
    """DS525: `datasets` cannot load it, or it has no images with labels."""
    return diagnose(
        "DS525",
        f"the dataset cannot be used: {reason}",
        Label(checked.span("data.dataset")),
        helps=["name a dataset that has images, and labels as a `ClassLabel`"],
    )


def code_not_allowed(checked: CheckedRecipe) -> Diagnostic:
    """DS526: `teacher.python` without `--allow-code`."""
    return diagnose(
        "DS526",
        "the teacher is code, and no code may be run",
        Label(checked.span("teacher.python")),
        helps=["`--allow-code` runs it; see first what it does"],
    )


def unusable_teacher(
    checked: CheckedRecipe, field: str, reason: str, help_: str | None = None
) -> Diagnostic:
    """DS527: timm has no such model, or a function cannot be imported or fails."""
    return diagnose(
        "DS527",
        f"the teacher cannot be made: {reason}",
        Label(checked.span(field)),
        helps=[help_ or f"another `{field}`"],
    )


def missing_package(
    checked: CheckedRecipe, field: str, package: str, reason: str | None = None
) -> Diagnostic:
    """DS528: a package that a field asks for is not installed, or is broken."""
    if reason is not None:
        return diagnose(
            "DS528",
            f"{field} needs {package}, which cannot be imported: {reason}",
            Label(checked.span(field)),
            helps=[f"install {package} anew, with what it imports, for this torch"],
        )
    return diagnose(
        "DS528",
        f"{field} needs {package}, which is not installed",
        Label(checked.span(field)),
        helps=['`pip install "deit-spec[train]"`'],
    )


def other_data_classes(checked: CheckedRecipe, field: str, classes: int) -> Diagnostic:
    """DS509: the data, once they are open, have other classes than the class head."""
    heads = _student(checked, "num_classes")
    return diagnose(
        "DS509",
        f"the class head has {heads} classes, and the data have {classes}",
        Label(checked.span("student.spec"), f"{heads} classes"),
        secondary=[Label(checked.span(field), f"{classes} classes")],
        helps=[f"`num_classes: {classes}` in the spec of the student"],
    )


def other_teacher_classes(
    checked: CheckedRecipe, field: str, classes: int
) -> Diagnostic:
    """DS510: the teacher, once it is open, has other classes than what learns."""
    spec = checked.student.spec if checked.student else None
    has_own = spec is not None and spec.has_two_heads
    head = "the distillation head" if has_own else "the only head"
    name = "teacher_num_classes" if has_own else "num_classes"
    heads = _student(checked, name)
    return diagnose(
        "DS510",
        f"{head} has {heads} classes, and the teacher has {classes}",
        Label(checked.span(field), f"{classes} classes"),
        secondary=[Label(checked.span("student.spec"), f"{heads} classes")],
        helps=[f"`{name}: {classes}` in the spec of the student"],
    )


def _student(checked: CheckedRecipe, field: str) -> int | None:
    spec = checked.student.spec if checked.student else None
    return None if spec is None else getattr(spec, field)


def _listed(things: Iterable[object]) -> str:
    names = list(map(str, things))
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more
