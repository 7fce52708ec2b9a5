"""Each finding: its code, its place, and a help that leads to a valid spec."""

# ruff: noqa: E501  -- a case is a line

from pathlib import Path
from typing import NamedTuple

import pytest

from deit_spec import DeiTSpec
from deit_spec.diagnostics import CATALOGUE, Diagnostic, Severity
from deit_spec.spec import check_spec, check_text


def findings(text: str) -> list[Diagnostic]:
    return list(check_text(text.encode(), "t.yaml").diagnostics)


class Case(NamedTuple):
    text: str
    code: str
    place: str
    help: str
    fixed: str


V = "variant:\n  "
HEADS = "num_classes: 10\nteacher_num_classes: 10\n"

CASES = [
    Case("image_size: 225\n", "DS201", "1:13", "`image_size: 224` or `image_size: 240`; with 225, `patch_size: 9`, `15` or `25`", "image_size: 224\n"),
    Case("patch_size: 15\n", "DS201", "1:13", "`image_size: 210` or `image_size: 225`; with 224, `patch_size: 8`, `14` or `16`", "patch_size: 14\n"),
    Case("image_size: 8\n", "DS201", "1:13", "`image_size: 16`; with 8, `patch_size: 2`, `4` or `8`", "image_size: 16\n"),
    Case("embed_dim: 770\nnum_heads: 12\n", "DS203", "1:12", "`embed_dim: 768` or `embed_dim: 780`; with 770, `num_heads: 10`, `11` or `14`", "embed_dim: 780\n"),
    Case("num_heads: 7\n", "DS203", "1:12", "`embed_dim: 763` or `embed_dim: 770`; with 768, `num_heads: 4`, `6` or `8`", "num_heads: 6\n"),
    Case("mlp_ratio: 3.3\n", "DS204", "1:12", "`mlp_ratio: 3.3125` gives 2544 exactly", "mlp_ratio: 3.3125\n"),
    Case("mlp_ratio: 0.001\n", "DS205", "1:12", "use a larger ratio, such as `mlp_ratio: 0.0625`", "mlp_ratio: 0.0625\n"),
    Case(HEADS + V + "distillation_token: false\n", "DS206", "2:22", "`distillation_token: true` under `variant`, or `teacher_num_classes: null`", HEADS + V + "distillation_token: true\n"),
    Case("num_classes: 10\nteacher_num_classes: 20\n" + V + "fusion: mean_logits\n", "DS207", "4:11", "`fusion: cls` or `fusion: dist` under `variant`, or `teacher_num_classes: 10`", "num_classes: 10\nteacher_num_classes: 20\n" + V + "fusion: cls\n"),
    Case("num_classes: 10\nteacher_num_classes: 20\n", "DS213", "1:14", "`fusion: cls` or `fusion: dist` under `variant` chooses a head", "num_classes: 10\nteacher_num_classes: 20\n" + V + "fusion: dist\n"),
    Case("depth: 2\n" + V + "merge_tokens: [3]\n", "DS214", "3:17", "use one number for all blocks, or a list with a number for each block", "depth: 2\n" + V + "merge_tokens: [3, 3]\n"),
    Case("image_size: 64\n" + V + "merge_tokens: 16\n", "DS214", "3:17", "use at most 8: half of the patches can merge in a block", "image_size: 64\n" + V + "merge_tokens: 15\n"),
    Case("lr: 5e-4\nepochs: 300\n", "DS109", "1:1", "remove them; training settings belong in a recipe", "{}"),
    Case("# comments\n", "DS108", "1:1", "write at least one field, such as `embed_dim: 768`", "embed_dim: 768\n"),
    Case("teacher_num_classes: 20\n", "DS208", "1:22", "`num_classes: 20`", "teacher_num_classes: 20\nnum_classes: 20\n"),
    Case("num_classes: 10\n", "DS209", "1:14", "`distillation_token: false` under `variant`, or `teacher_num_classes: 10`", HEADS),
    Case("num_classes: 10\n" + V + "distillation_token: false\n  readout: mean_tokens\n", "DS210", "4:12", "under `variant`, `readout: cls` or `distillation_token: true`", "num_classes: 10\n" + V + "distillation_token: false\n  readout: cls\n"),
    Case(HEADS + V + "readout: mean_tokens\n", "DS211", "4:12", "leave `variant.readout` out", HEADS),
    Case(V + "readout: mean_tokens\n", "DS211", "2:12", "leave `variant.readout` out", "{}"),
    Case(V + "fusion: cls\n", "DS211", "2:11", "leave `variant.fusion` out", "{}"),
    Case("depth: 1\n" + V + "drop_path: 0.1\n", "DS211", "3:14", "leave `variant.drop_path` out", "depth: 1\n"),
    Case("depth: 1000000000\n", "DS212", "1:8", "`depth: 512` or less", "depth: 24\n"),
    Case("num_layers: 6\n", "DS101", "1:1", "did you mean `depth`?", "depth: 6\n"),
    Case("hidden_size: 384\n", "DS101", "1:1", "did you mean `embed_dim`?", "embed_dim: 384\n"),
    Case("init_values: 1e-6\n", "DS101", "1:1", "did you mean `layer_scale`, which belongs under `variant`?", V + "layer_scale: 1e-6\n"),
    Case(V + "img_size: 32\n", "DS101", "2:3", "did you mean `image_size`, which belongs at the top level?", "image_size: 32\n"),
    Case("image_size: 10007\npatch_size: 5000\n", "DS201", "1:13", "`image_size: 10000` or `image_size: 15000`; with 10007, `patch_size: 1` or `10007`", "image_size: 10000\npatch_size: 5000\n"),
    Case("image_size: 65535\npatch_size: 65530\n", "DS201", "1:13", "`image_size: 65530`; with 65535, `patch_size: 13107`, `21845` or `65535`", "image_size: 65535\npatch_size: 13107\n"),
    Case("teacher_num_classes: 5\n" + V + "distillation_token: false\n", "DS206", "1:22", "`distillation_token: true` under `variant`, or `teacher_num_classes: null`", "{}"),
    Case("embed_dims: 768\n", "DS101", "1:1", "did you mean `embed_dim`?", "embed_dim: 768\n"),
    Case("Embed-Dim: 768\n", "DS101", "1:1", "did you mean `embed_dim`?", "embed_dim: 768\n"),
    Case("layer_scale: 1e-6\n", "DS101", "1:1", "`layer_scale` belongs under `variant`", V + "layer_scale: 1e-6\n"),
    Case(V + "depth: 3\n", "DS101", "2:3", "`depth` belongs at the top level", "depth: 3\n"),
    Case("layer_scales: 1e-6\n", "DS101", "1:1", "did you mean `layer_scale`, which belongs under `variant`?", V + "layer_scale: 1e-6\n"),
    Case('num_heads: "12"\n', "DS102", "1:12", "write `num_heads: 12`", "num_heads: 12\n"),
    Case("num_heads: 12.0\n", "DS102", "1:12", "write `num_heads: 12`", "num_heads: 12\n"),
    Case("num_heads: 11.5\n", "DS102", "1:12", "`num_heads: 12` is the default", "num_heads: 12\n"),
    Case("dropout: '5'\n", "DS102", "1:10", "`dropout: 0.0` is the default", "dropout: 0.0\n"),
    Case("num_heads: true\n", "DS102", "1:12", "`num_heads: 12` is the default", "num_heads: 12\n"),
    Case("num_heads:\n", "DS102", "1:11", "`num_heads: 12` is the default", "num_heads: 12\n"),
    Case("num_heads: [12]\n", "DS102", "1:12", "`num_heads: 12` is the default", "num_heads: 12\n"),
    Case("dropout: '0.1'\n", "DS102", "1:10", "write `dropout: 0.1`", "dropout: 0.1\n"),
    Case(V + "qkv_bias: on\n", "DS102", "2:13", "write `qkv_bias: true`", V + "qkv_bias: true\n"),
    Case("variant: DeiT\n", "DS102", "1:10", "write the keys of `variant` indented below it", V + "init: deit\n"),
    Case("depth: 0\n", "DS103", "1:8", "`depth: 12` is the default", "depth: 12\n"),
    Case("depth: -3\n", "DS103", "1:8", "`depth: 12` is the default", "depth: 12\n"),
    Case("dropout: 1\n", "DS103", "1:10", "`dropout: 0.0` is the default", "dropout: 0.0\n"),
    Case("dropout: -0.1\n", "DS103", "1:10", "`dropout: 0.0` is the default", "dropout: 0.0\n"),
    Case("mlp_ratio: .inf\n", "DS103", "1:12", "`mlp_ratio: 4.0` is the default", "mlp_ratio: 4.0\n"),
    Case("mlp_ratio: .nan\n", "DS103", "1:12", "`mlp_ratio: 4.0` is the default", "mlp_ratio: 4.0\n"),
    Case("num_classes: 0\n", "DS103", "1:14", "for example, `num_classes: 1000` or `num_classes: null`", "num_classes: null\n"),
    Case(V + "init: fanin\n", "DS104", "2:9", "did you mean `init: fan_in`?", V + "init: fan_in\n"),
    Case(V + "position_embedding: none\n", "DS104", "2:23", "use `all` or `patches`", V + "position_embedding: all\n"),
    Case("- 1\n", "DS105", "1:1", "write one `key: value` per line, such as `embed_dim: 768`", "embed_dim: 768\n"),
    Case("name: a b\n", "DS107", "1:7", "`name: a_b`", "name: a_b\n"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.code}-{c.text.split()[0]}")
def test_finding(case: Case) -> None:
    """One mistake, one finding: never a second message for the same cause."""
    (found,) = findings(case.text)
    assert found.code == case.code
    assert str(found.primary.span) == f"t.yaml:{case.place}"
    assert case.help in found.helps
    left = [f.code for f in findings(case.fixed) if f.severity is not Severity.NOTE]
    assert left == []


def test_every_rule_has_a_case() -> None:
    wanted = {code for code in CATALOGUE if code[2] in "12"} - {"DS106"}
    assert {case.code for case in CASES} == wanted


def test_all_mistakes_at_once_in_order() -> None:
    text = (
        "embed_dim: 770\nnum_heads: 12\nimage_size: 225\ndept: 3\n"
        "dropout: 2\nmlp_ratio: x\nvariant:\n  fusion: mean\n  nope: 1\n"
    )
    found = [(f.code, f.primary.span.line) for f in findings(text)]
    assert found == [
        ("DS203", 1),
        ("DS201", 3),
        ("DS101", 4),
        ("DS103", 5),
        ("DS102", 6),
        ("DS104", 8),
        ("DS101", 9),
    ]


def test_misspelt_key_hides_the_rules_on_its_field() -> None:
    """`num_headss: 7` may mean num_heads, so 770 by 12 is not reported."""
    assert [f.code for f in findings("embed_dim: 770\nnum_headss: 7\n")] == ["DS101"]


def test_notes_name_the_defaults() -> None:
    (found,) = findings("num_heads: 7\n")
    assert found.primary.text == "7 heads"
    assert found.notes == ("`embed_dim` is 768 by default",)


@pytest.mark.parametrize("text", ["", "{}", "# nothing\n", "null\n", "---\n"])
def test_nothing_means_all_defaults(text: str) -> None:
    checked = check_text(text.encode(), "t.yaml")
    assert {found.severity for found in checked.diagnostics} <= {Severity.NOTE}
    assert checked.spec == DeiTSpec()


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("mlp_ratio: 4\n", "mlp_ratio", 4.0),
        ("dropout: 1e-6\n", "dropout", 1e-6),
        ("num_classes: null\n", "num_classes", None),
        ("num_classes: ~\n", "num_classes", None),
        ("name: on\n", "name", "on"),
        ("depth: 012\n", "depth", 12),
    ],
)
def test_values_are_read_as_yaml_12(text: str, field: str, value: object) -> None:
    spec = check_text(text.encode(), "t.yaml").spec
    assert spec is not None
    found = getattr(spec, field)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("path", sorted(Path(__file__).parents[2].glob("specs/*.yaml")))
def test_our_own_specs_are_clean(path: Path) -> None:
    weights = {f.severity for f in check_spec(path).diagnostics}
    assert weights <= {Severity.NOTE}
