"""Writes results to standard output or a file, and messages to standard error."""

import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import typer

from deit_spec.atomic_write import encode, write_file
from deit_spec.diagnostics import Diagnostic
from deit_spec.diagnostics.formats import DOCUMENT_FORMATS, Format, render
from deit_spec.diagnostics.printable import reason_of, visible
from deit_spec.spec.origin import EXPORTED_SUFFIXES

if TYPE_CHECKING:
    from types import FrameType

    from rich.console import Console

    from deit_spec.yaml_source import Document

STDIO = "-"
STDIN_NAME = "<stdin>"
MAX_WIDTH = 100
PICTURES = (".png", ".svg")
"""The extensions of a plot."""
SIGNAL_EXIT = 128
"""Added to the number of a signal for the exit code, as shells do."""


_inputs = set[str]()


class _State:
    """The format of diagnostics, and those that are collected for one document."""

    format = Format.TEXT
    collected: list[Diagnostic] | None = None


def reset() -> None:
    """Forget files and diagnostics of an earlier command in this process."""
    _inputs.clear()
    choose_format(Format.TEXT)


def choose_format(format_: Format, *, collected: bool = True) -> None:
    """Choose the format of diagnostics; `collected` are one document at the end."""
    _State.format = format_
    _State.collected = [] if collected and format_ in DOCUMENT_FORMATS else None


def chosen_format() -> Format:
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
        sys.stderr.write(render(found, _State.format))


def flush() -> None:
    """Write what was collected as one document, at the end of a command."""
    if _State.collected is not None:
        sys.stderr.write(render(_State.collected, _State.format))
        _State.collected = None


def draw(
    found: Sequence[Diagnostic], *, counted: bool, fixes: int | None = None
) -> None:
    """Draw diagnostics on standard error, with a line that counts them."""
    from deit_spec.diagnostics.text import render, summary

    console = make_console(stderr=True)
    console.print(render(found, width=min(console.width, MAX_WIDTH)))
    console.print(f"\n{summary(found, fixes)}" if counted else "")


def make_console(*, color: bool = True, **options: Any) -> "Console":
    """A console that prints text as it is, in colour if that is wanted."""
    from rich.console import Console

    plain = not color or bool(os.environ.get("NO_COLOR"))
    system: Literal["auto"] | None = None if plain else "auto"
    options |= {"highlight": False, "markup": False, "emoji": False}
    return Console(color_system=system, soft_wrap=True, **options)


def fail(message: str) -> NoReturn:
    """Print an error of the usage on one line, and exit with 2."""
    if not _State.collected:  # then no document is written either
        _State.collected = None
    typer.echo(f"error: {visible(message)}", err=True)
    raise typer.Exit(2)


def shown_name(name: str) -> str:
    """The name of an argument in messages."""
    return STDIN_NAME if name == STDIO else name


def protect(*names: str | Path) -> None:
    """Note files that the command reads, which `emit` then refuses to overwrite."""
    _inputs.update(map(str, names))


def protect_folder(folder: Path) -> None:
    """Protect the files of a folder, except exported ones, which are not read there.

    A folder that cannot be listed has no files to read.
    """
    with contextlib.suppress(OSError):
        files = {*folder.iterdir()}
        exported = {each for each in files if each.suffix in EXPORTED_SUFFIXES}
        openvino = (each for each in exported if each.suffix == ".xml")
        weights = {each.with_suffix(".bin") for each in openvino}
        protect(*files - exported - weights)


def protect_document(name: str, document: "Document | None") -> None:
    """Protect a file, and those that its document extends."""
    spans = () if document is None else document.spans.values()
    protect(name, *{entry.source.name for entry in spans})


def is_file(output: Path | None) -> bool:
    """Whether `-o` names a file, not standard output."""
    return output is not None and str(output) != STDIO


def emit(text: str | bytes, output: Path | None) -> None:
    """Write text to standard output, or to a file, whole or not at all."""
    if output is None or not is_file(output):
        if sys.stdout is None:
            fail("standard output is closed")
        sys.stdout.buffer.write(text if isinstance(text, bytes) else encode(text))
        sys.stdout.buffer.flush()
        return
    refuse_input(output)
    try:
        write_file(output, text)
    except OSError as error:
        fail(f"cannot write {output}: {reason_of(error)}")


def require_folder(output: Path | None) -> None:
    """Exit with 2, before a long measurement, if the folder of `-o` does not exist."""
    if output is not None and is_file(output) and not output.parent.is_dir():
        fail(f"cannot write {output}: there is no folder {output.parent}")


def refuse_input(*outputs: Path) -> None:
    """Exit with 2 if the command reads a file that `-o` writes."""
    for output in outputs:
        if any(_is_same(output, name) for name in _inputs):
            fail(f"-o {output} would overwrite an input of this command")


def emit_json(value: dict[str, Any], output: Path | None) -> None:
    """Write an object as JSON, in which control characters are escaped."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    # `json` escapes only those below U+0020, but a terminal obeys others too.
    safe = (c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)
    emit("".join(safe) + "\n", output)


def unified_diff(name: str, before: bytes, after: bytes, label: str) -> str:
    """Compare two versions of a file, for `patch -p0` and `git apply -p0`."""
    from difflib import unified_diff as compare

    # A line ends at a line feed only, as it does for these tools.
    old, new = (
        list(StringIO(data.decode(errors="replace"))) for data in (before, after)
    )
    shown = visible(name)
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in compare(old, new, shown, shown, tofiledate=f"({label})")
    )


def can_encode(text: str) -> bool:
    """Whether the encoding of standard output has all characters of a text."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


@contextlib.contextmanager
def cleanup_on_sigterm() -> Iterator[None]:
    """Remove temporary files if SIGTERM ends the process in the block."""

    def stop(number: int, _: "FrameType | None") -> NoReturn:
        raise SystemExit(SIGNAL_EXIT + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def ignore_closed_pipes() -> None:
    """Let a command such as `train … 2>&1 | head` go on when its reader has gone."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    for name in ("stdout", "stderr"):
        if (stream := getattr(sys, name)) is not None:
            setattr(sys, name, _LossyStream(stream))


class _LossyStream:
    """A text stream that drops its output once its reader has gone."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text, or drop it."""
        with contextlib.suppress(BrokenPipeError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream, or drop what is left in it."""
        with contextlib.suppress(BrokenPipeError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _is_same(output: Path, name: str) -> bool:
    try:
        return output.samefile(name)
    except (OSError, ValueError):
        return False
