"""Text to a document, or to all that is wrong with it."""

import codecs
import re
from bisect import bisect_right
from typing import Final, NamedTuple

from yaml.error import MarkedYAMLError

from deit_spec.diagnostics import (
    Diagnostic,
    Label,
    Source,
    diagnose,
    in_source_order,
)
from deit_spec.source import limits, problems
from deit_spec.source.composer import Composer, Node
from deit_spec.source.document import Document, Entry, IsKey, Path, knows_none
from deit_spec.source.events import events
from deit_spec.source.meaning import UNKNOWN
from deit_spec.source.meant import find_slips
from deit_spec.source.positions import Patch, Positions
from deit_spec.source.report import EnoughError, Report
from deit_spec.source.slips import Slip, doubting, patches_of, report_of

# What YAML calls printable; anything else must be written as an escape.
_UNPRINTABLE: Final = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)
_TRIES: Final = 3
"""How often a text is read without what looks like slips and is none."""
_SHORT: Final = 8192
"""Characters of a text of which all is told at once: more than a person writes."""
_LINES: Final = 8
"""Lines that are no YAML, and are left out to read what is behind them."""
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
    if _size(text) > limits.FILE_BYTES:
        return None, [problems.too_large(name)]
    # More than one mark of byte order, too: libyaml drops one without counting it.
    positions = Positions(Source(name, text.lstrip("\ufeff")))
    if bad := _bad_character(positions):
        return None, [bad]
    reading, slips = _read(positions, is_key), list[Slip]()
    if reading.stop is not None:
        reading, slips = _read_as_meant(reading, positions, is_key)
    if reading.culprit is not None:
        reading = _read_around(reading, slips, positions, is_key)
    found = [*report_of(slips, positions), *reading.problems]
    document = reading.document
    if document and slips:
        document = doubting(document, slips, positions)
    return document, in_source_order(found)


def read_pair(text: str, name: str) -> tuple[Document | None, list[Diagnostic]]:
    """Read `key=value` as the line `key: value`; its places are those of the text."""
    at = text.index("=")
    positions = Positions(Source(name, text), [Patch(at, at + 1, ": ")])
    if bad := _bad_character(positions):
        return None, [bad]
    reading = _read(positions, knows_none)
    return reading.document, in_source_order(reading.problems)


class _Reading(NamedTuple):
    """What one pass of the parser gave, and where it stopped if not at the end.

    `keys` are the offsets at which keys begin, in what was parsed. `culprit` is the
    problem that it stopped at, if that is one of a line alone.
    """

    document: Document | None
    problems: list[Diagnostic]
    keys: list[int]
    stop: int | None
    culprit: Diagnostic | None = None


def _read(positions: Positions, is_key: IsKey, *, to_the_end: bool = False) -> _Reading:
    report = Report(positions, is_key, to_the_end=to_the_end)
    composer = Composer(events(positions.parsed), report)
    try:
        root = composer.document()
    except MarkedYAMLError as error:
        # Most texts are YAML, and the words for what is not take a while to import.
        from deit_spec.source.stopped import stopped  # noqa: PLC0415

        document, offset, culprit = stopped(error, composer, report)
        stop = positions.original(offset)
        return _Reading(document, report.problems, composer.keys, stop, culprit)
    except EnoughError:
        from deit_spec.source.stopped import part_of  # noqa: PLC0415

        document = part_of(composer, positions, len(positions.parsed))
        return _Reading(document, report.problems, composer.keys, None)
    document = _whole(root, composer, positions)
    if root is None or not _is_bare(root, positions):
        return _Reading(document, report.problems, composer.keys, None)
    # Nothing was made out, from the first line on.
    stop = positions.original(root.start)
    return _Reading(document, report.problems, composer.keys, stop)


def _read_as_meant(
    reading: _Reading, positions: Positions, is_key: IsKey
) -> tuple[_Reading, list[Slip]]:
    """Read again without the slips, if they are what stopped the parser."""
    slips = find_slips(positions.source.text, is_key)
    for _ in range(_TRIES):
        meant = Positions(positions.source, patches_of(slips))
        again = _read(meant, is_key, to_the_end=True)
        keys = set(map(meant.original, again.keys))
        kept = [slip for slip in slips if slip.key in keys]
        behind = _next_line(again.stop, positions)
        unread = [slip for slip in slips if slip.key >= behind]
        if len(kept) + len(unread) == len(slips):
            break
        slips = [*kept, *unread]
    else:
        return reading, []
    # Past the line on which it had stopped, or a slip was not what stopped it.
    further = again.stop is None or again.stop >= _next_line(reading.stop, positions)
    if not (kept and further):
        return reading, []
    return _with_tabs(again, kept, positions, is_key)


def _with_tabs(
    meant: _Reading, slips: list[Slip], positions: Positions, is_key: IsKey
) -> tuple[_Reading, list[Slip]]:
    """Leave the tabs where they are if the parser gets as far with them."""
    others = [slip for slip in slips if not slip.is_tab]
    if len(others) == len(slips):
        return meant, slips
    tabbed = Positions(positions.source, patches_of(others))
    reading = _read(tabbed, is_key, to_the_end=True)
    return (reading, others) if reading.stop == meant.stop else (meant, slips)


def _read_around(
    reading: _Reading, slips: list[Slip], positions: Positions, is_key: IsKey
) -> _Reading:
    """Read what is behind the lines that are no YAML, if they alone are none."""
    from deit_spec.source.around import (  # noqa: PLC0415
        certain_before,
        doubting_lines,
        goes_on,
        line_alone,
        told_of_block,
    )

    if len(positions.source.text) > _SHORT:
        return reading
    patches, latest = patches_of(slips), reading
    out, told = list[Diagnostic](), list[Diagnostic]()
    while latest.culprit and len(out) < _LINES:
        line = line_alone(latest.culprit, patches)
        if line is None:
            return reading
        if out and goes_on(told[-1], out[-1], latest.culprit):
            told[-1] = told_of_block(told[-1], latest.culprit)
        else:
            told.append(latest.culprit)
        out.append(latest.culprit)
        patches = sorted([*patches, line])
        without = Positions(positions.source, patches)
        latest = _read(without, is_key, to_the_end=True)
        if latest.stop is None and latest.document and latest.document.value:
            document = doubting_lines(latest.document, reading.document, out)
            others = certain_before(told[0], latest.problems)
            return latest._replace(document=document, problems=[*told, *others])
    return reading


def _next_line(offset: int | None, positions: Positions) -> int:
    """Give the offset at which the line after another's starts, past the last if none.

    Nothing is behind an offset that is none.
    """
    starts, past = positions.source.starts, len(positions.source.text) + 1
    line = len(starts) if offset is None else bisect_right(starts, offset)
    return starts[line] if line < len(starts) else past


def _is_bare(root: Node, positions: Positions) -> bool:
    """Whether all there is is one text without quotes: no mapping was made out."""
    if not isinstance(root.value, str):
        return False
    return positions.text(root.start, root.start + 1) not in "\"'|>!&"


def _whole(root: Node | None, composer: Composer, positions: Positions) -> Document:
    if root is None or root.value is None or root.value is UNKNOWN:
        # An empty spec asks for every default.
        place = (0, 0) if root is None or root.value is None else root[2:]
        entries: dict[Path, Entry] = {(): Entry(positions, place, place)}
        return Document({}, entries, positions.source, frozenset(composer.doubts))
    doubts = frozenset(composer.doubts)
    return Document(root.value, composer.spans, positions.source, doubts)


def _bad_character(positions: Positions) -> Diagnostic | None:
    bad = _UNPRINTABLE.search(positions.source.text)
    if bad is None:
        return None
    return problems.bad_character(bad.group(), positions.span(bad.start(), bad.end()))


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


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
