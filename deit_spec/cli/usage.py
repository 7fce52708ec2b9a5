"""What is wrong with a command, in the words of the command line."""

from typing import Any

import typer
from typer.core import TyperGroup

_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "less_than_equal": ("at most", "le"),
}


class Commands(TyperGroup):
    """A group of commands that says of a wrong value what a person would."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for; its arguments are read here."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = _in_plain_words(error)
            raise


def _in_plain_words(error: typer.BadParameter) -> str:
    """Say what the library says that typer validates with, without its own words."""
    errors = getattr(error.__cause__, "errors", None)
    if errors is None:  # typer's own words, or those of an older one
        return error.message
    first = errors()[0]
    kind, value, context = first["type"], first["input"], first.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind.startswith("int_"):
        return f"{value!r} is not an integer."
    if kind.startswith("float_"):
        return f"{value!r} is not a number."
    if kind in _BOUNDS:
        words, key = _BOUNDS[kind]
        return f"{value} is not {words} {context[key]:,}."
    return error.message
