"""What holds for any place in any line."""

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from deit_spec.diagnostics import Label, Source, Span, diagnose
from deit_spec.diagnostics.printable import visible
from deit_spec.diagnostics.text import render

CHARACTERS = st.one_of(
    st.sampled_from("ab 漢é😀👍🏽❤\u0301\ufe0f\u200d\t\x1b\x00🇩🇪\u202e"),
    st.characters(exclude_characters="\n\r\x85\u2028\u2029"),
)
LINES = st.text(CHARACTERS, max_size=20)
ANYTHING = st.text(st.characters(codec=None, exclude_categories=()), max_size=20)
NUMBERS = st.integers(-2, 30)
GUTTER = len("1 | ")


@given(LINES, st.data())
@settings(deadline=None)
def test_carets_start_and_end_with_the_place(line: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(line)))
    end = data.draw(st.integers(start, len(line)))
    span = Span(Source("a.yaml", line), 1, start + 1, 1, end + 1)
    lines = render([diagnose("DS001", "x", Label(span, "here"))], width=1000).plain
    if not line:
        assert "^" not in lines
        return
    _, _, _, drawn, marks = lines.split("\n")
    assert drawn == f"1 | {visible(line)}".rstrip()
    first = GUTTER + cell_len(visible(line[:start]))
    last = GUTTER + cell_len(visible(line[:end]))
    assert marks.index("^") == first
    assert marks.count("^") == max(last - first, 1)


@given(st.integers(0, 400), st.integers(1, 20), st.integers(30, 120))
@settings(deadline=None)
def test_a_cut_line_fits_and_keeps_what_is_marked(
    before: int, length: int, width: int
) -> None:
    marked = "".join(chr(ord("A") + index) for index in range(length))
    source = Source("a.yaml", "x" * before + marked + "y" * 300)
    span = Span(source, 1, before + 1, 1, before + length + 1)
    rows = render([diagnose("DS001", "m", Label(span))], width=width).plain.split("\n")
    drawn, marks = rows[3:]
    assert cell_len(drawn) <= width
    assert drawn[marks.index("^") : marks.rindex("^") + 1] == marked


@given(ANYTHING, ANYTHING, st.lists(st.tuples(*[NUMBERS] * 4, ANYTHING), min_size=1))
@settings(deadline=None)
def test_any_finding_is_drawn_in_printable_text_without_trailing_blanks(
    name: str, text: str, places: list[tuple[int, int, int, int, str]]
) -> None:
    sources = [Source(name, text), Source("b", "a: 1")]
    labels = [
        Label(Span(sources[index % 2], *place), words)
        for index, (*place, words) in enumerate(places)
    ]
    drawn = diagnose("DS001", text, labels[0], secondary=labels[1:], notes=[text])
    for row in render([drawn], width=40).plain.split("\n"):
        assert row.isprintable()
        assert row == row.rstrip()
