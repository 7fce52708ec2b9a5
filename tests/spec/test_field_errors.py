"""Mistakes in different fields are all found, once and where they are."""

from collections.abc import Callable
from typing import NamedTuple

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import specs

from deit_spec import DeiTSpec, Variant
from deit_spec.diagnostics import Severity
from deit_spec.spec import check_text
from deit_spec.yaml_source.document import FINDINGS

TOP = [name for name in DeiTSpec.model_fields if name not in {"extends", "variant"}]
INNER = list(Variant.model_fields)


class Mistake(NamedTuple):
    """What becomes of a line `key: value`, and what is found at which column."""

    write: Callable[[str, str], str]
    code: str
    at_value: bool = False


MISTAKES = {
    "misspelt": Mistake(lambda key, value: f"{key}x: {value}", "DS101"),
    "twice": Mistake(lambda key, value: f"{key}: {value}\n{key}: {value}", "DS003"),
    "alias": Mistake(lambda key, _: f"{key}: *other", "DS008", at_value=True),
    "list": Mistake(lambda key, _: f"{key}: [[]]", "DS10", at_value=True),
    "tag": Mistake(lambda key, value: f"{key}: !mine {value}", "DS006", at_value=True),
    "digits": Mistake(lambda key, _: f"{key}: {'9' * 101}", "DS008", at_value=True),
    "no space": Mistake(lambda key, value: f"{key}:{value}", "DS001"),
    "no colon": Mistake(lambda key, value: f"{key} {value}", "DS001"),
}


@given(specs(), st.data())
def test_every_planted_mistake_is_found_once(
    spec: DeiTSpec, data: st.DataObject
) -> None:
    value = spec.model_dump()
    planted = data.draw(
        st.dictionaries(
            st.sampled_from([*TOP, *(f"variant.{name}" for name in INNER)]),
            st.sampled_from(sorted(MISTAKES)),
            min_size=1,
            max_size=6,
        )
    )
    lines = list[str]()
    expected = list[tuple[str, int, int]]()

    def write(path: str, key: str, item: object, indent: str) -> None:
        scalar = yaml.safe_dump(item, allow_unicode=True).split("\n")[0]
        mistake = MISTAKES[planted[path]] if path in planted else None
        text = mistake.write(key, scalar) if mistake else f"{key}: {scalar}"
        new = [indent + line for line in text.split("\n")]
        lines.extend(new)
        if mistake:
            column = len(indent) + (len(key) + 2 if mistake.at_value else 0) + 1
            is_item = key == "taps" and planted[path] == "list"  # a list may have lists
            expected.append((mistake.code, len(lines), column + is_item))

    for key in TOP:
        write(key, key, value[key], "")
    lines.append("variant:")
    for key in INNER:
        write(f"variant.{key}", key, value["variant"][key], "  ")
    found = [
        (one.code, one.primary.span.line, one.primary.span.column)
        for one in check_text("\n".join([*lines, ""]).encode(), "t.yaml").diagnostics
        if one.severity is Severity.ERROR
    ]
    # A list is of the wrong type, or none of the values that are allowed.
    shown = [
        ("DS10", *place) if c in {"DS102", "DS104"} else (c, *place)
        for c, *place in found
    ]
    assert shown == expected


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("extends: nowhere.yaml\nembed_dim: 770\n", ["DS009"]),
        ("extends: nowhere.yaml\nembed_dim: 770\nnum_heads: 0\n", ["DS009", "DS103"]),
        ("extend: nowhere.yaml\nembed_dim: 770\n", ["DS101"]),
        ("extends: 3\nnum_classes: 10\n", ["DS102"]),
        ("a: &b {}\n<<: *b\nembed_dim: 770\ndept: 3\n", ["DS101", "DS007", "DS101"]),
        ("embed_dim: 770\nnum_heads: *n\n", ["DS008"]),
        ("num_heads: 5\nnum_heads: 12\n", ["DS003"]),
        ("embed_dim: 770\nname: [\n", ["DS001"]),
        ("embed_dim: 770\nnum_heads: 0\nname: [\n", ["DS103", "DS001"]),
        ("num_classes: 10\ndistillation_token: false\n", ["DS101"]),
        ("num_classes: 10\nvariants: {distillation_token: false}\n", ["DS101"]),
        ("num_classes: 10\nvariant: *v\n", ["DS008"]),
        ("num_classes: 10\nvariant:\n  <<: {init: deit}\n", ["DS007"]),
        ("num_classes: 1\nnum_classes: 10\nteacher_num_classes: 9\n", ["DS003"]),
        ("*a : 1\nembed_dim: 770\n", ["DS008"]),
    ],
)
def test_no_rule_runs_after_a_syntax_error(text: str, codes: list[str]) -> None:
    found = check_text(text.encode(), "t.yaml").diagnostics
    assert [one.code for one in found] == codes


TEXTS = {
    "doubled keys": "depth: 12\n" * 3_000,
    "unknown keys": "".join(f"embed_dim{i}: 1\n" for i in range(3_000)),
    "missing spaces": "depth:12\n" * 3_000,
    "keys that are not strings": "1: a\n" * 3_000,
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_first_are_reported_and_that_there_are_more(name: str) -> None:
    found = check_text(TEXTS[name].encode(), "t.yaml").diagnostics
    assert len(found) == FINDINGS + 1
    last = found[-1]
    assert last.code == "DS008"
    assert last.message == f"there are more than {FINDINGS} findings"
    assert last.primary.span.line >= found[-2].primary.span.line


def test_up_to_the_limit_all_are_reported() -> None:
    text = "".join(f"embed_dim{i}: 1\n" for i in range(FINDINGS))
    found = check_text(text.encode(), "t.yaml").diagnostics
    assert {each.code for each in found} == {"DS101"}
    assert len(found) == FINDINGS


@pytest.mark.parametrize("number", [FINDINGS - 1, FINDINGS, FINDINGS + 1])
def test_a_syntax_error_after_very_many(number: int) -> None:
    text = "1: a\n" * number + "depth: [\n"
    found = check_text(text.encode(), "t.yaml").diagnostics
    assert len(found) == min(number, FINDINGS) + 1
    assert found[-1].code == ("DS001" if number < FINDINGS else "DS008")
