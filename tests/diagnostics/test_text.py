"""Diagnostics as text: goldens, and properties of any location in any line."""

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_regressions.file_regression import FileRegressionFixture
from rich.cells import cell_len
from rich.console import Console

from deit_spec.diagnostics import (
    Diagnostic,
    Label,
    Source,
    Span,
    diagnose,
)
from deit_spec.diagnostics.printable import visible
from deit_spec.diagnostics.text import render, summary

Check = Callable[[str], None]

BASE = Source("base.yaml", "name: base\n\nembed_dim: 770\ndepth: 12\n\nnum_heads: 12\n")
FLOW = Source("flow.yaml", "{patch_size: 16, depth: 12, depth: 12}\n")


@pytest.fixture
def golden(file_regression: FileRegressionFixture) -> Check:
    def check(text: str) -> None:
        assert all(line == line.rstrip() for line in text.split("\n"))
        file_regression.check(text + "\n", extension=".txt", encoding="utf-8")

    return check


def label(source: Source, line: int, column: int, length: int, text: str = "") -> Label:
    return Label(Span(source, line, column, line, column + length), text)


def plain(*diagnostics: Diagnostic, width: int = 100) -> str:
    return render(diagnostics, width=width).plain


def finding(primary: Label, *secondary: Label, helps: Iterable[str] = ()) -> Diagnostic:
    message = "the message states the fact"
    return diagnose("DS203", message, primary, secondary=secondary, helps=helps)


DIVISIBLE = diagnose(
    "DS203",
    "embed_dim is not divisible by num_heads",
    label(BASE, 3, 12, 3, "770 = 12 × 64 + 2"),
    secondary=[label(BASE, 6, 12, 2, "12 heads")],
    helps=[
        "`embed_dim: 768` or `embed_dim: 780`; with 770, `num_heads: 10`, `11` or `14`"
    ],
)


def test_one_line_between_is_shown(golden: Check) -> None:
    golden(
        plain(finding(label(BASE, 6, 1, 9, "later"), label(BASE, 4, 1, 5, "former")))
    )


def test_neighbouring_lines(golden: Check) -> None:
    golden(plain(finding(label(BASE, 3, 1, 9), label(BASE, 4, 1, 5, "next"))))


def test_three_labels_on_a_line(golden: Check) -> None:
    third = label(FLOW, 1, 29, 5, "written again here")
    second = label(FLOW, 1, 18, 5, "first written here")
    golden(plain(finding(third, second, label(FLOW, 1, 2, 10, "[bold]unrelated[/]"))))


def test_overlapping_labels(golden: Check) -> None:
    primary = label(BASE, 3, 1, 14, "the whole line")
    others = [label(BASE, 3, 1, 9, "the key"), label(BASE, 3, 12, 2, "a part")]
    golden(plain(finding(primary, *others)))


def test_a_label_inside_a_longer_one(golden: Check) -> None:
    golden(plain(finding(label(BASE, 3, 1, 14, "long"), label(BASE, 3, 4, 2, "short"))))


def test_labels_in_other_files(golden: Check) -> None:
    other = Source("lib/other.yaml", "\n" * 9 + "extends: base.yaml\nembed_dim: 770\n")
    third = Source("third.yaml", "x: 1")
    golden(
        plain(
            finding(
                label(BASE, 6, 12, 2, "here"),
                label(other, 11, 12, 3, "comes from here"),
                label(third, 1, 1, 1),
                label(other, 10, 1, 7, "by this"),
                helps=["correct it"],
            )
        )
    )


def test_notes_and_helps_of_several_lines(golden: Check) -> None:
    golden(
        plain(
            diagnose(
                "DS208",
                "teacher_num_classes has no effect",
                label(BASE, 4, 1, 5),
                notes=["one", "two lines,\n\nand an empty one"],
                helps=["first\nsecond"],
            )
        )
    )


def test_several_findings(golden: Check) -> None:
    note = diagnose("DS209", "the token has no head", label(BASE, 1, 1, 4))
    warning = diagnose("DS204", "the width is 12", label(BASE, 4, 8, 2))
    golden(plain(note, warning, finding(label(BASE, 6, 1, 9))))


def test_tabs_and_wide_characters(golden: Check) -> None:
    source = Source("wide.yaml", "名前: '漢字'\t# 😀\n\tcafe\u0301: 👍🏽 x\n")
    golden(
        plain(
            finding(label(source, 1, 5, 4, "wide"), label(source, 1, 10, 3, "after")),
            finding(label(source, 2, 2, 5, "accent"), label(source, 2, 11, 1, "x")),
        )
    )


def test_control_characters_are_replaced_by_symbols(golden: Check) -> None:
    source = Source("\x1b]0;pwned\x07.yaml", "a: \x1b[31mred\x00\u202e\n")
    golden(
        plain(
            diagnose(
                "DS001",
                "the \x1b[1mmessage\n",
                label(source, 1, 4, 1, "\x1b here\nand here"),
                notes=["note \x1b[0m"],
                helps=["help \u200b"],
            )
        )
    )


def test_long_lines_are_truncated_around_the_label(golden: Check) -> None:
    numbers = " ".join(str(number) for number in range(1000, 1100))
    source = Source("long.yaml", f"numbers: [{numbers}]\nkey: {'x' * 300}\n")
    golden(
        plain(
            finding(label(source, 1, 1, 7, "at the start")),
            finding(label(source, 1, 211, 4, "in the middle")),
            finding(label(source, 1, 506, 4, "at the end")),
            finding(
                label(source, 1, 411, 4, "both"), label(source, 1, 16, 4, "of them")
            ),
            finding(label(source, 2, 6, 300, "longer than there is room")),
            width=60,
        )
    )


def test_empty_spans_and_spans_outside_the_text(golden: Check) -> None:
    golden(
        plain(
            finding(label(BASE, 3, 11, 0, "empty")),
            finding(label(BASE, 2, 1, 0, "on an empty line")),
            finding(label(BASE, 4, 90, 5, "past the end of the line")),
            finding(label(BASE, 4, 8, 90, "beyond the end of the line")),
            finding(label(BASE, 99, 3, 5, "past the end of the file")),
        )
    )


def test_a_span_of_several_lines_is_drawn_to_the_end_of_its_first(
    golden: Check,
) -> None:
    source = Source("block.yaml", "variant:  \n  a: |   \n    b\n")
    golden(
        plain(
            finding(Label(Span(source, 1, 1, 3, 6), "from here")),
            finding(Label(Span(source, 2, 6, 3, 6))),
        )
    )


def test_a_source_without_a_text_has_no_lines(golden: Check) -> None:
    nothing = label(Source("missing.yaml", ""), 1, 1, 0)
    golden(
        plain(
            diagnose("DS009", "the file cannot be read: no such file", nothing),
            diagnose("DS008", "the file is too large", nothing, helps=["shorten it"]),
        )
    )


def test_two_lines_of_one_file() -> None:
    assert plain(DIVISIBLE) == (
        "error[DS203]: embed_dim is not divisible by num_heads\n"
        " --> base.yaml:3:12\n"
        "  |\n"
        "3 | embed_dim: 770\n"
        "  |            ^^^ 770 = 12 × 64 + 2\n"
        "...\n"
        "6 | num_heads: 12\n"
        "  |            -- 12 heads\n"
        "  |\n"
        "  = help: `embed_dim: 768` or `embed_dim: 780`; "
        "with 770, `num_heads: 10`, `11` or `14`"
    )


def test_the_console_decides_on_color() -> None:
    text = render([DIVISIBLE])
    coloured = Console(force_terminal=True, color_system="standard", width=40)
    with coloured.capture() as capture:
        coloured.print(text, soft_wrap=True)
    assert "\x1b[1;31merror[DS203]\x1b[0m" in capture.get()
    assert "\x1b[1;31m^^^ 770 = " in capture.get()
    without = Console(force_terminal=True, no_color=True, color_system=None, width=40)
    with without.capture() as capture:
        without.print(text, soft_wrap=True)
    assert capture.get() == text.plain + "\n"


def test_no_findings() -> None:
    assert plain() == ""
    assert summary([]) == "no findings"


def test_summary() -> None:
    other = Source("other\x1b.yaml", "a: 1")
    errors = [finding(label(BASE, 1, 1, 1)), finding(label(BASE, 2, 1, 1))]
    warning = diagnose("DS204", "x", label(BASE, 1, 1, 1))
    note = diagnose("DS209", "x", label(other, 1, 1, 1))
    assert summary(errors[:1]) == "1 error in base.yaml"
    assert summary([note]) == "1 note in other␛.yaml"
    assert summary([warning, *errors]) == "2 errors and 1 warning in base.yaml"
    assert summary([note, warning, *errors]) == (
        "2 errors, 1 warning and 1 note in 2 files"
    )


CHARACTERS = st.one_of(
    st.sampled_from("ab 漢é😀👍🏽❤\u0301\ufe0f\u200d\t\x1b\x00🇩🇪\u202e"),
    st.characters(exclude_characters="\n\r\x85\u2028\u2029"),
)
LINES = st.text(CHARACTERS, max_size=20)
ANYTHING = st.text(st.characters(codec=None, exclude_categories=()), max_size=20)
NUMBERS = st.integers(-2, 30)
GUTTER = len("1 | ")


@given(LINES, st.data())
def test_carets_mark_the_span(line: str, data: st.DataObject) -> None:
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
def test_a_truncated_line_fits_and_keeps_the_span(
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
def test_any_output_is_printable_without_trailing_spaces(
    name: str, text: str, spans: list[tuple[int, int, int, int, str]]
) -> None:
    sources = [Source(name, text), Source("b", "a: 1")]
    labels = [
        Label(Span(sources[index % 2], *span), words)
        for index, (*span, words) in enumerate(spans)
    ]
    drawn = diagnose("DS001", text, labels[0], secondary=labels[1:], notes=[text])
    for row in render([drawn], width=40).plain.split("\n"):
        assert row.isprintable()
        assert row == row.rstrip()
