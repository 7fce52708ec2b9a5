"""Recipes: how a student learns from a teacher, read and checked without torch."""

from deit_spec.recipe.checked import CheckedRecipe
from deit_spec.recipe.errors import RecipeError
from deit_spec.recipe.reading import RecipeLike, check_recipe
from deit_spec.recipe.schema import Recipe

__all__ = ["CheckedRecipe", "Recipe", "RecipeError", "RecipeLike", "check_recipe"]
