"""Texts of the largest size, one piece repeated, are parsed at most three times.

Code that searches backwards or forwards from every piece would take minutes instead of
milliseconds. The time limit is far above what a slow machine needs.
"""

from typing import Any

import pytest

from deit_spec.yaml_source import composer, read_text
from deit_spec.yaml_source.document import FILE_BYTES

PIECES = [
    *("\t", " \t", "a: 1\n\t", "a = 1\n", "a=1, b=2, ", "a: [", "{a: b, ", "{\t", "}}"),
    *("{{", '\\"', '"', "'", "a: 'b' ", "it's ", '"a"" ', '{"a": "b" ', "${a} "),
    *("{% a %}\n", "```\n", "<<<<<<< a\n", "[a]\nb = 1\n", "`a`: 1\n", "**a**: 1\n"),
    *("a: b: c\n", "a: a: ", "a: (1, 2), ", "# a:\n  b: 1\n", "// a\n", "/* a */ "),
    *("a # b\r", "a: [\n", " b: {\n", "- ", "- a: ", "a:\n", "a", "a ", "x\n\n"),
    *("a: '\na: \"\n", "  a: 1\n a: 1\n", "? a\n", "a: |\n b\n", "&a ", "!a "),
]
BEFORE = ["", "{", "a: 1\n", "variant: {a: @b ", "a: {b: c\n  ", "```\n"]


@pytest.mark.slow
@pytest.mark.timeout(60)
@pytest.mark.parametrize("before", BEFORE)
def test_large_texts(before: str, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = list[str]()

    def counted(text: str) -> Any:
        texts.append(text)
        return start(text)

    start = composer.PARSER
    monkeypatch.setattr(composer, "PARSER", counted)
    for piece in PIECES:
        texts.clear()
        room = FILE_BYTES - len(before) - 2
        text = before + piece * (room // len(piece)) + "}"
        _, problems = read_text(text, "a.yaml", {"a", "b"}.__contains__)
        assert 1 <= len(texts) <= 3
        assert all(len(help_) < 1000 for each in problems for help_ in each.helps)
