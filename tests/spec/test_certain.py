"""What is certain is mended, and what is not is left."""

from pathlib import Path
from typing import Any

import pytest
from support.lookalikes import OTHERS

from deit_spec.diagnostics import Edit, Fix, Severity, has_errors
from deit_spec.diagnostics.edits import apply
from deit_spec.spec import check_text, mend, mend_text
from deit_spec.spec.fixes import Fixes

MENDED = {
    "misspelt": ("embed_dims: 192\n", "embed_dim: 192\n"),
    "of timm": ("img_size: 224 # px\n", "image_size: 224 # px\n"),
    "in dashes": ("num-heads: 12", "num_heads: 12"),
    "quoted key": ('"embed-dim": 768\n', '"embed_dim": 768\n'),
    "minified": (
        '{"depht":4,"variant":{"initt":"deitt"}}',
        '{"depth":4,"variant":{"init":"deit"}}',
    ),
    "minified, single quotes": ("{'depht':4}", "{'depth':4}"),
    "three into variant": (
        "qkv_bias: true\ninit: deit\nvariant:\n  drop_path: 0.1\nfusion: cls",
        "variant:\n  drop_path: 0.1\n  qkv_bias: true\n  init: deit\n  fusion: cls\n",
    ),
    "Windows, without a last break": (
        "variant:\r\n  init: deit\r\nqkv_bias: true",
        "variant:\r\n  init: deit\r\n  qkv_bias: true\r\n",
    ),
    "a break of YAML 1.1 in a comment": (
        "# a\u2028depht: 4\ndepht: 4\n",
        "# a\u2028depht: 4\ndepth: 4\n",
    ),
    "whole float": ("depth: 12.0\n", "depth: 12\n"),
    "quoted integer": ("depth: '12' # blocks\n", "depth: 12 # blocks\n"),
    "quoted float": ('mlp_ratio: "4e0"\n', "mlp_ratio: 4e0\n"),
    "yes": ("variant: {qkv_bias: yes}\n", "variant: {qkv_bias: true}\n"),
    "none": ("num_classes: None\n", "num_classes: null\n"),
    "misspelt value": ("variant:\n  init: fanin\n", "variant:\n  init: fan_in\n"),
    "twice": ("depth: 12\ndepth: 12\n", "depth: 12\n"),
    "twice with a comment": ("depth: 12\ndepth: 12 # b\n", "depth: 12\n# b\n"),
    "twice at the end": ("depth: 12\ndepth: 12", "depth: 12\n"),
    "twice with a hash": ("name: 'a'\nname: 'a' # '\n", "name: 'a'\n# '\n"),
    "out of variant": (
        "variant:\n  depth: 12 # n\n  init: deit\n",
        "depth: 12 # n\nvariant:\n  init: deit\n",
    ),
    "into variant": (
        "layer_scale: 0.1 # s\nvariant:\n  init: deit\n",
        "variant:\n  init: deit\n  layer_scale: 0.1 # s\n",
    ),
    "into a new variant": (
        "depth: 12\ndrop_path_rate: 0.1\n",
        "depth: 12\nvariant:\n  drop_path: 0.1\n",
    ),
    "two into a new variant": (
        "drop_path: 0.1\nlayer_scale: 0.1\n",
        "variant:\n  drop_path: 0.1\n  layer_scale: 0.1\n",
    ),
    "one behind another": ('embed_dims: "768"\n', "embed_dim: 768\n"),
    "Windows": ("deph : 12\r\nnum_heads: 12.0\r\n", "depth : 12\r\nnum_heads: 12\r\n"),
    "Windows, into variant": (
        "drop_path: 0.1\r\n",
        "variant:\r\n  drop_path: 0.1\r\n",
    ),
    "byte order mark": ("\ufeffdeph: 12\r\n", "\ufeffdepth: 12\r\n"),
    "no space in braces": (
        "{embed_dim:192, variant: {init:deit}, num_heads=3, depth: 12}\n",
        "{embed_dim: 192, variant: {init: deit}, num_heads: 3, depth: 12}\n",
    ),
    "no space, line by line": (
        "embed_dim:192\nnum_heads = 3 # heads\ndepth 12\n",
        "embed_dim: 192\nnum_heads: 3 # heads\ndepth: 12\n",
    ),
    "arguments as in Python": (
        "depth = 3,\nembed_dim=192 , # width\n",
        "depth: 3\nembed_dim: 192 # width\n",
    ),
    "arguments in braces": (
        "depth:12\nvariant: {\n  init=fan_in,\n  drop_path=0.5,\n}\n",
        "depth: 12\nvariant: {\n  init: fan_in,\n  drop_path: 0.5,\n}\n",
    ),
    "the first lines too far in": (
        "  # a\n  variant:\n    init: deit\n  depht: 3\nnum_heads: 12\n",
        "  # a\nvariant:\n  init: deit\ndepth: 3\nnum_heads: 12\n",
    ),
    "two letters swapped": ("dpeth: 12\n", "depth: 12\n"),
    "without the underscore": ("imagesize: 224\n", "image_size: 224\n"),
    "nil": ("teacher_num_classes: nil\n", "teacher_num_classes: null\n"),
    "twice in braces": ("{depth: 12, depth: 12}\n", "{depth: 12}\n"),
    "twice in braces, before another": (
        "{depth: 12, depth: 12, num_heads: 12}\n",
        "{depth: 12, num_heads: 12}\n",
    ),
    "twice in braces, thrice": ('{"depth":12,"depth":12,"depth":12}', '{"depth":12}'),
    "twice in braces, on lines": (
        "{\n  depth: 12,\n  depth: 12,\n  num_heads: 12\n}\n",
        "{\n  depth: 12,\n  num_heads: 12\n}\n",
    ),
    "twice in braces, on the last line": (
        "{\n  depth: 12,\n  depth: 12 # b\n  # c\n\n}\n",
        "{\n  depth: 12,\n  # b\n  # c\n\n}\n",
    ),
    "twice in braces, with a comment": (
        "{depth: 12,\n depth: 12, # b\n num_heads: 12}\n",
        "{depth: 12,\n # b\n num_heads: 12}\n",
    ),
    "twice in braces, commas first": (
        "{ depth: 12\n, depth: 12}\n",
        "{ depth: 12\n}\n",
    ),
    "emoji before": ("{variant: {}, deph: 12} # 😀", "{variant: {}, depth: 12} # 😀"),
}


@pytest.mark.parametrize("name", MENDED)
def test_what_is_certain(name: str) -> None:
    before, after = MENDED[name]
    mended = mend_text(before.encode(), "a.yaml")
    assert mended.after.decode() == after
    assert mended.fixes
    assert mended.checked.spec is not None


@pytest.mark.parametrize("name", MENDED)
def test_each_fix_by_itself_mends_its_finding(name: str) -> None:
    """An editor and SARIF hand them out one by one."""
    text = MENDED[name][0].removeprefix("\ufeff")
    before = check_text(text.encode(), "a.yaml").diagnostics
    fixed = [found for found in before if found.fix]
    assert fixed
    for found in fixed:
        assert found.fix
        after, applied = apply([found.fix], found.fix.source)
        assert applied == [found.fix]
        left = check_text(after.encode(), "a.yaml").diagnostics
        errors = [each for each in left if each.severity is Severity.ERROR]
        assert len(errors) <= len(before)
        assert (found.code, found.message) not in [
            (each.code, each.message) for each in left
        ] or len(left) < len(before)


UNCERTAIN = {
    "a comment behind a quote": 'depth: "4"#x\n',
    "null before a comment": 'num_classes: "null"#x\n',
    "a tag and a comment": 'depth: !!str "4"#x\n',
    "a text that breaks off": "drop_path: 0.1\ndepth: |\n  text, depth: 0\n : {\n",
    "another value": "depth: 12\ndepth: 13\n",
    "true and one": "depth: 1\ndepth: true\n",
    "far word": "dpt: 12\n",
    "nearly what timm means": "drop_rate: 0.1\n",
    "two for one": "image_sizes: 224\nimg_size: 224\n",
    "taken": "embed_dim: 768\nembed_dims: 768\n",
    "taken in variant": "drop_path: 0.1\nvariant:\n  drop_path: 0.2\n",
    "a fraction": "depth: 12.5\n",
    "zero in quotes": "depth: '0'\n",
    "a list": "patch_size: [16, 16]\n",
    "twice, a comma begins the next line": "{depth: 12,\ndepth: 12\n, num_heads: 12}\n",
    "twice, below its key": "{depth: 12,\ndepth:\n  12}\n",
    "twice, behind a question": "{depth: 12, ? depth: 12}\n",
    "twice, a mapping": "variant: {}\nvariant: {}\n",
    "three for one, one of them elsewhere": "img_size: 32\nimage_sizes: 32\n",
    "a float of many digits": "depth: 11.99999999999999999999\n",
    "a float past 2^53": "num_classes: 9007199254740993.0\n",
    "sixteen digits in quotes": "num_classes: '1000000000000000'\n",
    "a text of two lines": "depth: '1\n  2'\n",
    "a number in a block": "depth: |\n  12\n",
    "a number in a folded block": "depth: >-\n  12\nnum_heads: 12\n",
    "no space, in braces that break off": "{depth:6, embed_dim: [1,, 2]}\n",
    "a value that is near one": "variant:\n  init: fan\n",
    "a value that is a part of one": "variant:\n  position_embedding: patch\n",
    "a value that is no slip of one": "variant:\n  init: xavier\n",
    "a list for a mapping": "variants: [1]\n",
    "a list behind a misspelt key": "image_sizes: [224, 224]\n",
    "null for what has no null": "depth: none\n",
    "a quoted null for a number": "num_classes: 'nothing'\n",
    "a short word": "dep: 12\n",
    "another first letter": "tepth: 12\n",
    "what is written in full elsewhere": "depth: 12\n? {a: 1}\n: 3\n  x\n",
    "the only one of variant": "variant:\n  depth: 12\n",
    "variant in braces": "drop_path: 0.1\nvariant: {init: deit}\n",
    "a key with a colon": "depth:6: 12\n",
    "a key with a colon, in braces": "{depth:6: 12}\n",
    "a key without a space, written again": "{depth:6, depth: 12}\n",
    "two keys without a space": "{depth:6, depth:12}\n",
    "no space, in quotes": "{'depth:6'}\n",
    "no space behind a question": "? depth:6\n",
    "no space before what is no comment": "depth:12#x\n",
    "words": "hello world\n",
    "a command": "pip install\n",
    "an address": "http://example.org\n",
    "a title": "depth first\nwidth: 3\n",
    "two words that may be a pair": "readout cls\n",
    "a quote that does not close": "name = 'x\ndepth: 3\n",
    "a brace that does not close": "name:{\ndepth: 3\n",
    "an anchor": "name = &x\n",
    "a tag": "name = !x\n",
    "an alias": "name = *x\n",
    "a block": "name = |\n",
    "an anchor in braces": "{name:&x, depth: 3}\n",
    "a sign that may be the space": "depth:-12\n",
    "a point that may be the space": "mlp_ratio:.4\n",
    "several arguments in a line": "depth=12, num_heads=3\nembed_dim: 192\n",
    "a comma without an equals sign": "depth 3,\nembed_dim 192,\n",
    "several with commas": "depth=12,embed_dim=192\n",
    "a float that skips integers": "embed_dim: 1e23\n",
    "a float that is too long": "embed_dim: 1e300\n",
    "a list for a number": "layers: [2, 2, 6, 2]\n",
    "a list for a name": "names: [cat, dog]\n",
    "as timm has it": "input_size: [3, 224, 224]\n",
    "into variant, in braces": "{\n  depth: 12,\n  drop_path: 0.1\n}\n",
    "out of variant, in braces": 'variant: {\n  "depth": 3\n}\n',
    "beside a variant in braces": "variant: {\n  fusion: cls\n}\ndrop_path: 0.1\n",
    "in a block": "name: |\n  depth 12\nnum_heads: [1,, 2]\n",
    "in the second line of a text": "name: a\n  depth:12\nnum_heads: [1,, 2]\n",
    "in a second document": "depth: 12\n---\ndepth:12\n",
    "integer too long": f"num_classes: '{10**17}'\n",
}


UNCERTAIN |= {f"{word}, another thing": f"{word}: true\n" for word in OTHERS}
UNCERTAIN |= {f"{w} inside": f"variant:\n  {w}: true\n  init: deit\n" for w in OTHERS}


MENDED_IN_PART = {
    "beside what is uncertain": (
        '{\n  "depht": 12,\n  "drop_path": 0.1\n}\n',
        '{\n  "depth": 12,\n  "drop_path": 0.1\n}\n',
    ),
    "a base that is not there": (
        "extend: nowhere.yaml\ndepht: 12\n",
        "extends: nowhere.yaml\ndepth: 12\n",
    ),
    "a variant that is misspelt": (
        "drop_path: 0.1\nvariants:\n  init: deit\ndepht: 3\n",
        "variant:\n  init: deit\n  drop_path: 0.1\ndepth: 3\n",
    ),
    "beside a number without end": (
        "embed_dim: 1e300\ndepht: 3\n",
        "embed_dim: 1e300\ndepth: 3\n",
    ),
}


@pytest.mark.parametrize("name", MENDED_IN_PART)
def test_what_is_uncertain_keeps_nothing_else_from_being_mended(name: str) -> None:
    before, after = MENDED_IN_PART[name]
    assert mend_text(before.encode(), "a.yaml").after.decode() == after


def test_a_fix_that_does_harm_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """All together are worse; those that are not are found one by one."""
    choose = Fixes.choose

    def broken(self: Fixes, path: Any, word: str, value: str) -> Fix | None:
        fix = choose(self, path, word, value)
        return fix and Fix("harm", (Edit(fix.edits[0].span, "["),))

    monkeypatch.setattr(Fixes, "choose", broken)
    text = b"depht: 3\nvariant:\n  init: deitt\nnum_head: 3\n"
    after = mend_text(text, "a.yaml").after
    assert after == b"depth: 3\nvariant:\n  init: deitt\nnum_heads: 3\n"


@pytest.mark.parametrize("name", UNCERTAIN)
def test_what_is_uncertain_is_left(name: str) -> None:
    data = UNCERTAIN[name].encode()
    found = check_text(data, "a.yaml").diagnostics
    assert not [each.fix.title for each in found if each.fix]
    mended = mend_text(data, "a.yaml")
    assert mended.after == data
    assert has_errors(mended.checked.diagnostics)


def test_a_spec_that_is_extended_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("depth: 12.0\ndepth: 12.0\n")
    child = tmp_path / "child.yaml"
    child.write_text("extends: base.yaml\nembed_dims: 768\n")
    mended = mend(str(child))
    assert mended.after == b"extends: base.yaml\nembed_dim: 768\n"
    assert {each.code for each in mended.checked.diagnostics} == {"DS003", "DS102"}


def test_a_line_that_is_moved_keeps_every_character() -> None:
    """Breaks of YAML 1.1 are no breaks; the parser is shown something else there."""
    before = "drop_path: 0.1 # a\u2028b\x85c\nvariant:\n  init: deit\n"
    after = "variant:\n  init: deit\n  drop_path: 0.1 # a\u2028b\x85c\n"
    assert mend_text(before.encode(), "a.yaml").after.decode() == after


def test_a_text_that_is_read_to_its_end_stays_so() -> None:
    """Here a comma begins the line behind the one that is written twice."""
    text = b"{\nnum_heads: 12,\ndepth: 12,\ndepth: 12\n, embed_dim: 768}\n"
    mended = mend_text(text, "a.yaml")
    assert (mended.after, mended.fixes) == (text, ())
