"""A single mistake in a valid recipe is found once, and where it is."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support.findings import check_recipe_text

from deit_spec.diagnostics import CATALOGUE
from deit_spec.recipe.documents import _RECIPE, _STUDY, Kind, kind_of
from deit_spec.recipe.recipe_names import FIELDS, RECIPE, SECTIONS
from deit_spec.recipe.recipe_schema import Recipe
from deit_spec.recipe.study_validation import Study
from deit_spec.yaml_source import read_text

VALID: dict[str, dict[str, Any]] = {
    "student": {"spec": "deit_tiny_distilled_patch16_224", "weights": None},
    "teacher": {"timm": "regnety_160", "image_size": 288, "num_classes": 1000},
    "data": {"dataset": "me/birds", "val_images": 10, "workers": 2},
    "loss": {"kind": "soft", "alpha": 0.1, "tau": 3.0, "label_smoothing": 0.0},
    "optimizer": {"lr": 1e-3, "betas": [0.9, 0.99], "clip": 1.0, "eps": 1e-8},
    "schedule": {"steps": 1000, "batch_size": 256, "warmup_steps": 10, "min_lr": 0.0},
    "augmentation": {"mixup": 0.5, "cutmix": 0.5, "mix_switch": 0.3, "flip": 0.1},
    "run": {"seed": 3, "precision": "bf16", "accumulate": 4, "compile": True},
}
PLACES = [(section, name) for section in VALID for name in VALID[section]]
WRONG = ([[]], {"a": 1}, "x y", float("nan"), -5.5)


def text_of(value: dict[str, Any]) -> str:
    return yaml.safe_dump(value, sort_keys=False)


def found_in(text: str) -> list[tuple[str, int]]:
    return [
        (each.code, each.primary.span.line)
        for each in check_recipe_text(text.encode(), "t.yaml").diagnostics
    ]


def test_the_recipe_is_valid() -> None:
    assert found_in(text_of(VALID)) == []


@given(st.sampled_from(PLACES), st.sampled_from(WRONG))
def test_a_wrong_value(place: tuple[str, str], wrong: object) -> None:
    section, name = place
    is_text = isinstance(wrong, str)
    text = RECIPE.fits(place, "x y")
    if is_text and text:
        wrong = ["no text"]
    value = {**VALID, section: {**VALID[section], name: wrong}}
    found = found_in(text_of(value))
    assert len(found) == 1, found
    assert found[0][0] in {"DS102", "DS103", "DS104"}


@given(
    st.sampled_from([*PLACES, *((section,) for section in VALID)]),
    st.sampled_from(["{}x", "x{}", "{}_", "qqq", "{}{}", "q-q"]),
)
def test_an_unknown_key(place: tuple[str, ...], form: str) -> None:
    key = form.format(place[-1], place[-1])
    value: dict[str, Any] = {
        name: dict(section.items()) for name, section in VALID.items()
    }
    holder = value if len(place) == 1 else value[place[0]]
    items = [
        (key if name == place[-1] else name, item) for name, item in holder.items()
    ]
    if len(place) == 1:
        value = dict(items)
    else:
        value[place[0]] = dict(items)
    text = text_of(value)
    if key in RECIPE.model_of(place).model_fields:
        return
    line = 1 + [row.lstrip().startswith(f"{key}:") for row in text.split("\n")].index(
        True
    )
    assert found_in(text) == [("DS101", line)]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [*SECTIONS, *(field.split(".")[1] for field in FIELDS), "x"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_mapping_is_checked_without_a_crash(value: object) -> None:
    """No value makes the check fail, and every finding has a code and a place."""
    text = yaml.safe_dump(value, allow_unicode=True)
    for found in check_recipe_text(
        text.encode("utf-8", "surrogatepass"), "t.yaml"
    ).diagnostics:
        assert found.severity is CATALOGUE[found.code].severity
        span = found.primary.span
        assert 1 <= span.line <= len(span.source.lines)


class TestKinds:
    def test_keys_are_those_of_the_schemas(self) -> None:
        """They are listed apart, so that recognising a spec imports no other schema."""
        assert set(Recipe.model_fields) == _RECIPE
        assert set(Study.model_fields) == _STUDY

    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("", Kind.SPEC),
            ("depth: 3\n", Kind.SPEC),
            ("- 3\n", Kind.SPEC),
            ("deph: 3\nloss: x\nembed_dim: 4\n", Kind.SPEC),
            ("hello: world\n", Kind.SPEC),
            ("student: {spec: a}\n", Kind.RECIPE),
            ("studnet: {spec: a}\nteachr: {}\nloss: {}\n", Kind.RECIPE),
            ("student: {}\ndepth: 3\ndata: {}\n", Kind.RECIPE),
            ("student: {}\ndata: [\n", Kind.RECIPE),
            ("recipe: digits.yaml\narms: {}\n", Kind.STUDY),
            ("recipes: digits.yaml\nseeds: [0]\narm: {}\n", Kind.STUDY),
        ],
    )
    def test_a_kind_is_recognised_by_most_keys(self, text: str, kind: Kind) -> None:
        assert kind_of(read_text(text, "t.yaml")[0]) is kind
