"""The context that the rules of a recipe read, and helpers that they share."""

from dataclasses import dataclass
from typing import Final

from deit_spec.diagnostics import Label
from deit_spec.recipe.checked_recipe import CheckedRecipe
from deit_spec.recipe.data_classes import known_class_names
from deit_spec.recipe.image_folder import ImageFolder
from deit_spec.recipe.recipe_schema import Recipe
from deit_spec.spec import Checked, DeiTSpec
from deit_spec.spec.rules import FieldSpans

DIGITS_SIDE: Final = 8
SOURCES: Final = ("builtin", "folder", "dataset")
KINDS: Final = ("timm", "spec", "python", "builtin")


@dataclass(frozen=True)
class RuleContext:
    """A recipe, with defaults for invalid fields, and the specs and images it names."""

    recipe: Recipe
    spans: FieldSpans
    checked: CheckedRecipe
    images: ImageFolder | None

    def label(self, field: str, words: str = "") -> Label:
        """A label at the value of a field."""
        return Label(self.spans.value(field), words)

    @property
    def student(self) -> DeiTSpec | None:
        """The student's spec, if it has no errors."""
        return self.checked.student.spec if self.checked.student else None

    @property
    def teacher(self) -> DeiTSpec | None:
        """The teacher's spec, if it is a spec without errors."""
        return self.checked.teacher.spec if self.checked.teacher else None

    @property
    def learns(self) -> bool:
        """Whether the loss uses a teacher."""
        return self.recipe.loss.kind != "none"

    @property
    def source(self) -> str | None:
        """The field that is the source of the data, if there is exactly one."""
        return _only(self.recipe.data, SOURCES)

    @property
    def kind(self) -> str | None:
        """The field that is the source of the teacher, if there is exactly one."""
        return _only(self.recipe.teacher, KINDS) if self.recipe.teacher else None

    @property
    def is_digits(self) -> bool:
        """Whether the images are scikit-learn's digits."""
        return self.source == "builtin"

    @property
    def data_classes(self) -> int | None:
        """The number of classes of the data, if it is known without reading images."""
        names = self.class_names
        return len(names) if names else None

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The classes of the data, if they are known without reading images."""
        return known_class_names(self.recipe.data, self.images)


def in_spec(checked: Checked | None, field: str, words: str) -> list[Label]:
    """Point at a field of a spec, if it is written there."""
    document = checked.document if checked else None
    path = tuple(field.split("."))
    if document is None or path not in document.spans:
        return []
    return [Label(document.spans[path].value, words)]


def _only(section: object, names: tuple[str, ...]) -> str | None:
    written = [name for name in names if getattr(section, name) is not None]
    return written[0] if len(written) == 1 else None
