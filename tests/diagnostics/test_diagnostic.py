"""Fixes are applied together if they do not touch and have the same source."""

import pytest

from deit_spec.diagnostics import Edit, Fix, Source, Span, apply_fixes

SOURCE = Source("a.yaml", "abcdefghij")


def fix(*changes: tuple[int, int, str], source: Source = SOURCE) -> Fix:
    """A fix with edits given as start offset, end offset and text."""
    edits = (
        Edit(Span(source, 1, start + 1, 1, end + 1), text)
        for start, end, text in changes
    )
    return Fix("", tuple(edits))


@pytest.mark.parametrize(
    ("other", "text"),
    [
        ((0, 2, "-"), "-cXfghij"),  # one character between
        ((0, 3, "-"), None),  # meets its start
        ((0, 4, "-"), None),
        ((3, 5, "-"), None),  # the same
        ((4, 4, "-"), None),  # inside
        ((5, 6, "-"), None),  # meets its end
        ((5, 5, "-"), None),
        ((3, 3, "-"), None),
        ((6, 7, "-"), "abcXf-hij"),
        ((2, 2, "-"), "ab-cXfghij"),
        ((6, 6, "-"), "abcXf-ghij"),
    ],
)
def test_a_touching_fix_is_skipped(
    other: tuple[int, int, str], text: str | None
) -> None:
    first, second = fix((3, 5, "X")), fix(other)
    after, applied = apply_fixes([first, second], SOURCE)
    alone = "abcXfghij"
    assert after == (text or alone)
    assert applied == ([first, second] if text else [first])


def test_a_fix_is_applied_completely_or_not_at_all() -> None:
    first, second = fix((3, 5, "X")), fix((0, 1, "-"), (4, 5, "-"))
    assert apply_fixes([first, second], SOURCE) == ("abcXfghij", [first])


def test_fixes_in_any_order() -> None:
    fixes = [fix((8, 9, "8")), fix((0, 1, "0"), (5, 5, "+")), fix((2, 3, ""))]
    assert apply_fixes(fixes, SOURCE) == ("0bde+fgh8j", fixes)


def test_a_fix_of_another_source_is_not_applied() -> None:
    """Not even if the other source has the same name and text."""
    again = Source(SOURCE.name, SOURCE.text)
    other, own = fix((0, 1, "-"), source=again), fix((9, 10, "-"))
    assert apply_fixes([other, own], SOURCE) == ("abcdefghi-", [own])
    mixed = Fix("", (own.edits[0], other.edits[0]))
    assert apply_fixes([mixed], SOURCE) == (SOURCE.text, [])
