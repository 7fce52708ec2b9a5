"""Findings on their way out: to stderr as text, or in the form that was chosen."""

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from deit_spec.diagnostics import Diagnostic
from deit_spec.diagnostics.formats import DOCUMENT_FORMATS, Format
from deit_spec.spec import Count

if TYPE_CHECKING:
    from rich.console import Console

WIDEST = 100


class _Chosen:
    """How this process prints findings, and those that wait to be one document."""

    form = Format.TEXT
    waiting: list[Diagnostic] | None = None


def choose(form: Format) -> None:
    """Choose the form of all findings of this process."""
    _Chosen.form = form
    _Chosen.waiting = [] if form in DOCUMENT_FORMATS else None


def reset() -> None:
    """Forget the form and the findings of an earlier command in this process."""
    choose(Format.TEXT)


def chosen() -> Format:
    """The form of findings."""
    return _Chosen.form


def report(diagnostics: Iterable[Diagnostic], *, fixes: Count | None = None) -> None:
    """Print findings to stderr; text is summed up, with what can be fixed of it."""
    found = list(diagnostics)
    if _Chosen.waiting is not None:
        _Chosen.waiting += found
    elif found and _Chosen.form is Format.TEXT:
        draw(found, counted=True, fixes=fixes)
    elif found:
        sys.stderr.write(write(found, _Chosen.form))


def flush() -> None:
    """Print what waits, as one document, once the command is done."""
    if _Chosen.waiting is not None:
        sys.stderr.write(write(_Chosen.waiting, _Chosen.form))
        _Chosen.waiting = None


def give_up() -> None:
    """Print no document where nothing waits to be in one: the command is wrong."""
    if not _Chosen.waiting:
        _Chosen.waiting = None


def take_over(form: Format) -> None:
    """Leave it to the command to print its findings, in this form."""
    _Chosen.form = form
    _Chosen.waiting = None


def write(diagnostics: Sequence[Diagnostic], form: Format) -> str:
    """Write findings in a form other than text."""
    from deit_spec.diagnostics.formats import render

    return render(diagnostics, form)


def draw(
    found: Sequence[Diagnostic], *, counted: bool, fixes: Count | None = None
) -> None:
    """Draw findings on stderr for a person, and count them; see `summary`."""
    # A clean spec needs no rich.
    from deit_spec.diagnostics.text import render, summary

    console = make_console(stderr=True)
    console.print(render(found, width=min(console.width, WIDEST)))
    told = summary(found, *(fixes or ())) if counted else ""
    console.print(f"\n{told}" if counted else "")


def make_console(*, color: bool = True, **options: Any) -> "Console":
    """A console that writes plain text where colour is not wanted."""
    from rich.console import Console

    plain = not color or bool(os.environ.get("NO_COLOR"))
    system: Literal["auto"] | None = None if plain else "auto"
    # Names and texts stay as they are: `[b]` is no markup, `:smile:` no face.
    options |= {"highlight": False, "markup": False, "emoji": False}
    return Console(color_system=system, soft_wrap=True, **options)
