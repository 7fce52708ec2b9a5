"""Recipes: how a student learns from a teacher, read and checked without torch.

The names are imported when they are first used: to validate a spec needs none.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deit_spec.recipe.checked import CheckedRecipe
    from deit_spec.recipe.errors import RecipeError
    from deit_spec.recipe.reading import RecipeLike, check_recipe
    from deit_spec.recipe.schema import Recipe
    from deit_spec.recipe.study import CheckedStudy, Study, check_study

_HOMES = {
    "CheckedRecipe": "checked",
    "CheckedStudy": "study",
    "Recipe": "schema",
    "RecipeError": "errors",
    "RecipeLike": "reading",
    "Study": "study",
    "check_recipe": "reading",
    "check_study": "study",
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
