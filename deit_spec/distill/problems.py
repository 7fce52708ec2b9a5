"""What is found wrong with images and teachers, at its place in the recipe."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from deit_spec.diagnostics import Label, diagnose
from deit_spec.recipe import RecipeError
from deit_spec.weights.problems import some

if TYPE_CHECKING:
    from deit_spec.recipe import CheckedRecipe, Recipe
    from deit_spec.spec import DeiTSpec

__all__ = ["DataError", "recipe_of", "refuse", "some", "student_of"]


class DataError(RecipeError):
    """Images or a teacher cannot be used. `diagnostics` holds every finding."""

    def __str__(self) -> str:
        from deit_spec.diagnostics.text import render  # noqa: PLC0415  -- to print only

        return f"training cannot go on\n\n{render(self.diagnostics).plain.rstrip()}"


def refuse(  # noqa: PLR0913  -- the parts of a diagnostic
    checked: "CheckedRecipe",
    field: str,
    code: str,
    message: str,
    *,
    label: str = "",
    secondary: Iterable[Label] = (),
    notes: Iterable[str] = (),
    helps: Iterable[str] = (),
) -> DataError:
    """Make the error that one finding at a field of the recipe is."""
    place = Label(checked.span(field), label)
    found = diagnose(
        code, message, place, secondary=secondary, notes=notes, helps=helps
    )
    return DataError((found,))


def recipe_of(checked: "CheckedRecipe") -> "Recipe":
    """The recipe, which has no errors."""
    if checked.recipe is None:
        raise DataError(checked.diagnostics)
    return checked.recipe


def student_of(checked: "CheckedRecipe") -> "DeiTSpec":
    """The student's spec, which has no errors."""
    if checked.student is None or checked.student.spec is None:
        raise DataError(checked.diagnostics)
    return checked.student.spec
