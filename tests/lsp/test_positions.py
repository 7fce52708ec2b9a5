"""Offsets, spans and positions are three names of one place."""

from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types
from lsprotocol.types import PositionEncodingKind as Kind
from pygls.workspace import PositionCodec

from deit_spec.lsp.positions import Text
from deit_spec.yaml_source import read_text

ENCODINGS = {Kind.Utf8: "utf-8", Kind.Utf16: "utf-16-le", Kind.Utf32: "utf-32-le"}
WIDTHS = {Kind.Utf8: 1, Kind.Utf16: 2, Kind.Utf32: 4}
TEXTS = st.text(
    st.sampled_from("a:é😀€ \t\r\n\x0b\x0c\x1c\x85\u2028\u2029\ufeff"), max_size=30
)
KINDS = st.sampled_from([*ENCODINGS])


@given(TEXTS, KINDS, st.data())
def test_there_and_back(text: str, kind: Kind, data: st.DataObject) -> None:
    """A position counts the line breaks and the code units before it."""
    offset = data.draw(st.integers(0, len(text)))
    if text[offset - 1 : offset + 1] == "\r\n":
        return  # no place of its own
    found = Text(text, PositionCodec(kind)).position(offset)
    before = text[:offset].replace("\r\n", "\n").replace("\r", "\n")
    *above, line = before.split("\n")
    units = len(line.encode(ENCODINGS[kind])) // WIDTHS[kind]
    assert (found.line, found.character) == (len(above), units)
    assert Text(text, PositionCodec(kind)).offset(found) == offset


@given(TEXTS, KINDS, st.integers(0, 50), st.integers(0, 50))
def test_positions_beyond_are_the_nearest_end(
    text: str, kind: Kind, line: int, character: int
) -> None:
    found = Text(text, PositionCodec(kind))
    offset = found.offset(types.Position(line, character))
    assert 0 <= offset <= len(text)
    assert found.place(offset)[0] <= line


@given(TEXTS, TEXTS, KINDS, st.data())
def test_a_change_is_a_change_of_the_text(
    text: str, new: str, kind: Kind, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    inside = {at for at in range(len(text)) if text[at - 1 : at + 1] == "\r\n"}
    if {start, end} & inside:
        return
    found = Text(text, PositionCodec(kind))
    change = types.TextDocumentContentChangePartial(found.range(start, end), new)
    assert found.changed(change).text == text[:start] + new + text[end:]


@given(st.text(st.sampled_from("aé😀 #\r\n\x85\u2028"), max_size=20), KINDS)
def test_spans_of_yaml_with_its_own_breaks(comment: str, kind: Kind) -> None:
    """The columns of a finding are right behind whatever YAML takes for a break."""
    lines = "".join(f"# {line}\n" for line in comment.splitlines())
    text = f"\ufeff{lines}depth: 3 # 😀\n"
    document, problems = read_text(text, "t.yaml")
    assert document is not None
    assert problems == []
    found = Text(text, PositionCodec(kind))
    where = found.span(document.spans["depth",].value)
    assert text[found.offset(where.start) : found.offset(where.end)] == "3"
