"""Positions of the protocol, and the state of an open document."""

from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types
from lsprotocol.types import PositionEncodingKind as Kind
from pygls.workspace import PositionCodec

from deit_spec.lsp.open_document import OpenDocument, Text
from deit_spec.yaml_source import read_text

ENCODINGS = {Kind.Utf8: "utf-8", Kind.Utf16: "utf-16-le", Kind.Utf32: "utf-32-le"}
WIDTHS = {Kind.Utf8: 1, Kind.Utf16: 2, Kind.Utf32: 4}
TEXTS = st.text(
    st.sampled_from("a:é😀€ \t\r\n\x0b\x0c\x1c\x85\u2028\u2029\ufeff"), max_size=30
)
KINDS = st.sampled_from([*ENCODINGS])


@given(TEXTS, KINDS, st.data())
def test_round_trip(text: str, kind: Kind, data: st.DataObject) -> None:
    """A position counts the line breaks and the code units before it."""
    offset = data.draw(st.integers(0, len(text)))
    if text[offset - 1 : offset + 1] == "\r\n":
        return  # not a position
    found = Text(text, PositionCodec(kind)).range(offset, offset).start
    before = text[:offset].replace("\r\n", "\n").replace("\r", "\n")
    *above, line = before.split("\n")
    units = len(line.encode(ENCODINGS[kind])) // WIDTHS[kind]
    assert (found.line, found.character) == (len(above), units)
    assert Text(text, PositionCodec(kind)).offset(found) == offset


@given(TEXTS, KINDS, st.integers(0, 50), st.integers(0, 50))
def test_positions_outside_are_clipped(
    text: str, kind: Kind, line: int, character: int
) -> None:
    found = Text(text, PositionCodec(kind))
    offset = found.offset(types.Position(line, character))
    assert 0 <= offset <= len(text)
    assert found.location(offset).line <= line


@given(st.text(st.sampled_from("aé😀 #\r\n\x85\u2028"), max_size=20), KINDS)
def test_spans_after_line_breaks_of_yaml(comment: str, kind: Kind) -> None:
    """Columns are right after any character that YAML treats as a line break."""
    lines = "".join(f"# {line}\n" for line in comment.splitlines())
    text = f"\ufeff{lines}depth: 3 # 😀\n"
    document, problems = read_text(text, "t.yaml")
    assert document is not None
    assert problems == []
    found = Text(text, PositionCodec(kind))
    where = found.span(document.spans["depth",].value)
    assert text[found.offset(where.start) : found.offset(where.end)] == "3"


def opened(text: str) -> OpenDocument:
    return OpenDocument("file:///nowhere/t.yaml", Text(text, PositionCodec()))


def test_a_version_is_validated_and_fixed_once() -> None:
    document = opened("deph: 3\nembed_dims: 768\n")
    assert document.checked is document.checked
    assert document.fixed is document.fixed


def test_a_large_text_is_ignored() -> None:
    document = opened("depth: 1\n" * 10_000)
    assert document.diagnostics == ()
    assert not document.fields


def test_a_document_without_a_file() -> None:
    text = Text("dept: 3\n", PositionCodec())
    (found,) = OpenDocument("untitled:Untitled-1", text).diagnostics
    assert str(found.primary.span) == "untitled:Untitled-1:1:1"


def test_an_impossible_path() -> None:
    document = OpenDocument("file:///a%00b.yaml", Text("", PositionCodec()))
    assert document.origin is None
