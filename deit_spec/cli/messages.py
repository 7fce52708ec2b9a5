"""Reports diagnostics: on standard error, in the format that was chosen."""

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from deit_spec.diagnostics import Diagnostic
from deit_spec.diagnostics.formats import DOCUMENT_FORMATS, Format

if TYPE_CHECKING:
    from rich.console import Console


MAX_WIDTH = 100


class _State:
    """The format of diagnostics, and those that are collected for one document."""

    format = Format.TEXT
    collected: list[Diagnostic] | None = None


def choose(format_: Format) -> None:
    """Choose the format of all diagnostics of this command."""
    _State.format = format_
    _State.collected = [] if format_ in DOCUMENT_FORMATS else None


def reset() -> None:
    """Forget the format and the diagnostics of an earlier command in this process."""
    choose(Format.TEXT)


def chosen() -> Format:
    """The format of diagnostics."""
    return _State.format


def report(diagnostics: Iterable[Diagnostic], *, fixes: int | None = None) -> None:
    """Report diagnostics, and in text their number and that of their fixes."""
    found = list(diagnostics)
    if _State.collected is not None:
        _State.collected += found
    elif found and _State.format is Format.TEXT:
        draw(found, counted=True, fixes=fixes)
    elif found:
        _write(found)


def flush() -> None:
    """Write what was collected as one document, at the end of a command."""
    if _State.collected is not None:
        _write(_State.collected)
        _State.collected = None


def discard_if_empty() -> None:
    """Write no document after all, unless a diagnostic was collected."""
    if not _State.collected:
        _State.collected = None


def leave_to_command(format_: Format) -> None:
    """Collect nothing, since the command writes its diagnostics itself."""
    _State.format = format_
    _State.collected = None


def _write(found: Sequence[Diagnostic]) -> None:
    from deit_spec.diagnostics.formats import render

    sys.stderr.write(render(found, _State.format))


def draw(
    found: Sequence[Diagnostic], *, counted: bool, fixes: int | None = None
) -> None:
    """Draw diagnostics on standard error, with a line that counts them."""
    from deit_spec.diagnostics.text import render, summary

    console = make_console(stderr=True)
    console.print(render(found, width=min(console.width, MAX_WIDTH)))
    counts = f"\n{summary(found, fixes)}" if counted else ""
    console.print(counts)


def make_console(*, color: bool = True, **options: Any) -> "Console":
    """A console that prints text as it is, in colour if that is wanted."""
    from rich.console import Console

    plain = not color or bool(os.environ.get("NO_COLOR"))
    system: Literal["auto"] | None = None if plain else "auto"
    options |= {"highlight": False, "markup": False, "emoji": False}
    return Console(color_system=system, soft_wrap=True, **options)
