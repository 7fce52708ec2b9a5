"""Files and texts to documents with their findings.

A path may be a pipe, a device or a huge file; a text may be anything.
"""

import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from yaml.error import MarkedYAMLError

from deit_spec.diagnostics import Diagnostic, Label, Source, in_source_order
from deit_spec.diagnostics.printable import reason_of
from deit_spec.yaml_source import yaml_findings as findings
from deit_spec.yaml_source.composer import UNKNOWN, Composer, LimitReachedError
from deit_spec.yaml_source.document import (
    FILE_BYTES,
    Document,
    Entry,
    IsKey,
    Patch,
    Positions,
    is_too_large,
    knows_none,
)

# YAML allows printable characters only; others must be written as escapes.
_UNPRINTABLE: Final = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)
# Byte order marks; a spec starts with ASCII, which has zeros in these encodings.
_UTF16_OR_UTF32: Final = re.compile(rb"\xff\xfe|(?:\0\0)?\xfe\xff|\0[^\0]|[^\0]\0")
# A zip archive, a pickle, and a safetensors file, which starts with a small length.
_CHECKPOINT: Final = re.compile(rb"PK\x03\x04|\x80[\x02-\x05]|.{4}\0{4}\{", re.DOTALL)
# What the shell has opened, as for `<(…)`: waiting for it is right.
_DESCRIPTORS: Final = ("/dev/fd", "/proc/self/fd")
_STDIN: Final = "/dev/stdin"
# Any other path may be a FIFO, and opening one waits for a writer forever.
_NO_WAIT: Final = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_PARSES: Final = 3  # at most, the first time included
_PAIRED: Final = re.compile(r"""[{}\[\]"'|>]""")
_written: ContextVar[Mapping[Path, bytes]] = ContextVar("written", default={})  # noqa: B039  -- a Mapping


def read_file(
    path: Path, name: str, is_key: IsKey = knows_none
) -> tuple[Document | None, list[Diagnostic]]:
    """Read a file; `name` is what messages call it."""
    try:
        data = contents(path)
    except OSError as error:
        return None, [findings.unreadable(name, reason_of(error))]
    except ValueError:  # NUL, or an unpaired surrogate
        reason = "the name has an invalid character"
        return None, [findings.unreadable(name, reason)]
    return read_bytes(data, name, is_key)


def read_bytes(
    data: bytes, name: str, is_key: IsKey = knows_none
) -> tuple[Document | None, list[Diagnostic]]:
    """Read UTF-8, with or without a byte order mark."""
    if _CHECKPOINT.match(data):
        return None, [findings.checkpoint(name)]
    if len(data) > FILE_BYTES:
        return None, [findings.too_large(name)]
    if _UTF16_OR_UTF32.match(data):
        place = findings.whole(Source(name, ""))
        message = "the file is UTF-16 or UTF-32, not UTF-8"
        return None, [findings.not_utf8(message, place)]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return None, [_bad_byte(data, error.start, name)]
    return read_text(text, name, is_key)


def read_text(
    text: str, name: str, is_key: IsKey = knows_none
) -> tuple[Document | None, list[Diagnostic]]:
    """Read a text.

    There is a document wherever any part of the text could be read, with findings or
    without, so that a schema can report its own findings together with them. After a
    syntax error, a line is repaired if its meaning is certain: `depth:12` is read as
    `depth: 12` if `is_key` knows the word.
    """
    if is_too_large(text):
        return None, [findings.too_large(name)]
    # Remove repeated byte order marks too: libyaml skips one without counting it.
    positions = Positions(Source(name, text.lstrip("\ufeff")))
    if bad := _bad_character(positions):
        return None, [bad]
    parsed = parse(positions)
    if parsed.error is not None or _may_be_lines(parsed.document):
        parsed = _recover(parsed, positions, is_key)
    return _result(parsed)


def read_pair(text: str, name: str) -> tuple[Document | None, list[Diagnostic]]:
    """Read `key=value` as the line `key: value`; the spans are those of the text."""
    at = text.index("=")
    positions = Positions(Source(name, text), [Patch(at, at + 1, ": ")])
    if bad := _bad_character(positions):
        return None, [bad]
    parsed = parse(positions)
    if parsed.error is not None:
        from deit_spec.yaml_source.syntax_errors import explain  # noqa: PLC0415

        finding, _ = explain(parsed.error, positions, knows_none)
        # There is one value, and no line to remove.
        finding = replace(finding, helps=("put the value in quotes",), fix=None)
        parsed = parsed._replace(findings=[*parsed.findings, finding])
    return _result(parsed)


class Parsed(NamedTuple):
    """The result of parsing once, and the error at which the parser stopped."""

    document: Document | None
    findings: Sequence[Diagnostic]
    error: MarkedYAMLError | None = None


def parse(positions: Positions) -> Parsed:
    """Parse a text once, with its patches; after an error, keep what precedes it."""
    composer = Composer(positions)
    try:
        root = composer.document()
    except MarkedYAMLError as error:
        document = _partial(composer, positions, has_last=False)
        return Parsed(document, composer.findings, error)
    except (ValueError, OverflowError):
        # The parser in Python refuses `"\\UFFFFFFFF"` in this way.
        problem = "found a number that is out of range"
        return Parsed(None, composer.findings, MarkedYAMLError(problem=problem))
    except LimitReachedError:
        document = _partial(composer, positions, has_last=True)
        return Parsed(document, composer.findings)
    if root is None or root.value is None or root.value is UNKNOWN:
        # An empty document is valid and means all defaults.
        place = (0, 0) if root is None or root.value is None else root[2:]
        spans: dict[tuple[str | int, ...], Entry] = {(): Entry(positions, place, place)}
        return Parsed(Document({}, spans, positions.source), composer.findings)
    document = Document(root.value, composer.spans, positions.source)
    return Parsed(document, composer.findings)


def _recover(first: Parsed, positions: Positions, is_key: IsKey) -> Parsed:
    """Report what keeps a text from being YAML, and read the rest of it."""
    # Most texts are valid, and these take a while to import.
    from deit_spec.yaml_source.recovery import Lines  # noqa: PLC0415
    from deit_spec.yaml_source.syntax_errors import explain  # noqa: PLC0415

    lines = Lines(positions, is_key)
    lines.read()
    unclosed = lines.unclosed
    is_text = first.document is not None and isinstance(first.document.value, str)
    if first.error is None and not any(f.fix or not is_text for f in lines.findings):
        return first
    found, parsed, tries = lines.findings, first, _PARSES - 1
    if lines.patches:
        positions = positions.patched(lines.patches)
        parsed, tries = parse(positions), tries - 1
    while parsed.error is not None and tries:
        finding, patch = explain(parsed.error, positions, is_key)
        found.append(finding)
        positions = positions.patched([patch])
        again, tries = parse(positions), tries - 1
        removed = positions.source.text[patch.start : patch.end]
        if again.error is not None and _PAIRED.search(removed):
            break  # Without this line, more may be wrong than in the text.
        parsed = again
    if parsed.document is not None:
        parsed.document.remove_empty(is_key)
    # What is wrong inside an unclosed bracket may be a consequence of it.
    found += (
        each
        for each in parsed.findings
        if not any(start < each.primary.span.start < end for start, end in unclosed)
    )
    return parsed._replace(findings=found)


def _partial(
    composer: Composer, positions: Positions, *, has_last: bool
) -> Document | None:
    """What was read of a mapping; after a syntax error, without the last value."""
    root = composer.root
    if root is None:
        return None
    read = composer.spans
    spans = {
        path: entry
        for path, entry in read.items()
        if all(path[:end] in read for end in range(1, len(path)))
    }
    last = next(reversed(read), ())
    if len(last) == 1 and not has_last:
        spans = {path: spans[path] for path in spans if path[0] != last[0]}
        root.pop(str(last[0]), None)
    spans[()] = Entry(positions, (0, 0), (0, 0))
    return Document(root, spans, positions.source)


def _may_be_lines(document: Document | None) -> bool:
    """Return whether a string may be lines of keys that all lack their colons."""
    value = document and document.value
    if document is None or not isinstance(value, dict):
        return isinstance(value, str)
    texts = [document.spans[key,] for key in value if isinstance(value[key], str)]
    after_key = document.source.text.startswith
    return any(
        each.key.line < each.value.line and after_key(":", each.key.end)
        for each in texts
    )


def _result(parsed: Parsed) -> tuple[Document | None, list[Diagnostic]]:
    document = parsed.document
    if document is not None and parsed.findings:
        document = replace(document, recovered=True)
    return document, in_source_order(parsed.findings)


def _bad_character(positions: Positions) -> Diagnostic | None:
    bad = _UNPRINTABLE.search(positions.source.text)
    if bad is None:
        return None
    return findings.bad_character(bad.group(), positions.span(bad.start(), bad.end()))


def _bad_byte(data: bytes, offset: int, name: str) -> Diagnostic:
    text = data.decode("utf-8-sig", "replace")
    start = len(data[:offset].decode("utf-8-sig"))
    span = Positions(Source(name, text)).span(start, start + 1)
    message = f"the byte 0x{data[offset]:02x} is not valid UTF-8"
    return findings.not_utf8(message, Label(span))


def contents(path: Path) -> bytes:
    """Read a regular file, or what the shell has opened, up to the limit."""
    written = _written.get()
    if written and (text := written.get(real(path))) is not None:
        return text
    opened = _is_opened(path)
    opener = None if opened else _open_at_once
    with open(path, "rb", opener=opener) as file:
        if not opened and not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(None, "is not a regular file")
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
    """Resolve links; `Path.resolve` raises on a cycle before Python 3.13."""
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
