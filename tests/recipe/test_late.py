"""What is found while a recipe is followed looks as the catalogue says."""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deit_spec.diagnostics import CATALOGUE, Diagnostic
from deit_spec.diagnostics.explanation import explanation, folder
from deit_spec.diagnostics.text import render
from deit_spec.distill.training import RunError, problems
from deit_spec.distill.training.names import path_of
from deit_spec.recipe import CheckedRecipe, RecipeError, check_recipe, late

RECIPE = """\
student: {spec: deit_tiny_distilled_patch16_224}
"""
BIRDS = "data: {folder: birds}\nteacher: {timm: regnety_160}\n"
OTHERS = "data: {dataset: me/birds}\n"

Late = Callable[[CheckedRecipe], Diagnostic]
RUN = Path("runs/x")
NO_SPACE = OSError(
    errno.ENOSPC,
    "No space left on device",
    "runs/x/checkpoints/step-0000100.safetensors",
)


def one_of(error: RunError) -> Diagnostic:
    (found,) = error.diagnostics
    return found


FOUND: dict[str, tuple[str, Late]] = {
    "DS521": (BIRDS, lambda c: late.missing_data_folder(c, Path("birds"))),
    "DS522": (BIRDS, lambda c: late.no_classes(c, Path("birds/train"))),
    "DS523": (BIRDS, lambda c: late.empty_class(c, [Path("birds/train/wren")])),
    "DS524": (
        "data:\n  folder: birds\n  unreadable: 1\nteacher: {timm: regnety_160}\n",
        lambda c: late.unreadable_images(
            c, ["birds/train/robin/3.jpg", "birds/train/wren/9.jpg"]
        ),
    ),
    "DS525": (
        OTHERS + "teacher: {timm: regnety_160}\n",
        lambda c: late.unusable_dataset(c, "it has no column of labels"),
    ),
    "DS526": (
        OTHERS + "teacher: {python: birds.teacher:convnet}\n",
        late.code_not_allowed,
    ),
    "DS527": (
        OTHERS + "teacher: {timm: regnety_161}\n",
        lambda c: late.unusable_teacher(
            c, "teacher.timm", "timm has no model `regnety_161`"
        ),
    ),
    "DS528": (
        OTHERS + "teacher: {timm: regnety_160}\n",
        lambda c: late.missing_package(c, "teacher.timm", "timm"),
    ),
    "DS531": (
        OTHERS
        + "teacher: {timm: regnety_160}\noptimizer:\n  lr: 5.0\n  lr_batch: null\n",
        lambda c: one_of(problems.not_finite(c, "the loss is nan", (51, 100), RUN)),
    ),
    "DS532": (OTHERS, lambda _: one_of(problems.not_written(RUN, NO_SPACE))),
    "DS533": (OTHERS, lambda _: one_of(problems.taken(RUN, "a run"))),
    "DS534": (OTHERS, lambda _: one_of(problems.foreign(RUN, "notes.txt"))),
    "DS536": (OTHERS, lambda _: one_of(problems.in_use(RUN))),
    "DS535": (
        OTHERS + "teacher: {timm: regnety_160}\noptimizer:\n  lr: 1.0e-3\n",
        lambda c: one_of(problems.unlike(c, RUN, {"optimizer.lr": "0.002"})),
    ),
}


def _without_memory(checked: CheckedRecipe) -> Diagnostic:
    error = MemoryError("CUDA out of memory. Tried to allocate 1.16 GiB")
    with pytest.raises(RunError) as caught, problems.enough_memory(checked, RUN):
        raise error
    return one_of(caught.value)


FOUND["DS537"] = (
    OTHERS + "loss: {kind: none}\nschedule:\n  batch_size: 1024\n",
    _without_memory,
)


def found(text: str, make: Late, path: Path) -> Diagnostic:
    path.write_text(RECIPE + text, encoding="utf-8")
    return make(check_recipe(path.name))


@pytest.mark.parametrize("code", FOUND)
def test_it_is_told_as_its_entry_says(
    code: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pytestconfig: pytest.Config,
) -> None:
    monkeypatch.chdir(tmp_path)
    kept = path_of(RUN, 50)
    kept.parent.mkdir(parents=True)
    kept.touch()
    one = found(*FOUND[code], tmp_path / "recipe.yaml")
    assert one.code == code
    (said,) = explanation(code).example
    shown = f"{render((one,)).plain}\n"
    if shown != said.text and pytestconfig.getoption("force_regen"):
        file = Path(str(folder().joinpath(f"{code}.md")))
        text = file.read_text(encoding="utf-8")
        old, new = (f"```text\n{each}```" for each in (said.text, shown))
        file.write_text(text.replace(old, new), encoding="utf-8")
    assert shown == said.text


def test_every_text_of_the_catalogue_is_proved() -> None:
    texts = {
        code
        for code in CATALOGUE
        if [part.language for part in explanation(code).example] == ["text"]
    }
    assert texts - {"DS901"} == set(FOUND)


def test_classes_that_are_known_late_are_told_like_those_known_early() -> None:
    checked = check_recipe(
        {
            "student": {"spec": "deit_tiny_distilled_patch16_224"},
            "teacher": {"timm": "regnety_160"},
            "data": {"dataset": "me/birds"},
        }
    )
    of_data = late.other_data_classes(checked, "data.dataset", 10)
    of_teacher = late.other_teacher_classes(checked, "teacher.timm", 10)
    assert (of_data.code, of_teacher.code) == ("DS509", "DS510")
    assert of_data.message == "the class head has 1000 classes, and the data have 10"
    assert of_teacher.message == (
        "the distillation head has 1000 classes, and the teacher has 10"
    )


def test_an_error_holds_its_findings_and_shows_them() -> None:
    finding = late.code_not_allowed(check_recipe({}))
    error = RecipeError((finding,))
    assert error.diagnostics == (finding,)
    assert "DS526" in str(error)
    shown: Any = str(error).splitlines()[0]
    assert shown == "the recipe has errors"
