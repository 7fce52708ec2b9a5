"""What looks like a slip is mended in places of its own."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from deit_spec.yaml_source.meant import find_slips
from deit_spec.yaml_source.slips import patches_of

LINES = [
    "a: 1",
    "a:1",
    "a=1",
    "a=1,",
    "a=1, b=2,",
    "a = 1, b = 2 # c",
    "a",
    "# a: 1",
    "",
    "```",
    "~~~yaml",
    "<<<<<<< a",
    "[a]",
    "c = {",
    "let c: d = {",
    "}",
    "a: {b:1",
    "a:-1",
]
lines = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "", " ", "  ", "\t", " \t", "    "]),
    st.sampled_from(LINES),
    st.sampled_from(["\n", "\n", "\r\n", " \n", "\r"]),
)


@given(st.lists(lines, max_size=8).map("".join))
def test_patches_are_in_order_and_apart(text: str) -> None:
    patches = patches_of(find_slips(text, {"a", "b"}.__contains__))
    assert all(patch.start <= patch.end <= len(text) for patch in patches)
    assert all(one.end <= other.start for one, other in pairwise(patches))
