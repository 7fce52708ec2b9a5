"""Which parameters a recipe trains: patterns, and the values of `student.train`."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.recipes import SPECS, check, valid
from support.strategies import specs

from deit_spec import DeiTSpec
from deit_spec.lowering import lower
from deit_spec.recipe.trained_parameters import matching, suggest, trained_names

BLOCKS = 12
NAMES = [
    "patch_embed.proj.weight",
    "cls_token",
    "pos_embed",
    *(
        f"blocks.{block}.{layer}.weight"
        for block in range(BLOCKS)
        for layer in ("norm1", "attn.qkv", "attn.proj", "mlp.fc1")
    ),
    "norm.weight",
    "head.weight",
    "head_dist.weight",
]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("pos_embed", ["pos_embed"]),
        ("head", ["head.weight"]),  # not `head_dist`
        ("head*", ["head.weight", "head_dist.weight"]),
        ("blocks.1.attn.qkv", ["blocks.1.attn.qkv.weight"]),
        ("blocks.1.attn.qkv.weight", ["blocks.1.attn.qkv.weight"]),
        ("blocks.10-11.norm1", ["blocks.10.norm1.weight", "blocks.11.norm1.weight"]),
        ("*.norm1", []),  # `*` is within a part
        ("blocks.3-2", []),
        ("blocks.1.attn.qkv.weight.x", []),
        ("", []),
        ("[a-z]*", []),
    ],
)
def test_what_a_pattern_matches(pattern: str, expected: list[str]) -> None:
    assert matching(NAMES, [pattern]) == expected


@given(st.integers(0, BLOCKS + 2), st.integers(0, BLOCKS + 2))
def test_a_range_matches_what_its_numbers_match(first: int, last: int) -> None:
    each = [f"blocks.{number}" for number in range(first, last + 1)]
    assert matching(NAMES, [f"blocks.{first}-{last}"]) == matching(NAMES, each)


@given(specs(), st.data())
def test_a_name_and_its_paths_match_it(spec: DeiTSpec, data: st.DataObject) -> None:
    names = list(lower(spec).tensors())
    name = data.draw(st.sampled_from(names))
    assert matching(names, [name]) == [name]
    parts = name.split(".")
    for length in range(1, len(parts)):
        path = ".".join(parts[:length])
        below = [each for each in names if each.startswith(f"{path}.")]
        assert matching(names, [path]) == below


@given(st.text(".*-0129abhelocks", max_size=12))
def test_there_is_a_proposal_for_whatever_matches_nothing(pattern: str) -> None:
    if not matching(NAMES, [pattern]):
        assert suggest(pattern, NAMES)


def trained(folder: Path, **sections: dict[str, object]) -> list[str]:
    student = {"spec": str(SPECS / "digits.yaml"), **sections.pop("student", {})}
    recipe = valid(check(folder, student=student, **sections))
    return trained_names(NAMES, recipe)


def test_attention_is_what_the_authors_train(tmp_path: Path) -> None:
    """As `--attn-only` of the DeiT repository: `.attn.`, positions and the head."""
    found = trained(tmp_path, student={"train": "attention"})
    assert found == [
        name
        for name in NAMES
        if ".attn." in name or name.startswith("head") or name == "pos_embed"
    ]


def test_freeze_leaves_a_part_of_what_train_selects(tmp_path: Path) -> None:
    student = {"train": "attention", "freeze": ["blocks.0-10", "pos_embed"]}
    assert trained(tmp_path, student=student) == [
        "blocks.11.attn.qkv.weight",
        "blocks.11.attn.proj.weight",
        "head.weight",
        "head_dist.weight",
    ]


def test_a_head_without_a_teacher_is_not_trained(tmp_path: Path) -> None:
    student: dict[str, object] = {"train": "heads"}
    assert trained(tmp_path, student=student) == ["head.weight", "head_dist.weight"]
    found = trained(tmp_path, student=student, loss={"kind": "none"})
    assert found == ["head.weight"]
