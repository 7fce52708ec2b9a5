"""Text to a document, or to all that is wrong with it."""

import codecs
import re
from dataclasses import replace
from typing import Final

from deit_spec.diagnostics import (
    Diagnostic,
    Label,
    Source,
    diagnose,
    in_source_order,
)
from deit_spec.yaml_source import document as limits
from deit_spec.yaml_source import yaml_findings as problems
from deit_spec.yaml_source.document import Document, IsKey, knows_none
from deit_spec.yaml_source.parse import Reading, read_once
from deit_spec.yaml_source.positions import Patch, Positions

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
_OTHER_FORMATS: Final = (
    (re.compile(rb"PK\x03\x04"), "a zip archive, such as a checkpoint of torch"),
    (re.compile(rb"\x80[\x02-\x05]"), "a pickle, such as an old checkpoint of torch"),
    # The length of the header, in 64 bits of which the upper ones are zero.
    (re.compile(rb".{4}\0{4}\{", re.DOTALL), "a checkpoint, of safetensors"),
)


def read_bytes(
    data: bytes, name: str, is_key: IsKey = knows_none
) -> tuple[Document | None, list[Diagnostic]]:
    """Read UTF-8, with or without a byte order mark."""
    if kind := _other_format(data):
        return None, [problems.other_format(name, kind)]
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
    return read_text(text, name, is_key)


def read_text(
    text: str, name: str, is_key: IsKey = knows_none
) -> tuple[Document | None, list[Diagnostic]]:
    """Read a text.

    A slip of the pen such as `depth:12` is mended where `is_key` knows the word.

    There is a document wherever a part of it was read, with problems or without,
    so that a schema can report its own at once with them; the document's `doubts`
    say what to be silent about.
    """
    if limits.is_too_large(text):
        return None, [problems.too_large(name)]
    # More than one mark of byte order, too: libyaml drops one without counting it.
    positions = Positions(Source(name, text.lstrip("\ufeff")))
    if bad := _bad_character(positions):
        return None, [bad]
    reading = read_once(positions, is_key)
    if reading.stop is not None:
        # Most texts are YAML, and what is said of others takes a while to import.
        from deit_spec.yaml_source.recovery import recover  # noqa: PLC0415

        reading = recover(reading, positions, is_key)
    return _document(reading), in_source_order(reading.problems)


def read_pair(text: str, name: str) -> tuple[Document | None, list[Diagnostic]]:
    """Read `key=value` as the line `key: value`; its places are those of the text."""
    at = text.index("=")
    positions = Positions(Source(name, text), [Patch(at, at + 1, ": ")])
    if bad := _bad_character(positions):
        return None, [bad]
    reading = read_once(positions, knows_none)
    return _document(reading), in_source_order(reading.problems)


def _document(reading: Reading) -> Document | None:
    document = reading.document
    if document is None or not reading.problems:
        return document
    return replace(document, recovered=True)


def _bad_character(positions: Positions) -> Diagnostic | None:
    bad = _UNPRINTABLE.search(positions.source.text)
    if bad is None:
        return None
    return problems.bad_character(bad.group(), positions.span(bad.start(), bad.end()))


def _other_format(data: bytes) -> str | None:
    """What a file is that may be given where a spec is meant."""
    for beginning, kind in _OTHER_FORMATS:
        if beginning.match(data):
            return kind
    return None


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
