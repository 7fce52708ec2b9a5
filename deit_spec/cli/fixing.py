"""What `--fix` and `--diff` do with specs."""

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import typer

from deit_spec.cli.documents import Documents
from deit_spec.cli.output import (
    STDIN,
    emit,
    fail,
    write_whole,
)
from deit_spec.diagnostics import has_errors
from deit_spec.diagnostics.visible import visible
from deit_spec.recipe.documents import CheckedAny
from deit_spec.source.files import is_special
from deit_spec.spec.mend import Mended


class Outcome(NamedTuple):
    """What is found in a spec, and whether it is not as it should be on disk."""

    checked: CheckedAny
    changes: bool = False

    @property
    def failed(self) -> bool:
        """Whether the spec has errors, or would be changed."""
        return has_errors(self.checked.diagnostics) or self.changes


def write(names: Sequence[str], documents: Documents) -> Iterator[Outcome]:
    """Fix specs in their files, or from standard input to standard output.

    All are written before one is judged, for it may extend another of them.
    """
    for name in names:
        if name != STDIN and is_special(Path(name)):
            fail(f"cannot fix {name}, which is no file; `--fix -` writes to stdout")
    fixed = [(name, _write(name, documents)) for name in names]
    for name, mended in fixed:
        is_only = len(fixed) == 1
        again = None if is_only else documents.again(name, mended.after)
        yield Outcome(again or mended.checked)


def show(name: str, documents: Documents) -> Outcome:
    """Print what `write` would change, and change nothing."""
    mended = documents.mend(name)
    shown = visible(name)
    # A line ends at \n for whoever applies the difference, whatever YAML thinks.
    before, after = (
        data.decode(errors="replace").split("\n")
        for data in (mended.before, mended.after)
    )
    lines = difflib.unified_diff(
        _with_breaks(before), _with_breaks(after), shown, shown, tofiledate="(fixed)"
    )
    ended = (
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in lines
    )
    emit("".join(ended), None)
    return Outcome(mended.checked, changes=bool(mended.fixes))


def _write(name: str, documents: Documents) -> Mended[CheckedAny]:
    mended = documents.mend(name)
    if name == STDIN:
        emit(mended.after, None)
    elif mended.fixes:
        try:
            write_whole(Path(name), mended.after)
        except OSError as error:
            fail(f"cannot write {name}: {(error.strerror or str(error)).lower()}")
    for fix in mended.fixes:
        typer.echo(f"fixed {visible(name)}: {visible(fix.title)}", err=True)
    return mended


def _with_breaks(parts: list[str]) -> list[str]:
    *lines, last = parts
    return [*(f"{line}\n" for line in lines), *filter(None, [last])]
