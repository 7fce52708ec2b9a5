"""Where output goes: findings to stderr, results to stdout or whole into a file."""

import os
import stat
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import typer

from deit_spec.diagnostics import Diagnostic
from deit_spec.pipeline import check_spec, check_text
from deit_spec.source.limits import FILE_BYTES
from deit_spec.spec import Checked

STDIN = "-"
WIDEST = 100


def read(spec: str) -> Checked:
    """Check a spec by its path, or from standard input, and report every finding."""
    if spec == STDIN:
        data = sys.stdin.buffer.read(FILE_BYTES + 1)
        checked = check_text(data, "<stdin>")
    else:
        checked = check_spec(spec)
    report(checked.diagnostics)
    return checked


def report(diagnostics: Iterable[Diagnostic]) -> None:
    """Print findings and a line that sums them up to stderr."""
    found = list(diagnostics)
    if not found:
        return
    from rich.console import Console  # a clean spec needs no rich

    from deit_spec.diagnostics.text import render, summary

    console = Console(stderr=True, soft_wrap=True, highlight=False)
    console.print(render(found, width=min(console.width, WIDEST)))
    console.print(f"\n{summary(found)}", markup=False)


def emit(text: str, output: Path | None) -> None:
    """Write text to stdout, or whole into a file.

    Raises:
        typer.Exit: The file cannot be written, code 2; it is as it was.
    """
    if output is None or str(output) == STDIN:
        sys.stdout.write(text)
        return
    try:
        write_whole(output, text)
    except OSError as error:
        fail(f"cannot write {output}: {(error.strerror or str(error)).lower()}")


def fail(message: str) -> None:
    """Say what is wrong with the command, and exit 2.

    Raises:
        typer.Exit: Always.
    """
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(2)


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all: a neighbour is written, then renamed.

    A symbolic link is followed, and an existing file keeps its permissions. A
    device or a pipe, which cannot be replaced, is written directly.

    Raises:
        OSError: The file cannot be written; what was there is untouched.
    """
    path = path.resolve()
    mode = path.stat().st_mode if path.exists() else None
    if mode is not None and not stat.S_ISREG(mode):
        path.write_text(text, encoding="utf-8")
        return
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        temporary.chmod(_permissions(mode))
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _permissions(mode: int | None) -> int:
    if mode is not None:
        return stat.S_IMODE(mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
