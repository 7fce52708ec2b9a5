"""Lines that are wrong in every way, in any order, are answered as all texts are.

They meet what no change of single bytes comes upon: a tab above a line too far in, a
fix behind a line that is no YAML.
"""

from fuzz.answer import answer, answer_every_option
from hypothesis import given
from hypothesis import strategies as st

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
def test_braces_are_answered(text: str, behind: str) -> None:
    answer((text + behind).encode())
    answer_every_option((text + behind).encode())
