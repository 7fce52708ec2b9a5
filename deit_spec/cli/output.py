"""Where output goes: findings to stderr, results to stdout or whole into a file."""

import errno
import os
import stat
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from deit_spec.diagnostics import Diagnostic
from deit_spec.spec import Checked, check_spec, check_stream

if TYPE_CHECKING:
    from rich.console import Console

STDIN = "-"
WIDEST = 100


def read(spec: str) -> Checked:
    """Check a spec by its path, or from standard input, and report every finding."""
    if spec == STDIN:
        if sys.stdin is None:
            fail("standard input is closed")
        checked = check_stream(sys.stdin.buffer, "<stdin>")
    else:
        checked = check_spec(spec)
    report(checked.diagnostics)
    return checked


def report(diagnostics: Iterable[Diagnostic]) -> None:
    """Print findings and a line that sums them up to stderr."""
    found = list(diagnostics)
    if not found:
        return
    # A clean spec needs no rich.
    from deit_spec.diagnostics.text import render, summary

    console = make_console(stderr=True)
    console.print(render(found, width=min(console.width, WIDEST)))
    console.print(f"\n{summary(found)}", markup=False)


def make_console(*, color: bool = True, **options: Any) -> "Console":
    """A console that writes plain text where colour is not wanted."""
    from rich.console import Console

    plain = not color or bool(os.environ.get("NO_COLOR"))
    system: Literal["auto"] | None = None if plain else "auto"
    return Console(color_system=system, soft_wrap=True, highlight=False, **options)


def emit(text: str, output: Path | None) -> None:
    """Write text to stdout, or whole into a file.

    Raises:
        typer.Exit: The file cannot be written, code 2; it is as it was.
    """
    if output is None or str(output) == STDIN:
        if sys.stdout is None:
            fail("standard output is closed")
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
        return
    try:
        write_whole(output, text)
    except OSError as error:
        fail(f"cannot write {output}: {(error.strerror or str(error)).lower()}")


def keep_specs(checked: Checked, output: Path | None) -> None:
    """Refuse to write the output over the spec, or over one that it extends.

    Raises:
        typer.Exit: They are one file, code 2.
    """
    if output is None or checked.document is None:
        return
    entries = checked.document.spans.values()
    for name in {entry.value.source.name for entry in entries}:
        try:
            same = output.samefile(name)
        except OSError:
            continue
        if same:
            fail(f"-o {output} is a spec that this is made from")


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
    mode = path.stat().st_mode if path.exists() else None
    if mode is not None and not stat.S_ISREG(mode):
        path.write_text(text, encoding="utf-8")
        return
    if mode is not None and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "permission denied")
    path = Path(os.path.realpath(path))
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".deit-spec-")
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
