"""What the rules of a recipe are given."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from deit_spec.diagnostics import Label
from deit_spec.recipe.checked_recipe import CheckedRecipe, ImageFolder
from deit_spec.recipe.recipe_schema import Recipe
from deit_spec.spec import Checked, DeiTSpec
from deit_spec.spec.field_spans import Findings, Places

DIGITS: Final = 1797
"""How many images scikit-learn's digits are."""
DIGITS_CLASSES: Final = 10
DIGITS_SIDE: Final = 8
SOURCES: Final = ("builtin", "folder", "dataset")
KINDS: Final = ("timm", "spec", "python", "builtin")


@dataclass(frozen=True)
class Given:
    """A recipe, defaults in the place of what is wrong, and what is known beside it.

    `checked` is what is known so far, to find places by; `images` the folder of
    images, where it is there.
    """

    recipe: Recipe
    places: Places
    checked: CheckedRecipe
    images: ImageFolder | None

    @property
    def student(self) -> DeiTSpec | None:
        """The student's spec, where it has no errors."""
        return self.checked.student.spec if self.checked.student else None

    @property
    def teacher(self) -> DeiTSpec | None:
        """The spec of the teacher, where it is one and has no errors."""
        return self.checked.teacher.spec if self.checked.teacher else None

    @property
    def learns(self) -> bool:
        """Whether the loss listens to a teacher."""
        return self.recipe.loss.kind != "none"

    @property
    def source(self) -> str | None:
        """The field that says where the data are from, where there is one alone."""
        return _only(self.recipe.data, SOURCES)

    @property
    def kind(self) -> str | None:
        """The field that says what the teacher is, where there is one alone."""
        return _only(self.recipe.teacher, KINDS) if self.recipe.teacher else None

    @property
    def is_digits(self) -> bool:
        """Whether the images are scikit-learn's digits."""
        return self.source == "builtin"

    @property
    def data_classes(self) -> int | None:
        """The classes of the data, where they are known without reading images."""
        if self.is_digits:
            return DIGITS_CLASSES
        is_known = self.images and self.images.classes
        return len(self.images.classes) if self.images and is_known else None


@dataclass(frozen=True)
class Rule:
    """A check, the code of what it finds, and the fields that it reads."""

    code: str
    check: Callable[[Given], Findings]
    reads: tuple[str, ...]


def counted(number: int, noun: str) -> str:
    """Say how many there are.

    >>> counted(1, "channel"), counted(1200, "image")
    ('1 channel', '1,200 images')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def in_spec(checked: Checked | None, field: str, words: str) -> list[Label]:
    """Point into a spec, where it says what a field is."""
    document = checked.document if checked else None
    path = tuple(field.split("."))
    if document is None or path not in document.spans:
        return []
    return [Label(document.spans[path].value, words)]


def _only(section: object, names: tuple[str, ...]) -> str | None:
    written = [name for name in names if getattr(section, name) is not None]
    return written[0] if len(written) == 1 else None
