"""Recipes: how a student learns from a teacher, read and checked without torch."""

from deit_spec.recipe.schema import Recipe

__all__ = ["Recipe"]
