"""The seeds of the fuzzer, long texts, and drawn wrong lines hold what it checks.

Drawn lines reach combinations that changes of single bytes rarely do, such as a tab
above a line with wrong indentation.
"""

import pytest
from fuzz.answer import answer, answer_every_option
from fuzz.texts import LANGUAGES, ROOT
from hypothesis import example, given
from hypothesis import strategies as st

SEEDS = [
    pytest.param(kind, seed, id=f"{kind}-{index}")
    for kind, language in LANGUAGES.items()
    for index, seed in enumerate(language.seeds())
]
KINDS = pytest.mark.parametrize("kind", LANGUAGES)


def test_there_are_seeds_of_every_kind() -> None:
    for language in LANGUAGES.values():
        found = [len([*ROOT.glob(pattern)]) for pattern in language.patterns]
        assert all(found)
        assert sum(found) == len([*language.seeds()])


@pytest.mark.parametrize(("kind", "seed"), SEEDS)
def test_a_seed_is_answered(kind: str, seed: bytes) -> None:
    answer(seed, kind)
    answer_every_option(seed, kind)


@KINDS
@pytest.mark.parametrize("text", ["", "\ufeff", "\xa0", "{" * 99])
def test_an_extreme_is_answered(text: str, kind: str) -> None:
    answer(text.encode(), kind)
    answer_every_option(text.encode(), kind)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["a: 1\n" * 9_000, "a:1\n" * 9_000, "depth:3\n" * 7_500]
)
def test_many_lines_are_answered(text: str) -> None:
    answer(text.encode())
    answer_every_option(text.encode())


KEYS = ["depth", "embed_dim", "init", "drop_path", "variant", "name", "depht", "x"]
SIGNS = [": ", ": ", ": ", ":", "=", " = ", " : ", " ", "\t: ", ", ", " => ", ":\n  "]
VALUES = [
    *("12", "12.0", '"12"', "deit", "true", "", "{}", "[1, 2]", "{init: deit}"),
    *("-1", ".5", "12,", "a: b", "@1", "`1`", "'a", '"a', "[", "{", "]", "}"),
    *(
        "${X}",
        "{{ x }}",
        "(1, 2)",
        "12 # c",
        "|",
        "1,024",
        "{1}",
        '"a" "b"',
        "*a",
        "!x 1",
    ),
]
ODD = [
    *("```", "~~~yaml", "<<<<<<< a", "=======", "[a]", "c = {", "{", "}", "}}", "---"),
    *("# variant:", "#variant: {", "# c", "", "%init: x", "`depth`: 3", "**depth**: 3"),
    *(
        "{% if x %}",
        "depth=1, num_heads=2",
        '"depth": 3,',
        '""depth": 3',
        '"depth"": 3',
    ),
    *("- depth: 3", "? depth", "// c", "words alone", ",", ";", "\t"),
]
INDENTS = ["", "", "", "", "  ", "  ", " ", "    ", "\t", "  \t"]
ENDS = ["\n", "\n", "\n", "\n", "\r\n", "\r", " \n", ",\n", ";\n", "\n\n", ""]

pairs = st.builds(
    "{}{}{}".format,
    st.sampled_from(KEYS),
    st.sampled_from(SIGNS),
    st.sampled_from(VALUES),
)
lines = st.builds(
    "{}{}{}".format,
    st.sampled_from(INDENTS),
    pairs | st.sampled_from(ODD),
    st.sampled_from(ENDS),
)
braces = st.builds(
    "{{{}{}".format,
    st.lists(pairs, min_size=1, max_size=4).map(", ".join),
    st.sampled_from(["}", "}\n", "}}", "]", ""]),
)


@given(st.lists(lines, max_size=7).map("".join))
def test_lines_are_answered(text: str) -> None:
    answer(text.encode())
    answer_every_option(text.encode())


@given(braces, st.lists(lines, max_size=2).map("".join))
@example("{depth: 12, depth: 12, depth: 12", "")
def test_braces_are_answered(text: str, more: str) -> None:
    answer((text + more).encode())
    answer_every_option((text + more).encode())
