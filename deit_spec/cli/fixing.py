"""What `--fix` and `--diff` do with specs."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import typer

from deit_spec.atomic_write import write_file
from deit_spec.cli.difference import difference
from deit_spec.cli.documents import Documents
from deit_spec.cli.output import (
    STDIN,
    called,
    emit,
    fail,
)
from deit_spec.diagnostics import has_errors
from deit_spec.diagnostics.printable import reason_of, visible
from deit_spec.recipe.documents import CheckedAny
from deit_spec.spec.fix_loop import Mended
from deit_spec.yaml_source.document import FILE_BYTES
from deit_spec.yaml_source.files import as_if_written, is_special


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
    if len(names) == 1:
        yield Outcome(_write(names[0], documents).checked)
        return
    written = [(name, _write(name, documents).after) for name in names]
    for name, text in written:
        yield Outcome(documents.again(name, text))


def show(names: Sequence[str], documents: Documents) -> Iterator[Outcome]:
    """Print what `write` would change, change nothing, and judge as it would."""
    if len(names) == 1:
        mended = _show(names[0], documents)
        yield Outcome(mended.checked, changes=bool(mended.fixes))
        return
    all_mended = [(name, _show(name, documents)) for name in names]
    texts = {Path(name): each.after for name, each in all_mended if each.fixes}
    with as_if_written(texts):
        for name, each in all_mended:
            checked = documents.again(name, each.after)
            yield Outcome(checked, changes=bool(each.fixes))


def _show(name: str, documents: Documents) -> Mended[CheckedAny]:
    mended = documents.mend(name)
    emit(difference(called(name), mended.before, mended.after, "fixed"), None)
    return mended


def _write(name: str, documents: Documents) -> Mended[CheckedAny]:
    mended = documents.mend(name)
    if name == STDIN:
        # Of a longer text the end has not been read.
        if len(mended.after) <= FILE_BYTES:
            emit(mended.after, None)
    elif mended.fixes:
        try:
            write_file(Path(name), mended.after)
        except OSError as error:
            fail(f"cannot write {name}: {reason_of(error)}")
    for fix in mended.fixes:
        typer.echo(f"fixed {visible(called(name))}: {visible(fix.title)}", err=True)
    return mended
