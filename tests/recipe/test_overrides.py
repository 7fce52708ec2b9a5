"""`--set`: equal to the same value in the file, but for the place of what is found."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from deit_spec.recipe import Recipe, check_recipe
from deit_spec.recipe.recipe_names import FIELDS, SECTIONS
from deit_spec.yaml_source.scalars import scalar_text

BASE: dict[str, Any] = {
    "student": {"spec": "deit_tiny_distilled_patch16_224"},
    "teacher": {"timm": "regnety_160"},
    "data": {"dataset": "me/birds"},
    "optimizer": {"lr": 1e-3, "betas": [0.9, 0.99]},
}
VALUES = st.sampled_from(
    [
        None,
        True,
        0,
        1,
        7,
        -1,
        0.5,
        1e-3,
        "hard",
        "none",
        "bf16",
        "a b",
        "",
        [],
        [0.5],
        [0.1, 0.9],
        [0.5, 0.4, 0.3],
        {},
        {"lr": 1e-4},
        {"kind": "soft", "tau": 3},
    ]
)
PATHS = st.sampled_from([*FIELDS, *SECTIONS, "optimizer.lrr", "los.kind", "x", "x.y.z"])


def flow(value: object) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=1000).split("\n...")[0]


def put(value: dict[str, Any], path: str, item: object) -> dict[str, Any]:
    *outer, name = path.split(".")
    if not outer:
        return {**value, name: item}
    inner = value.get(outer[0])
    inner = inner if isinstance(inner, dict) else {}
    return {**value, outer[0]: put(inner, ".".join([*outer[1:], name]), item)}


@given(PATHS, VALUES)
def test_an_override_is_the_value_in_the_file(path: str, item: object) -> None:
    laid = check_recipe(BASE, [f"{path}={flow(item)}".strip()])
    written = check_recipe(put(BASE, path, item))
    assert laid.recipe == written.recipe

    def said(found: Any) -> list[tuple[str, str]]:
        return sorted((each.code, each.message) for each in found.diagnostics)

    assert said(laid) == said(written)


@given(PATHS, VALUES)
def test_the_last_override_counts(path: str, item: object) -> None:
    """The last one counts."""
    once = check_recipe(BASE, [f"{path}={flow(item)}".strip()])
    again = check_recipe(BASE, [f"{path}=7", f"{path}={flow(item)}".strip()])
    assert once.recipe == again.recipe


@pytest.mark.parametrize(
    ("text", "code", "column"),
    [
        ("optimizer.lr", "DS001", 1),
        ("=3", "DS001", 1),
        ("optimizer lr=3", "DS001", 1),
        ("optimizer.lr=[", "DS001", 15),
        ("optimizer.lr=@x", "DS001", 14),
        ("optimizer.lr=\x07", "DS001", 14),
        ("optimizer.lr.x=1", "DS102", 16),
        ("optimizer.lr.x.y=1", "DS102", 18),
        ("optimizer.lrr=3", "DS101", 1),
        ("optimiser.lr=3", "DS101", 1),
        ("lr=3", "DS101", 1),
        ("optimizer.lr=fast", "DS102", 14),
        ("optimizer.betas=[0.9, 1.0]", "DS103", 23),
        ("loss.kind=hrad", "DS104", 11),
        ("loss={kind: hrad}", "DS104", 13),
        ("loss.tau=3", "DS512", 10),
        ("student.spec=nowhere.yaml", "DS009", 14),
    ],
)
def test_an_error_in_an_override_has_its_position(
    text: str, code: str, column: int
) -> None:
    (found,) = check_recipe(BASE, [text]).diagnostics
    span = found.primary.span
    assert found.code == code
    assert (span.source.name, span.line, span.column) == ("--set", 1, column)
    assert span.source.text == text
    assert found.helps


def test_a_colon_is_not_an_equals_sign() -> None:
    (found,) = check_recipe(BASE, ["schedule.steps: 5"]).diagnostics
    assert found.helps == ("for example, `--set optimizer.lr=1e-3`",)


@pytest.mark.parametrize("text", ["loss.kind=a: b", "loss.kind=[", "loss.kind=a]: ,"])
def test_a_syntax_error_in_a_value_has_a_help_for_a_value(text: str) -> None:
    (found,) = check_recipe(BASE, [text]).diagnostics
    assert found.code == "DS001"
    assert found.helps == ("put the value in quotes",)
    assert found.fix is None


def test_a_second_line_is_not_part_of_a_value() -> None:
    (found,) = check_recipe(BASE, ["run.seed=5\nrun: 3"]).diagnostics
    assert found.code == "DS001"
    assert found.message == "`--set` needs a field and a value, as FIELD=VALUE"


def test_errors_of_the_file_are_still_reported() -> None:
    """An override of a field does not make a mapping of a section that is none."""
    wrong = {**BASE, "optimizer": 3}
    (found,) = check_recipe(wrong, ["optimizer.lr=1e-3"]).diagnostics
    assert (found.code, found.message) == ("DS102", "optimizer is not a mapping")


def test_a_missing_recipe() -> None:
    (found,) = check_recipe("nowhere.yaml").diagnostics
    assert found.code == "DS009"
    assert found.helps == ("pass the path of a recipe, a YAML file",)


def test_a_whole_section_is_replaced() -> None:
    recipe = check_recipe(BASE, ["optimizer={lr: 0.1}"]).recipe
    assert recipe is not None
    assert recipe.optimizer.betas == Recipe.model_fields["optimizer"].default.betas
    assert recipe.optimizer.lr == 0.1


def test_null_is_a_value() -> None:
    recipe = check_recipe(BASE, ["teacher=null", "loss.kind=none"]).recipe
    assert recipe is not None
    assert recipe.teacher is None
    assert scalar_text(recipe.loss.kind) == "none"
