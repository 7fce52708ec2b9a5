"""What comes in and goes out: specs, and results to stdout or whole into a file."""

import sys
from pathlib import Path
from typing import Final, NoReturn

import typer

from deit_spec.atomic_write import encode, write_file
from deit_spec.cli import messages
from deit_spec.diagnostics.printable import reason_of, visible
from deit_spec.recipe.documents import Kind, kind_of
from deit_spec.spec import Checked, Count, check_spec, check_text, count
from deit_spec.spec.origin import locate
from deit_spec.yaml_source import Document
from deit_spec.yaml_source.document import FILE_BYTES

STDIN = "-"
STDIN_NAME = "<stdin>"
BY_SIGNAL = 128
"""What a shell adds to the number of the signal that has ended a command."""


def called(name: str) -> str:
    """What messages call a spec by the name that a command is given."""
    return STDIN_NAME if name == STDIN else name


def read(spec: str) -> Checked:
    """Check a spec by its path, or from standard input, and report every finding."""
    checked = check(spec)
    messages.report(checked.diagnostics, fixes=count_fixes(spec, checked))
    return checked


def check(spec: str) -> Checked:
    """Check a spec by its path, or from standard input.

    Raises:
        typer.Exit: It is a recipe or a study, code 2.
    """
    checked = check_text(stdin(), STDIN_NAME) if spec == STDIN else check_spec(spec)
    if checked.spec is None:
        require_kind(spec, checked.document, Kind.SPEC)
    made_from_document(spec, checked.document)
    return checked


_OF_OTHER_KINDS: Final = {
    (Kind.RECIPE, Kind.SPEC): "its student.spec names one",
    (Kind.SPEC, Kind.RECIPE): "a recipe has it as its student.spec",
    (Kind.STUDY, Kind.RECIPE): "`deit-spec study` runs it",
    (Kind.RECIPE, Kind.STUDY): "`deit-spec train` follows it",
}


def require_kind(name: str, document: Document | None, wanted: Kind) -> None:
    """See that a document that has errors is of a kind at all.

    Raises:
        typer.Exit: It is of another one, code 2.
    """
    kind = kind_of(document)
    if document is None or kind is wanted or not document.value:
        return
    help_ = _OF_OTHER_KINDS.get((kind, wanted))
    more = f"; {help_}" if help_ else ""
    fail(f"{called(name)} is a {kind.value}, not a {wanted.value}{more}")


def count_fixes(spec: str, checked: Checked) -> Count:
    """How many mistakes of a spec `validate --fix` fixes, one behind another."""
    return count(checked, None if spec == STDIN else locate(spec, Path()))


def made_from(*names: str | Path) -> None:
    """Note files that the output is made from, so that none is written over."""
    _Inputs.names |= set(map(str, names))


def made_from_document(name: str, document: Document | None) -> None:
    """Note a file, and all those that its document is made from."""
    spans = () if document is None else document.spans.values()
    made_from(name, *{entry.source.name for entry in spans})


def forget() -> None:
    """Begin a command: nothing has been read."""
    _Inputs.names = set()


class _Inputs:
    """What this command has read."""

    names: set[str] = set()  # noqa: RUF012  -- of the process, as its command is


def _keep_inputs(output: Path) -> None:
    for name in _Inputs.names:
        try:
            same = output.samefile(name)
        except (OSError, ValueError):
            continue
        if same:
            fail(f"-o {output} is what this is made from")


def stdin() -> bytes:
    """Read standard input, no further than a spec may be long.

    Raises:
        typer.Exit: It is closed, code 2.
    """
    if sys.stdin is None:
        fail("standard input is closed")
    return sys.stdin.buffer.read(FILE_BYTES + 1)


def emit(text: str | bytes, output: Path | None) -> None:
    """Write text to stdout, or whole into a file.

    Raises:
        typer.Exit: The file cannot be written, or is what the text is made from,
            code 2; it is as it was.
    """
    if output is None or str(output) == STDIN:
        if sys.stdout is None:
            fail("standard output is closed")
        sys.stdout.buffer.write(text if isinstance(text, bytes) else encode(text))
        sys.stdout.buffer.flush()
        return
    _keep_inputs(output)
    try:
        write_file(output, text)
    except OSError as error:
        fail(f"cannot write {output}: {reason_of(error)}")


def fail(message: str) -> NoReturn:
    """Say on one line what is wrong with the command, and exit 2.

    Raises:
        typer.Exit: Always.
    """
    messages.give_up()
    typer.echo(f"error: {visible(message)}", err=True)
    raise typer.Exit(2)
