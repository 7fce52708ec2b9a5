"""A recipe that was checked, with the specs, images and code that it names."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from deit_spec.diagnostics import DiagnosedError, Diagnostic, Label, Span, diagnose
from deit_spec.recipe.overrides import apply, override_at
from deit_spec.recipe.recipe_schema import Recipe
from deit_spec.recipe.run_files import SPEC, WEIGHTS
from deit_spec.recipe.student_settings import SPEC_FIELDS
from deit_spec.spec import Checked, check_read
from deit_spec.spec.origin import (
    Origin,
    at,
    has_no_spec,
    is_published,
    is_unreadable,
    not_a_spec,
    not_found,
)
from deit_spec.spec.rules import start_of
from deit_spec.yaml_source import Document


@dataclass(frozen=True)
class CheckedRecipe:
    """A recipe, if there are no errors, and every finding in source order.

    `student` and `teacher` are their specs, checked; the student's has the recipe's
    `num_classes`, `teacher_num_classes`, `image_size` and `augmentation.drop_path`.
    `document` is that of the file with the overrides, and `path` is that file, None for
    a recipe that has none.
    """

    recipe: Recipe | None
    diagnostics: tuple[Diagnostic, ...]
    document: Document | None = None
    student: Checked | None = None
    teacher: Checked | None = None
    path: Path | None = None

    def place(self, name: str) -> Path:
        """The path that a path written in the recipe leads to, from its folder."""
        folder = Path() if self.path is None else self.path.parent
        return folder / os.path.expanduser(name)  # noqa: PTH111  -- `~nobody` stays

    def span(self, field: str) -> Span:
        """The span of a field such as `data.folder`, or of what is around it.

        An item of a list is written as a number: `run.trackers.0`.
        """
        if self.document is None:
            return Span.of_file(self.path or "<recipe>")
        steps = field.split(".")
        path = tuple(int(step) if step.isdecimal() else step for step in steps)
        if path not in self.document.spans and path[:1] not in self.document.spans:
            return start_of(self.document)
        return self.document.nearest(path).value


class RecipeError(DiagnosedError, ValueError):
    """A recipe has errors. `diagnostics` holds every finding, in source order."""

    headline = "the recipe has errors"


class Function(NamedTuple):
    """A function of a module, with the folder in which the module may be."""

    folder: Path
    module: str
    name: str


def function_of(checked: CheckedRecipe, text: str) -> Function:
    """Read `folder/package.module:function`; without a folder it is the recipe's."""
    folder, _, rest = text.rpartition("/")
    if text.startswith("/") and not folder:
        folder = "/"
    module, _, name = rest.partition(":")
    return Function(checked.place(folder or "."), module, name)


def placed_function(checked: CheckedRecipe, text: str) -> str:
    """Name a function so that it is found from any folder."""
    folder, module, name = function_of(checked, text)
    beside = folder / module.partition(".")[0]
    if not beside.is_dir() and not beside.with_suffix(".py").is_file():
        return text
    return f"{folder.absolute().as_posix()}/{module}:{name}"


def check_model(
    recipe: CheckedRecipe, field: str
) -> tuple[Checked | None, list[Diagnostic]]:
    """Check the spec that a field names, and add that line to its findings.

    None if there is none; that of a model folder is known when the teacher is opened.
    """
    name = recipe.document and recipe.document.at(tuple(field.split(".")))
    if not isinstance(name, str):
        return None, []
    here = recipe.span(field)
    origin = Origin(name) if is_published(name) else at(recipe.place(name))
    if is_model(recipe, name):
        origin = at(recipe.place(name) / SPEC)
        if field == "teacher.spec" and has_no_spec(recipe.place(name)):
            return None, []
    path = None if is_published(name) or not name else recipe.place(name)
    if path is not None and has_no_spec(path):
        kind = "run folder" if field == "student.spec" else "model folder"
        takes = f"a published name, or the path of a spec or a {kind}"
        return None, [not_a_spec(path, Label(here, "named here"), field, takes)]
    document, found = origin.read()
    if is_unreadable(found) or not name:
        label = Label(here, "named here")
        return None, [not_found(origin, label, field, name, found)]
    if document is not None and field == "student.spec":
        document = _with_student_fields(document, recipe)
    checked = check_read(document, found, origin.stem, origin)
    return checked, [named(each, here) for each in checked.diagnostics]


def _with_student_fields(document: Document, recipe: CheckedRecipe) -> Document:
    """Replace fields of the student's spec by those of the recipe, with their spans.

    An invalid value is left out, as it is reported as one of the recipe.
    """
    assert recipe.document is not None  # noqa: S101  -- it names the spec
    fields = []
    for name in SPEC_FIELDS:
        value = recipe.document.at(("student", name))
        if type(value) is int and value > 0:
            span = recipe.document.spans["student", name]
            fields.append(override_at(name, value, span))
    return apply(document, fields)


def unused_weights(recipe: CheckedRecipe) -> list[Diagnostic]:
    """DS512: the student is the spec of a run, and starts without its weights."""
    student = recipe.document and recipe.document.at(("student",))
    if not isinstance(student, Mapping) or student.get("weights") is not None:
        return []
    name = student.get("spec")
    if not isinstance(name, str) or not is_model(recipe, name):
        return []
    folder = recipe.place(name)
    if not all((folder / each).is_file() for each in (SPEC, WEIGHTS)):
        return []
    label = Label(recipe.span("student.spec"), "only the spec is used")
    message = f"the weights of {name} are not used"
    return [diagnose("DS512", message, label, helps=[f"`student.weights: {name}`"])]


def is_model(recipe: CheckedRecipe, name: str) -> bool:
    """Whether the name of a spec is that of a folder, which has weights as well."""
    return bool(name) and not is_published(name) and recipe.place(name).is_dir()


def with_drop_path(checked: Checked, rate: float | None) -> Checked:
    """Replace `drop_path` of the student's spec by that of the recipe."""
    if checked.spec is None or rate is None:
        return checked
    variant = checked.spec.variant.model_copy(update={"drop_path": rate})
    spec = checked.spec.model_copy(update={"variant": variant})
    return replace(checked, spec=spec)


def named(found: Diagnostic, here: Span) -> Diagnostic:
    """Add the line of the recipe that leads to a finding in another file."""
    label = Label(here, "named here")
    # A fix would edit the other file.
    return replace(found, secondary=(*found.secondary, label), fix=None)
