"""Files to documents: a path may be a pipe, a device or a huge file."""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final

from deit_spec.diagnostics import Diagnostic
from deit_spec.diagnostics.printable import reason_of
from deit_spec.yaml_source import yaml_findings as findings
from deit_spec.yaml_source.document import FILE_BYTES, Document, IsKey, knows_none
from deit_spec.yaml_source.reader import read_bytes

# What the shell has opened, as for `<(…)`: waiting for it is right.
_DESCRIPTORS: Final = ("/dev/fd", "/proc/self/fd")
_STDIN: Final = "/dev/stdin"
# Any other path may be a FIFO, and opening one waits for a writer forever.
_NO_WAIT: Final = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_KINDS: Final = (
    (stat.S_ISDIR, "is a directory"),
    (stat.S_ISFIFO, "is a named pipe"),
)
_written: ContextVar[Mapping[Path, bytes]] = ContextVar("written", default={})  # noqa: B039  -- a Mapping


def read_file(
    path: Path, name: str, is_key: IsKey = knows_none
) -> tuple[Document | None, list[Diagnostic]]:
    """Read a file; `name` is what messages call it."""
    try:
        data = contents(path)
    except OSError as error:
        reason = reason_of(error)
        return None, [findings.unreadable(name, reason)]
    except ValueError:
        # NUL, or an unpaired surrogate.
        reason = "the name has an invalid character"
        return None, [findings.unreadable(name, reason)]
    return read_bytes(data, name, is_key)


def contents(path: Path) -> bytes:
    """Read a regular file, or what the shell has opened, up to the size limit.

    Raises:
        OSError: The file cannot be read, or is a device or a pipe.
        ValueError: The name has a character that is not allowed.
    """
    written = _written.get()
    if written and (text := written.get(real(path))) is not None:
        return text
    opened = _is_opened(path)
    opener = None if opened else _open_at_once
    with open(path, "rb", opener=opener) as file:
        if not opened:
            _require_regular(os.fstat(file.fileno()).st_mode)
        # One byte past the limit is enough to know that there are too many.
        return file.read(FILE_BYTES + 1)


@contextmanager
def as_if_written(texts: Mapping[Path, bytes]) -> Iterator[None]:
    """Read files in this context as if these texts had been written to them."""
    token = _written.set({real(path): text for path, text in texts.items()})
    try:
        yield
    finally:
        _written.reset(token)


def real(path: Path) -> Path:
    """Resolve links; `Path.resolve` raises on a cycle before Python 3.13.

    Raises:
        ValueError: The name has a character that is not allowed.
    """
    return Path(os.path.realpath(path))


def is_special(path: Path) -> bool:
    """Return whether a path is a device, a pipe, or opened by the shell."""
    if _is_opened(path):
        return True
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _is_opened(path: Path) -> bool:
    """Return whether a path is what the shell has opened."""
    name = str(path)
    return name == _STDIN or os.path.dirname(name) in _DESCRIPTORS  # noqa: PTH120  -- runs for each file


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | _NO_WAIT)


def _require_regular(mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    kinds = (words for is_kind, words in _KINDS if is_kind(mode))
    raise OSError(None, next(kinds, "is a device"))
