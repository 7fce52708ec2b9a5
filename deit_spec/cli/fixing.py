"""What `--fix` and `--diff` do with one spec."""

import difflib
import sys
from pathlib import Path
from typing import NamedTuple

import typer

from deit_spec.cli.output import STDIN, STDIN_NAME, emit, fail, stdin, write_whole
from deit_spec.diagnostics.visible import visible
from deit_spec.spec import Checked, Mended, mend, mend_text


class Outcome(NamedTuple):
    """What is found in a spec, and whether it is not as it should be on disk."""

    checked: Checked
    changes: bool = False

    @property
    def failed(self) -> bool:
        """Whether the spec has errors, or would be changed."""
        return self.checked.spec is None or self.changes


def write(name: str) -> Outcome:
    """Mend a spec in its file, or from standard input to standard output."""
    mended = _mend(name)
    if name == STDIN:
        emit(mended.after, None)
    elif mended.fixes:
        try:
            write_whole(Path(name), mended.after)
        except OSError as error:
            fail(f"cannot write {name}: {(error.strerror or str(error)).lower()}")
    for fix in mended.fixes:
        typer.echo(f"fixed {visible(name)}: {visible(fix.title)}", err=True)
    return Outcome(mended.checked)


def show(name: str) -> Outcome:
    """Print what `write` would change, and change nothing."""
    mended = _mend(name)
    shown = visible(name)
    before, after = (
        data.decode(errors="replace").splitlines(keepends=True)
        for data in (mended.before, mended.after)
    )
    for line in difflib.unified_diff(before, after, shown, f"{shown} (fixed)"):
        text = (
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        )
        sys.stdout.write(text)
    return Outcome(mended.checked, changes=bool(mended.fixes))


def count(name: str, checked: Checked) -> int | None:
    """How many mistakes `write` would mend, one behind another, where that is known."""
    any_ = name != STDIN and any(found.fix for found in checked.diagnostics)
    return len(mend(name).fixes) if any_ else None


def _mend(name: str) -> Mended:
    return mend_text(stdin(), STDIN_NAME) if name == STDIN else mend(name)
