"""Large numbers with units: rounded, and never 1000 of a unit."""

import re
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deit_spec.cost import short, short_bytes

FORMS = {
    short: (1000, ["", "k", "M", "G", "T", "P", "E", "Z", "Y", "R", "Q"]),
    short_bytes: (
        1024,
        ["B", *(f"{unit}iB" for unit in "KMGTPEZYRQ")],
    ),
}
Form = Callable[[int], str]


def read(form: Form, text: str) -> tuple[Fraction, Fraction]:
    """The number before the unit, and the size of the unit."""
    base, units = FORMS[form]
    found = re.fullmatch(r"(\d+(?:\.\d\d)?) ?(\w*)", text)
    assert found, text
    size = Fraction(base) ** units.index(found[2])
    # An integer below the first unit, and two decimals elsewhere.
    assert ("." in found[1]) == (size > 1)
    return Fraction(found[1]), size


@pytest.mark.parametrize("form", FORMS)
@given(data=st.data())
def test_what_is_printed_is_below_the_base_and_near(
    form: Form, data: st.DataObject
) -> None:
    base, units = FORMS[form]
    most = base ** len(units) // 2
    near = st.builds(
        lambda power, off: max(base**power + off, 0),
        st.integers(0, len(units) - 1),
        st.integers(-20_000, 20_000),
    )
    number = data.draw(st.integers(0, most) | near)
    shown, size = read(form, form(number))
    assert shown < base
    assert size == 1 or shown >= 1
    assert abs(shown * size - number) <= size / 200 + number / 10**14
    larger = data.draw(st.integers(number, 2 * number))
    assert read(form, form(larger))[1] >= size


@pytest.mark.parametrize(
    ("form", "number", "text"),
    [
        (short, 0, "0"),
        (short, 999, "999"),
        (short, 1000, "1.00 k"),
        (short, 999_994, "999.99 k"),
        (short, 999_999, "1.00 M"),
        (short, 10**33 - 1, "1000.00 Q"),  # there is no larger unit
        (short_bytes, 1023, "1023 B"),
        (short_bytes, 1024, "1.00 KiB"),
        (short_bytes, 1024**2 * 3 // 2, "1.50 MiB"),
        (short_bytes, 1024**3 - 1, "1.00 GiB"),
        (short_bytes, 1024**5, "1.00 PiB"),
        (short_bytes, 3 * 1024**6, "3.00 EiB"),
    ],
)
def test_examples(form: Form, number: int, text: str) -> None:
    assert form(number) == text
