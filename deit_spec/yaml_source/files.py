"""Files to documents, without trust in what a name leads to."""

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

# What the shell has opened for us, `<(…)` included: waiting for it is right.
_DESCRIPTORS: Final = ("/dev/fd", "/proc/self/fd")
_STDIN: Final = "/dev/stdin"
# Any other name may lead to a FIFO, and opening one waits for a writer for ever.
_NO_WAIT: Final = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_KINDS: Final = (
    (stat.S_ISDIR, "is a directory"),
    (stat.S_ISFIFO, "is a named pipe"),
)
_written: ContextVar[Mapping[Path, bytes]] = ContextVar("written", default={})  # noqa: B039  -- a Mapping


def read_file(
    path: Path, name: str, is_key: IsKey = knows_none
) -> tuple[Document | None, list[Diagnostic]]:
    """Read a file; messages call it by the name."""
    try:
        data = contents(path)
    except OSError as error:
        reason = reason_of(error)
        return None, [findings.unreadable(name, reason)]
    except ValueError:
        # What the system cannot take as a name: NUL, or an unpaired surrogate.
        reason = "the name holds a character that no file name can"
        return None, [findings.unreadable(name, reason)]
    return read_bytes(data, name, is_key)


def contents(path: Path) -> bytes:
    """Read a regular file, or what the shell has opened, up to the limit of size.

    Raises:
        OSError: The file cannot be read, or is a device or a pipe.
        ValueError: The name holds a character that no file name can.
    """
    written = _written.get()
    if written and (text := written.get(real(path))) is not None:
        return text
    given = _is_given(path)
    opener = None if given else _open_at_once
    with open(path, "rb", opener=opener) as file:
        if not given:
            _require_regular(os.fstat(file.fileno()).st_mode)
        # One byte past the limit is enough to know that there are too many.
        return file.read(FILE_BYTES + 1)


@contextmanager
def as_if_written(texts: Mapping[Path, bytes]) -> Iterator[None]:
    """Read files within as if these texts had been written to them."""
    token = _written.set({real(path): text for path, text in texts.items()})
    try:
        yield
    finally:
        _written.reset(token)


def real(path: Path) -> Path:
    """The path without links; of links that lead round, one of them.

    `Path.resolve` raises there, before Python 3.13.

    Raises:
        ValueError: The name holds a character that no file name can.
    """
    return Path(os.path.realpath(path))


def is_special(path: Path) -> bool:
    """Whether a name leads to a device, a pipe, or what the shell has opened."""
    if _is_given(path):
        return True
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _is_given(path: Path) -> bool:
    """Whether a name is of what the shell has opened."""
    name = str(path)
    return name == _STDIN or os.path.dirname(name) in _DESCRIPTORS  # noqa: PTH120  -- each file passes here


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | _NO_WAIT)


def _require_regular(mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    kinds = (words for is_kind, words in _KINDS if is_kind(mode))
    raise OSError(None, next(kinds, "is a device"))
