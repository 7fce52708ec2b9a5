"""What is found wrong with images and teachers, at its place in the recipe."""

from typing import TYPE_CHECKING

from deit_spec.diagnostics import Label, diagnose
from deit_spec.recipe import RecipeError, late
from deit_spec.weights.weight_findings import some

if TYPE_CHECKING:
    from deit_spec.recipe import CheckedRecipe, Recipe
    from deit_spec.spec import DeiTSpec

__all__ = ["DataError", "recipe_of", "refuse", "some", "student_of", "unusable"]


class DataError(RecipeError):
    """Images or a teacher cannot be used. `diagnostics` holds every finding."""

    headline = "training cannot go on"


def refuse(checked: "CheckedRecipe", field: str, code: str, message: str) -> DataError:
    """Make the error that one finding at a field of the recipe is."""
    return DataError((diagnose(code, message, Label(checked.span(field))),))


def unusable(
    checked: "CheckedRecipe", field: str, reason: str, help_: str | None = None
) -> DataError:
    """Make the error that a teacher cannot be made, for this reason."""
    return DataError((late.unusable_teacher(checked, field, reason, help_),))


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
