"""Texts of the largest size, of one piece over and over, are read in one go.

What looks back at each of them, or on to the end, takes minutes where it was to take
tenths of a second.
"""

import pytest

from deit_spec.yaml_source import document as limits
from deit_spec.yaml_source import read_text

PIECES = [
    "\t",
    " \t",
    "a: 1\n\t",
    "a = 1\n",
    "a=1, b=2, ",
    "a=1,b=2\n",
    "a: [",
    "{a: b, ",
    "{\t",
    "}}",
    "{{",
    '\\"',
    '"',
    "'",
    "a: 'b' ",
    "it's ",
    '"a"" ',
    '{"a": "b" ',
    "${a} ",
    "{% a %}\n",
    "```\n",
    "``` ",
    "<<<<<<< a\n",
    "[a]\nb = 1\n",
    "c = {",
    "let c: d = {",
    "`a`: 1\n",
    "**a**: 1\n",
    "a: b: c\n",
    "a: (1, 2), ",
    "# a:\n  b: 1\n",
    "1,024, ",
    "// a\n",
    "a # b\r",
]
BEFORE = ["", "{", "a: 1\n", "variant: {a: @b ", "a: {b: c\n  ", "```\n"]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("before", BEFORE)
def test_large_texts(before: str) -> None:
    for piece in PIECES:
        room = limits.FILE_BYTES - len(before) - 2
        text = before + piece * (room // len(piece)) + "}"
        _, problems = read_text(text, "a.yaml", {"a", "b"}.__contains__)
        assert all(len(help_) < 1000 for each in problems for help_ in each.helps)
