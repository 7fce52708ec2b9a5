"""Fixes: what is certain is fixed, and what is not is left as it is."""

from pathlib import Path
from typing import Any

import pytest

from deit_spec.diagnostics import Edit, Fix, apply_fixes, has_errors
from deit_spec.recipe.documents import fix_any, own_fixes
from deit_spec.spec import check_spec, check_text
from deit_spec.spec.fixes import ROUNDS, Fixed, Fixes, fix_text
from deit_spec.yaml_source.document import FILE_BYTES


def fix(text: str, name: str = "a.yaml") -> Fixed:
    return fix_text(text.encode(), lambda data: check_text(data, name))


def fixed(text: str) -> str:
    return fix(text).after.decode()


FIXED = {
    "misspelt": ("embed_dims: 192\n", "embed_dim: 192\n"),
    "of timm": ("img_size: 224 # px\n", "image_size: 224 # px\n"),
    "in dashes": ("num-heads: 12", "num_heads: 12"),
    "quoted key": ('"embed-dim": 768\n', '"embed_dim": 768\n'),
    "minified": (
        '{"depht":4,"variant":{"initt":"deitt"}}',
        '{"depth":4,"variant":{"init":"deit"}}',
    ),
    "minified, single quotes": ("{'depht':4}", "{'depth':4}"),
    "two letters swapped": ("dpeth: 12\n", "depth: 12\n"),
    "without the underscore": ("imagesize: 224\n", "image_size: 224\n"),
    "whole float": ("depth: 12.0\n", "depth: 12\n"),
    "quoted integer": ("depth: '12' # blocks\n", "depth: 12 # blocks\n"),
    "quoted float": ('mlp_ratio: "4e0"\n', "mlp_ratio: 4e0\n"),
    "yes": ("variant: {qkv_bias: yes}\n", "variant: {qkv_bias: true}\n"),
    "none": ("num_classes: None\n", "num_classes: null\n"),
    "nil": ("teacher_num_classes: nil\n", "teacher_num_classes: null\n"),
    "misspelt value": ("variant:\n  init: fanin\n", "variant:\n  init: fan_in\n"),
    "one after another": ('embed_dims: "768"\n', "embed_dim: 768\n"),
    "Windows": ("deph : 12\r\nnum_heads: 12.0\r\n", "depth : 12\r\nnum_heads: 12\r\n"),
    "byte order mark": ("\ufeffdeph: 12\r\n", "\ufeffdepth: 12\r\n"),
    "emoji before": ("{variant: {}, deph: 12} # 😀", "{variant: {}, depth: 12} # 😀"),
    "a break of YAML 1.1 in a comment": (
        "# a\u2028depht: 4\ndepht: 4\n",
        "# a\u2028depht: 4\ndepth: 4\n",
    ),
    "no space in braces": (
        "{embed_dim:192, variant: {init:deit}, num_heads=3}\n",
        "{embed_dim: 192, variant: {init: deit}, num_heads: 3}\n",
    ),
    "no space": ("embed_dim:192\nnum_heads: 3\n", "embed_dim: 192\nnum_heads: 3\n"),
    "no colon in braces": (
        "{depth 12, num_heads: 12}\n",
        "{depth: 12, num_heads: 12}\n",
    ),
    "into variant": (
        "layer_scale: 0.1 # s\nvariant:\n  init: deit\n",
        "variant:\n  init: deit\n  layer_scale: 0.1 # s\n",
    ),
    "three into variant": (
        "qkv_bias: true\ninit: deit\nvariant:\n  drop_path: 0.1\nfusion: null",
        "variant:\n  drop_path: 0.1\n  qkv_bias: true\n  init: deit\n  fusion: null\n",
    ),
    "into a new variant": (
        "depth: 12\ndrop_path_rate: 0.1\n",
        "depth: 12\nvariant:\n  drop_path: 0.1\n",
    ),
    "two into a new variant": (
        "drop_path: 0.1\nlayer_scale: 0.1\n",
        "variant:\n  drop_path: 0.1\n  layer_scale: 0.1\n",
    ),
    "into an empty variant": (
        "variant:\ninit: deit\nqkv_bias: true\n",
        "variant:\n  init: deit\n  qkv_bias: true\n",
    ),
    "Windows, into variant": (
        "variant:\r\n  init: deit\r\nqkv_bias: true",
        "variant:\r\n  init: deit\r\n  qkv_bias: true\r\n",
    ),
    "out of variant": (
        "variant:\n  depth: 12 # n\n  init: deit\n",
        "depth: 12 # n\nvariant:\n  init: deit\n",
    ),
    "the only key, out of variant": (
        "num_heads: 3\nvariant:\n  embed_dim: 192 # n\n",
        "num_heads: 3\nembed_dim: 192 # n\n",
    ),
    "all keys, out of variant": (
        "variant:\n  embed_dim: 192\n  num_heads: 3\ndepth: 4\n",
        "embed_dim: 192\nnum_heads: 3\ndepth: 4\n",
    ),
}


@pytest.mark.parametrize("name", FIXED)
def test_what_is_certain_is_fixed(name: str) -> None:
    before, after = FIXED[name]
    found = fix(before)
    assert found.after.decode() == after
    assert found.fixes
    assert found.checked.spec is not None
    assert 0 < len(own_fixes(check_text(before.encode(), "a.yaml"))) <= len(found.fixes)


@pytest.mark.parametrize("name", FIXED)
def test_each_fix_removes_its_finding(name: str) -> None:
    """Editors and SARIF hand them out one by one."""
    text = FIXED[name][0].removeprefix("\ufeff")
    before = check_text(text.encode(), "a.yaml").diagnostics
    fixable = [found for found in before if found.fix]
    assert fixable
    for found in fixable:
        assert found.fix
        after, applied = apply_fixes([found.fix], found.fix.source)
        assert applied == [found.fix]
        left = check_text(after.encode(), "a.yaml").diagnostics
        same = [(each.code, each.message) for each in left]
        assert (found.code, found.message) not in same or len(left) < len(before)
        assert has_errors(left) <= has_errors(before)


FIXED_IN_PART = {
    "an unknown key inside variant": (
        "variant:\n  depth: 3\n  nonsense: 1\n",
        "depth: 3\nvariant:\n  nonsense: 1\n",
    ),
    "unknown keys at the top": (
        "nonsense: 1\ndrop_path: 0.1\nvariant:\n  init: deit\n",
        "nonsense: 1\nvariant:\n  init: deit\n  drop_path: 0.1\n",
    ),
    "a key that is not certain before a new variant": (
        "drop_pth_rat: 0.1\nlayer_scale: 0.1\n",
        "drop_pth_rat: 0.1\nvariant:\n  layer_scale: 0.1\n",
    ),
    "a base that is not there": (
        "extend: nowhere.yaml\ndepht: 12\n",
        "extends: nowhere.yaml\ndepth: 12\n",
    ),
    "a misspelt variant": (
        "drop_path: 0.1\nvariants:\n  init: deit\ndepht: 3\n",
        "variant:\n  init: deit\n  drop_path: 0.1\ndepth: 3\n",
    ),
    "a key of variant in JSON": (
        '{\n  "depht": 12,\n  "drop_path": 0.1\n}\n',
        '{\n  "depth": 12,\n  "drop_path": 0.1\n}\n',
    ),
}


@pytest.mark.parametrize("name", FIXED_IN_PART)
def test_what_is_not_certain_does_not_block_the_rest(name: str) -> None:
    before, after = FIXED_IN_PART[name]
    assert fixed(before) == after


OTHER_MEANING = [
    "no_distillation_token",
    "no_qkv_bias",
    "not_qkv_bias",
    "without_qkv_bias",
    "disable_qkv_bias",
    "num_kv_heads",
    "num_heads_kv",
    "layer_norm",
    "fc_dropout",
    "dropout2",
    "patch_stride",
    "max_image_size",
    "test_image_size",
    "q_bias",
    "k_bias",
    "v_bias",
    "out_channels",
    "drop_patch",
    "mlp_depth",
    "patch_depth",
    "num_tokens",
]
"""Keys of other projects that are similar to a field's and mean something else."""

LEFT = {
    "another value": "depth: 12\ndepth: 13\n",
    "true and one": "depth: 1\ndepth: true\n",
    "far word": "dpt: 12\n",
    "short word": "dep: 12\n",
    "another first letter": "tepth: 12\n",
    "nearly what timm means": "drop_rate: 0.1\n",
    "two for one": "image_sizes: 224\nimg_size: 224\n",
    "taken": "embed_dim: 768\nembed_dims: 768\n",
    "taken in variant": "drop_path: 0.1\nvariant:\n  drop_path: 0.2\n",
    "a fraction": "depth: 12.5\n",
    "zero in quotes": "depth: '0'\n",
    "a list": "patch_size: [16, 8]\n",
    "a list under a misspelt key": "image_sizes: [224, 192]\n",
    "a list for a mapping": "variants: [1]\n",
    "a list for a name": "names: [cat, dog]\n",
    "a float of many digits": "depth: 11.99999999999999999999\n",
    "a float past 2^53": "num_classes: 9007199254740993.0\n",
    "a float above the limit": "embed_dim: 1e300\n",
    "sixteen digits in quotes": "num_classes: '1000000000000000'\n",
    "thousands": "depth: 1.000\n",
    "a text of two lines": "depth: '1\n  2'\n",
    "a number in a block": "depth: |\n  12\n",
    "a value that is near one": "variant:\n  init: fan\n",
    "a value that is a part of one": "variant:\n  position_embedding: patch\n",
    "another value of timm": "variant:\n  init: xavier\n",
    "null for a field without null": "depth: none\n",
    "a comment after a quote": 'depth: "4"#x\n',
    "variant in braces": "drop_path: 0.1\nvariant: {init: deit}\n",
    "all in braces": "{\n  depth: 12,\n  drop_path: 0.1\n}\n",
    "out of variant, in braces": 'variant: {\n  "depth": 3\n}\n',
    "a key with a colon": "depth:6: 12\n",
    "no space, written again": "{depth:6, depth: 12}\n",
    "two keys without a space": "{depth:6, depth:12}\n",
    "no space, in quotes": "{'depth:6'}\n",
    **{f"{word}, at the top": f"{word}: true\n" for word in OTHER_MEANING},
    **{
        f"{word}, in variant": f"variant:\n  {word}: true\n  init: deit\n"
        for word in OTHER_MEANING
    },
}


@pytest.mark.parametrize("name", LEFT)
def test_what_is_not_certain_is_left(name: str) -> None:
    text = LEFT[name]
    found = check_text(text.encode(), "a.yaml").diagnostics
    assert has_errors(found)
    assert not [each.fix.title for each in found if each.fix]
    assert fixed(text) == text


def test_a_spec_that_is_extended_is_not_changed(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("depth: 12.0\ndepth: 12.0\n")
    child = tmp_path / "child.yaml"
    child.write_text("extends: base.yaml\nembed_dims: 768\n")
    assert len(own_fixes(check_spec(child))) == 1
    found = fix_any(str(child))
    assert found.after == b"extends: base.yaml\nembed_dim: 768\n"
    assert {each.code for each in found.checked.diagnostics} == {"DS003", "DS102"}


def test_a_published_spec_and_a_missing_file_have_no_fixes(tmp_path: Path) -> None:
    for name in ("deit_base_patch16_224", str(tmp_path / "nowhere.yaml")):
        found = fix_any(name)
        assert (found.before, found.after, found.fixes) == (b"", b"", ())


def harmful(self: Fixes, path: Any, word: str, value: str) -> Fix:  # noqa: ARG001
    return Fix("harm", (Edit(self.document.nearest(path).value, "["),))


def test_a_fix_that_breaks_the_text_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Together they are worse, so fewer are applied, down to none."""
    monkeypatch.setattr(Fixes, "choose", harmful)
    text = "depht: 3\nvariant:\n  init: deitt\n"
    assert fixed(text) == "depth: 3\nvariant:\n  init: deitt\n"


def test_rounds_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even with fixes that undo each other."""

    def undo(self: Fixes, path: Any, *_: object) -> Fix:
        other = "deph" if path == ("depht",) else "depht"
        return Fix("undo", (Edit(self.document.nearest(path).key, other),))

    monkeypatch.setattr(Fixes, "rename", undo)
    assert len(fix("depht: 3\n").fixes) == ROUNDS


def test_a_text_never_grows_beyond_the_limit() -> None:
    text = "embed_dims: 4\nmg_size: 4\n#" + "x" * (FILE_BYTES - 26)
    assert len(text) == FILE_BYTES
    assert fixed(text).startswith("embed_dim: 4\nmg_size: 4\n")
    longer = "depth: 3\nextend: null\n#" + "x" * (FILE_BYTES - 23)
    assert len(longer) == FILE_BYTES
    assert fixed(longer) == longer
