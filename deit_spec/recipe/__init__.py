"""Recipes: how a student learns from a teacher, read and checked without torch.

The names are imported when they are first used: to validate a spec needs none.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deit_spec.recipe.checked_recipe import CheckedRecipe, RecipeError
    from deit_spec.recipe.recipe_schema import Recipe
    from deit_spec.recipe.recipe_validation import RecipeLike, check_recipe
    from deit_spec.recipe.study_validation import CheckedStudy, Study, check_study

_HOMES = {
    "CheckedRecipe": "checked_recipe",
    "CheckedStudy": "study_validation",
    "Recipe": "recipe_schema",
    "RecipeError": "checked_recipe",
    "RecipeLike": "recipe_validation",
    "Study": "study_validation",
    "check_recipe": "recipe_validation",
    "check_study": "study_validation",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'deit_spec.recipe' has no attribute {name!r}")
    value = getattr(import_module(f"deit_spec.recipe.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


__all__ = [
    "CheckedRecipe",
    "CheckedStudy",
    "Recipe",
    "RecipeError",
    "RecipeLike",
    "Study",
    "check_recipe",
    "check_study",
]
