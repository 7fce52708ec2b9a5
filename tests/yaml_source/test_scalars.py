"""Plain scalars mean what YAML 1.2's core schema says, and never what 1.1 said."""

import math

import pytest

from deit_spec.yaml_source import read_text


def value_of(scalar: str) -> object:
    document, problems = read_text(f"a: {scalar}\n", "a.yaml")
    assert document is not None
    assert problems == []
    assert isinstance(document.value, dict)
    return document.value["a"]


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("1e-6", 1e-6),
        ("1E+3", 1000.0),
        ("1.", 1.0),
        ("1.e5", 1e5),
        (".5", 0.5),
        ("+.5", 0.5),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("0", 0),
        ("-3", -3),
        ("+3", 3),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("true", True),
        ("True", True),
        ("FALSE", False),
        ("null", None),
        ("Null", None),
        ("NULL", None),
        ("~", None),
        ("", None),
        ("!!str 12", "12"),
        ('!!int "3"', 3),
        ("!!float 1", 1.0),
        ("!!float 0x10", 16.0),
        ("!!bool 'true'", True),
        ("!!null ''", None),
        ("! 12", "12"),
        ("!!str", ""),
        ("'12'", "12"),
        ('"true"', "true"),
        ("1" * 100, int("1" * 100)),
    ],
)
def test_value_and_type(scalar: str, value: object) -> None:
    got = value_of(scalar)
    assert got == value
    assert type(got) is type(value)


def test_not_a_number_is_a_float() -> None:
    got = value_of(".nan")
    assert isinstance(got, float)
    assert math.isnan(got)


@pytest.mark.parametrize(
    "scalar",
    [
        *("on", "off", "yes", "no", "y", "n", "Yes", "NO", "tRUE", "nULL"),
        *("1_000", "1:30", "1:30:00.5", "2024-01-31", "1.2.3", "=", "<<"),
        *("0b11", "-0x1F", "-0o7", "0o8", "0xg", "1e", ".", ".e5"),
        *("+.nan", "inf", "nan", "١٢"),
    ],
)
def test_anything_else_is_text(scalar: str) -> None:
    assert value_of(scalar) == scalar
