"""What is found wrong with images and teachers, at its place in the recipe."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from deit_spec.diagnostics import Diagnostic, Label, diagnose

if TYPE_CHECKING:
    from deit_spec.recipe import CheckedRecipe


class DataError(ValueError):
    """Images or a teacher cannot be used. `diagnostics` holds every finding."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        from deit_spec.diagnostics.text import render  # noqa: PLC0415  -- to print only

        return render(self.diagnostics).plain.rstrip()


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
    return DataError([found])
