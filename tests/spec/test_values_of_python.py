"""Values that no YAML has, or that only their digits tell apart."""

from typing import Any

import pytest

import deit_spec
from deit_spec.spec import check_text
from deit_spec.spec.fix_loop import fix_text


@pytest.mark.parametrize(
    ("value", "code", "message"),
    [
        ({"\ud800": 1}, "DS101", "unknown key `\\ud800`"),
        ({"dropout": 10**400}, "DS103", "dropout is too large for a float"),
        ({"mlp_ratio": -(10**5000)}, "DS103", "mlp_ratio is too large for a float"),
        ({"depth": -(10**5000)}, "DS103", "depth is not above 0"),
        ({"name": 10**5000}, "DS102", "name is not a string"),
        ({"depth": object()}, "DS102", "depth is not an integer"),
    ],
)
def test_values_of_python(value: dict[str, Any], code: str, message: str) -> None:
    with pytest.raises(deit_spec.SpecError) as caught:
        deit_spec.load_spec(value)
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert found.message.startswith(message)


@pytest.mark.parametrize(
    ("text", "helps"),
    [
        ("depth: 11.99999999999999999999\n", ("`depth: 11` or `depth: 12`",)),
        (
            "num_classes: 9007199254740993.0\n",
            (
                "leave `num_classes` out, or write `num_classes: null`",
            ),  # past the limit
        ),
    ],
)
def test_digits_that_a_float_rounds_away(text: str, helps: tuple[str, ...]) -> None:
    (found,) = check_text(text.encode(), "a.yaml").diagnostics
    assert (found.code, found.helps, found.fix) == ("DS102", helps, None)
    assert (
        fix_text(text.encode(), lambda d: check_text(d, "a.yaml")).after
        == text.encode()
    )
