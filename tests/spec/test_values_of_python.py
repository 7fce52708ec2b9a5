"""Values that no YAML has, or that only their digits tell apart."""

from typing import Any

import pytest

import deit_spec
from deit_spec.spec import check_text, mend_text


@pytest.mark.parametrize(
    ("value", "code", "message"),
    [
        ({"\ud800": 1}, "DS101", "unknown key `\\ud800`"),
        ({"dropout": 10**400}, "DS103", "dropout is further from 0 than any float"),
        ({"mlp_ratio": -(10**5000)}, "DS103", "mlp_ratio is further from 0"),
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
    assert mend_text(text.encode(), "a.yaml").after == text.encode()


def test_names_of_a_text_are_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice for each: at its own level, and at the other."""
    import deit_spec.spec.field_names as module  # noqa: PLC0415

    looked_up: list[str] = []
    real = module.closest

    def closest(word: str, *rest: Any) -> tuple[float, str | None]:
        looked_up.append(word)
        return real(word, *rest)

    monkeypatch.setattr(module, "closest", closest)
    # Words that no other test asks of, as answers are remembered.
    text = "".join(f"{number:x}q:\n" for number in range(9_000))
    check_text(text.encode(), "a.yaml")
    assert 9_000 <= len(looked_up) <= 2 * 9_000
