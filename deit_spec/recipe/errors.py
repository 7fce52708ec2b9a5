"""What is raised of a recipe that cannot be followed."""

from deit_spec.diagnostics import DiagnosedError


class RecipeError(DiagnosedError, ValueError):
    """A recipe has errors. `diagnostics` holds every finding, in source order."""

    headline = "the recipe has errors"
