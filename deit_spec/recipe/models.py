"""The specs that a recipe names: its student, and its teacher where that is one."""

from dataclasses import replace

from deit_spec import published
from deit_spec.diagnostics import Diagnostic, Label, Span, diagnose
from deit_spec.recipe.checked import CheckedRecipe, written
from deit_spec.spec import Checked, check_read
from deit_spec.spec.origin import UNREADABLE, Origin, at, is_unreadable


def check_model(
    recipe: CheckedRecipe, field: str
) -> tuple[Checked | None, list[Diagnostic]]:
    """Check the spec that a field names, and tell its findings with that line.

    None where the field names none, or the spec cannot be read.
    """
    name = written(recipe.document, tuple(field.split(".")))
    if not isinstance(name, str):
        return None, []
    here = recipe.span(field)
    origin = _locate(name, recipe)
    document, found = origin.read()
    if is_unreadable(found) or not name:
        return None, [_unreadable(origin, found, name, here, field)]
    checked = check_read(document, found, origin.stem, origin)
    return checked, [named(each, here) for each in checked.diagnostics]


def with_drop_path(checked: Checked, rate: float | None) -> Checked:
    """Lay the rate of a recipe over that of the student's spec."""
    if checked.spec is None or rate is None:
        return checked
    variant = checked.spec.variant.model_copy(update={"drop_path": rate})
    spec = checked.spec.model_copy(update={"variant": variant})
    return replace(checked, spec=spec)


def _locate(name: str, recipe: CheckedRecipe) -> Origin:
    return Origin(name) if name in published.names() else at(recipe.place(name))


def named(found: Diagnostic, here: Span) -> Diagnostic:
    """Say which line of the recipe has led to a finding in a spec."""
    label = Label(here, "named here")
    # What the spec of another file mends is not for this file to be offered.
    return replace(found, secondary=(*found.secondary, label), fix=None)


def _unreadable(
    origin: Origin, found: list[Diagnostic], name: str, here: Span, field: str
) -> Diagnostic:
    rule = "name a published spec, or a path from the folder of the recipe"
    return diagnose(
        UNREADABLE,
        found[0].message if name and found else f"`{field}` names no file",
        Label(here, "named here"),
        notes=[f"looked for {origin.shown}"] if name else [],
        helps=(origin.meant() if name else ()) or [rule],
    )
