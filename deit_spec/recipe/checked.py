"""A recipe that was checked, with all that it leads to."""

import os
from dataclasses import dataclass
from pathlib import Path

from deit_spec.diagnostics import Diagnostic, Span
from deit_spec.recipe.schema import Recipe
from deit_spec.spec import Checked
from deit_spec.yaml_source import Document


@dataclass(frozen=True)
class CheckedRecipe:
    """A recipe, where there are no errors, and every finding in source order.

    `student` and `teacher` are their specs, checked; the student's has the
    recipe's `augmentation.drop_path`. `document` has the overrides laid over what
    the file says, and `path` is that file, None for a recipe that has none.
    """

    recipe: Recipe | None
    diagnostics: tuple[Diagnostic, ...]
    document: Document | None = None
    student: Checked | None = None
    teacher: Checked | None = None
    path: Path | None = None

    def place(self, name: str) -> Path:
        """Where a path leads that is written in the recipe: begun at its folder."""
        folder = Path() if self.path is None else self.path.parent
        return folder / os.path.expanduser(name)  # noqa: PTH111  -- `~nobody` stays

    def span(self, field: str) -> Span:
        """Where a field such as `data.folder` is written, or what is around it."""
        if self.document is None:
            return Span.of_file(self.path or "<recipe>")
        path = tuple(field.split("."))
        if path not in self.document.spans and path[:1] not in self.document.spans:
            return start_of(self.document)
        return self.document.nearest(path).value


def written(document: Document | None, path: tuple[str, ...]) -> object:
    """What a document says at a path; None where it says nothing there."""
    return document.at(path) if document else None


def start_of(document: Document) -> Span:
    """The first key, for what is about the whole of a document."""
    first = min((path for path in document.spans if path), key=len, default=())
    return document.nearest(first).key
