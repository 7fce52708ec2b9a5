"""Text to a document, or to all that is wrong with it."""

import codecs
import re
from typing import Final

from yaml.error import MarkedYAMLError

from deit_spec.diagnostics import (
    Diagnostic,
    Label,
    Source,
    Span,
    diagnose,
    in_source_order,
)
from deit_spec.source import limits, problems
from deit_spec.source.composer import Composer, Node, TooDeepError
from deit_spec.source.document import Document, Entry
from deit_spec.source.events import events
from deit_spec.source.positions import Positions
from deit_spec.source.report import Report
from deit_spec.source.syntax import syntax_error

# What YAML calls printable; anything else must be written as an escape.
_UNPRINTABLE: Final = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)
_OTHER_ENCODINGS: Final = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def read_bytes(data: bytes, name: str) -> tuple[Document | None, list[Diagnostic]]:
    """Read UTF-8, with or without a byte order mark."""
    if len(data) > limits.FILE_BYTES:
        return None, [problems.too_large(name)]
    if encoding := _other_encoding(data):
        message = f"the file is {encoding}, not UTF-8"
        label = problems.whole(Source(name, ""))
        return None, [diagnose("DS002", message, label, helps=["save it as UTF-8"])]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return None, [_bad_byte(data, error.start, name)]
    return read_text(text, name)


def read_text(text: str, name: str) -> tuple[Document | None, list[Diagnostic]]:
    """Read a text.

    There is a document wherever a value could be made, with problems or without,
    so that a schema can report its own at once with them.
    """
    if _size(text) > limits.FILE_BYTES:
        return None, [problems.too_large(name)]
    # More than one mark of byte order, too: libyaml drops one without counting it.
    positions = Positions(Source(name, text.lstrip("\ufeff")))
    if bad := _UNPRINTABLE.search(positions.source.text):
        span = positions.span(bad.start(), bad.end())
        return None, [problems.bad_character(bad.group(), span)]
    report = Report(positions)
    document = _compose(report)
    return document, in_source_order(report.problems)


def _compose(report: Report) -> Document | None:
    source = report.positions.source
    composer = Composer(events(source.text), report)
    try:
        root = composer.document()
    except MarkedYAMLError as error:
        report.refuse(syntax_error(error, report.positions))
    except TooDeepError:
        pass
    else:
        if report.complete:
            return _document(root, composer, source)
    return None


def _document(root: Node | None, composer: Composer, source: Source) -> Document:
    if root is None or root.value is None:
        # An empty spec asks for every default.
        start = Span(source, 1, 1, 1, 1)
        return Document({}, {(): Entry(start, start)}, source)
    return Document(root.value, composer.spans, source)


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _other_encoding(data: bytes) -> str | None:
    for mark, encoding in _OTHER_ENCODINGS:
        if data.startswith(mark):
            return encoding
    # A spec starts with ASCII, of which UTF-16 makes every second byte a zero.
    pair = data[:2]
    return "UTF-16" if len(pair) > 1 and pair.count(0) == 1 else None


def _bad_byte(data: bytes, offset: int, name: str) -> Diagnostic:
    text = data.decode("utf-8-sig", "replace")
    start = len(data[:offset].decode("utf-8-sig"))
    span = Positions(Source(name, text)).span(start, start + 1)
    message = f"the byte 0x{data[offset]:02x} is not valid UTF-8"
    return diagnose("DS002", message, Label(span), helps=["save the file as UTF-8"])
