"""A mapping gets the text that a person would have written for it."""

import enum
from collections import UserDict
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deit_spec.diagnostics import Span
from deit_spec.yaml_source import document_from_mapping, read_text


class Colour(enum.IntEnum):
    RED = 1


class Hostile:
    def __repr__(self) -> NoReturn:
        raise ZeroDivisionError

    __str__ = __repr__

    @property  # type: ignore[misc]
    def __class__(self) -> NoReturn:  # type: ignore[override]
        raise ZeroDivisionError


class HostileMapping(Mapping[Any, Any]):
    def __getitem__(self, key: object) -> NoReturn:
        raise ZeroDivisionError

    def __iter__(self) -> Iterator[Any]:
        raise ZeroDivisionError

    def __len__(self) -> int:
        return 1


def selected(span: Span) -> str:
    assert span.line == span.end_line
    return span.source.lines[span.line - 1][span.column - 1 : span.end_column - 1]


def test_text() -> None:
    document = document_from_mapping(
        {
            "name": "my model",
            "depth": 12,
            "layer_norm_eps": 1e-6,
            "num_classes": None,
            "quoted": "12",
            "also": "a: b",
            "extends": "../base.yaml",
            "variant": {"qkv_bias": True, "readout": "cls", "empty": {}},
            "list": [1, "a, b", {"c": [None]}],
            "tuple": (1, 2),
            "colour": Colour.RED,
            "inf": -float("inf"),
            3: "x",
        }
    )
    assert document.source.name == "<mapping>"
    assert document.source.text == (
        "name: my model\n"
        "depth: 12\n"
        "layer_norm_eps: 1.0e-6\n"
        "num_classes: null\n"
        'quoted: "12"\n'
        'also: "a: b"\n'
        "extends: ../base.yaml\n"
        "variant: {qkv_bias: true, readout: cls, empty: {}}\n"
        'list: [1, "a, b", {c: [null]}]\n'
        "tuple: [1, 2]\n"
        "colour: <Colour.RED: 1>\n"
        "inf: -.inf\n"
        "3: x\n"
    )
    assert selected(document.spans["variant", "readout"].value) == "cls"
    assert selected(document.spans["list", 2, "c"].key) == "c"
    assert selected(document.spans[3,].key) == "3"


def test_values_are_kept_and_mappings_become_dicts() -> None:
    thing, key = object(), object()
    document = document_from_mapping(UserDict({"a": UserDict({"b": thing}), key: 1}))
    assert document.value == {"a": {"b": thing}, key: 1}
    assert isinstance(document.value, dict)
    assert type(document.value["a"]) is dict


def test_an_empty_mapping_is_an_empty_text() -> None:
    document = document_from_mapping({})
    assert document.value == {}
    assert document.source.text == ""
    assert document.nearest(("depth",)) is document.spans[()]


@pytest.mark.parametrize(
    "value",
    [
        {"a": Hostile()},
        {Hostile(): 1},
        {"a": HostileMapping()},
        HostileMapping(),
        {"a": [Hostile(), HostileMapping()]},
        {"a": 10**5000},
        {10**5000: "a"},
        {"a": "\ud800", "\ud800": "b"},
        {"a\nb": "c\x1b[31m"},
        {(): {None: {True: 1.5}}},
        "no mapping",
        None,
    ],
)
def test_no_object_makes_it_raise(value: Any) -> None:
    document = document_from_mapping(value)
    assert () in document.spans
    assert document.source.text.replace("\n", "").isprintable()


def test_a_mapping_in_itself_is_cut() -> None:
    value: dict[str, Any] = {"a": 1}
    value["b"] = value
    value["c"] = [value]
    assert () in document_from_mapping(value).spans


def test_a_long_repr_is_cut() -> None:
    document = document_from_mapping({"a": b"x" * 100})
    assert document.source.text == "a: b'" + "x" * 57 + "…\n"


WORDS = st.text(max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(WORDS, JSON, max_size=4))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_text_reads_back_as_the_value(value: dict[str, object]) -> None:
    """And the places in it are those that reading it gives."""
    written = document_from_mapping(value)
    read, problems = read_text(written.source.text, "a.yaml")
    assert problems == []
    assert read is not None
    assert repr(read.value) == repr(value)
    assert written.spans.keys() == read.spans.keys()
    for path, entry in read.spans.items():
        for ours, theirs in (
            (written.spans[path].key, entry.key),
            (written.spans[path].value, entry.value),
        ):
            assert str(ours).split(":")[1:] == str(theirs).split(":")[1:]
            ends = (ours.end_line, ours.end_column)
            assert ends == (theirs.end_line, theirs.end_column)
