"""What is raised of a recipe that cannot be followed."""

from deit_spec.diagnostics import Diagnostic


class RecipeError(ValueError):
    """A recipe has errors. `diagnostics` holds every finding, in source order."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__(diagnostics)
        self.diagnostics = diagnostics

    def __str__(self) -> str:
        from deit_spec.diagnostics.text import render  # noqa: PLC0415  -- rich, to print

        return f"the recipe has errors\n\n{render(self.diagnostics).plain.rstrip()}"
