"""Writes results to standard output or to a file, and errors to standard error."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

import typer

from deit_spec.atomic_write import encode, write_file
from deit_spec.cli import messages
from deit_spec.diagnostics.printable import reason_of, visible

STDIO = "-"
SIGNAL_EXIT = 128
"""Added to the number of a signal for the exit code, as shells do."""

_inputs: set[str] = set()


def protect(*names: str | Path) -> None:
    """Note files that the command reads, which `emit` then refuses to overwrite."""
    _inputs.update(map(str, names))


def reset() -> None:
    """Forget the files of an earlier command in this process."""
    _inputs.clear()


def is_file(output: Path | None) -> bool:
    """Whether `-o` names a file, not standard output."""
    return output is not None and str(output) != STDIO


def emit(text: str | bytes, output: Path | None) -> None:
    """Write text to standard output, or to a file, whole or not at all.

    Raises:
        typer.Exit: With code 2: the file cannot be written, or is read by the
            command.
    """
    if output is None or not is_file(output):
        if sys.stdout is None:
            fail("standard output is closed")
        sys.stdout.buffer.write(text if isinstance(text, bytes) else encode(text))
        sys.stdout.buffer.flush()
        return
    if any(_is_same(output, name) for name in _inputs):
        fail(f"-o {output} would overwrite an input of this command")
    try:
        write_file(output, text)
    except OSError as error:
        fail(f"cannot write {output}: {reason_of(error)}")


def emit_json(value: dict[str, Any], output: Path | None) -> None:
    """Write an object as JSON, in which control characters are escaped."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    # `json` escapes only those below U+0020, but a terminal obeys others too.
    safe = (c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)
    emit("".join(safe) + "\n", output)


def fail(message: str) -> NoReturn:
    """Print an error of the usage on one line, and exit.

    Raises:
        typer.Exit: Always, with code 2.
    """
    messages.discard_if_empty()
    typer.echo(f"error: {visible(message)}", err=True)
    raise typer.Exit(2)


def unified_diff(name: str, before: bytes, after: bytes, label: str) -> str:
    """Compare two versions of a file, for `patch -p0` and `git apply -p0`.

    A line ends at a line feed only, as it does for these tools.
    """
    from difflib import unified_diff as compare

    shown = visible(name)
    lines = compare(
        _lines(before), _lines(after), shown, shown, tofiledate=f"({label})"
    )
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in lines
    )


def _lines(data: bytes) -> list[str]:
    *lines, last = data.decode(errors="replace").split("\n")
    return [*(f"{line}\n" for line in lines), *filter(None, [last])]


def can_encode(text: str) -> bool:
    """Whether the encoding of standard output has all characters of a text."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def ignore_closed_pipes() -> None:
    """Let a long command go on when the reader of its output has gone.

    So `deit-spec train … 2>&1 | head` does not end the training.
    """
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None:
            setattr(sys, name, _Stream(stream))


class _Stream:
    """A text stream that drops its output once its reader has gone."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text, or drop it."""
        try:
            return int(self._stream.write(text))
        except BrokenPipeError:
            self._drop()
            return len(text)

    def flush(self) -> None:
        """Flush the stream, or drop what is left in it."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._drop()

    def _drop(self) -> None:
        self._stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _is_same(output: Path, name: str) -> bool:
    try:
        return output.samefile(name)
    except (OSError, ValueError):
        return False
