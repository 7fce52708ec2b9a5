"""From a recipe to its images."""

from typing import TYPE_CHECKING

from deit_spec.distill.data.base import Data
from deit_spec.distill.data.digits import Digits

if TYPE_CHECKING:
    from deit_spec.recipe import CheckedRecipe


def open_data(checked: "CheckedRecipe") -> Data:
    """Open the images of a recipe that has no errors.

    Raises:
        DataError: They are not there, or not as the recipe needs them.
        MissingPackageError: A package that reads them is not installed.
    """
    recipe = checked.recipe
    if recipe is None:
        raise ValueError("the recipe has errors")
    return Digits(recipe)
