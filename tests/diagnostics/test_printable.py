"""No invisible characters and no escape sequences are printed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deit_spec.diagnostics.printable import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 漢字 😀", "plain é 漢字 😀"),
        ("a\tb", "a    b"),
        ("\x00\x1b[31m\n\r\x7f", "␀␛[31m␊␍␡"),
        ("\x85\u2028\ufeff", "<U+0085><U+2028><U+FEFF>"),
        ("\u202eevil\u200b", "<U+202E>evil<U+200B>"),
        ("\ud800", "<U+D800>"),
        ("e\u0301", "e\u0301"),
    ],
)
def test_examples(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_any_text_becomes_printable(text: str) -> None:
    assert visible(text).isprintable()
