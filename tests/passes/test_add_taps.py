"""Taps return what hooks and an eager copy of attention see in a plain model."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from safetensors.torch import save_file
from support.commands import run
from support.execution import build, images_for
from support.strategies import specs
from torch import Tensor, nn

import deit_spec
from deit_spec import DeiTSpec, SpecError
from deit_spec.ops import show

SPEC = {
    "image_size": 8,
    "patch_size": 2,
    "embed_dim": 8,
    "num_heads": 2,
    "depth": 3,
    "num_classes": 5,
    "teacher_num_classes": 5,
    "variant": {"init": "fan_in"},
}


def seen(model: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """What every module returns."""
    values: dict[str, Tensor] = {}

    def record(path: str) -> Any:
        return lambda _module, _inputs, output: values.update({path: output})

    hooks = [
        module.register_forward_hook(record(path))
        for path, module in model.named_modules()
        if not path.endswith("blocks")
    ]
    model(images)
    for hook in hooks:
        hook.remove()
    return values


def eager_weights(spec: DeiTSpec, qkv: Tensor) -> Tensor:
    """The weights of attention, from queries and keys, in a loop over heads."""
    width = spec.head_dim
    q, k, _ = qkv.split(spec.embed_dim, dim=2)
    rows = []
    for head in range(spec.num_heads):
        part = slice(head * width, (head + 1) * width)
        scores = torch.bmm(q[:, :, part], k[:, :, part].mT) * width**-0.5
        rows.append(scores.softmax(dim=-1))
    return torch.stack(rows, dim=1)


@given(specs())
def test_attention_weights_are_those_of_an_eager_copy(spec: DeiTSpec) -> None:
    """All of them, and the rows of the tokens; other outputs stay bit-equal."""
    rows = {"cls": 0, **({"dist": 1} if spec.variant.distillation_token else {})}
    taps = ["blocks.*.attn.weights", "blocks.*.attn.weights.*"]
    images = images_for(spec)
    plain, tapped = (build(deit_spec.compile(spec, taps=given)) for given in ((), taps))
    result = tapped(images)
    values = seen(plain, images)
    prefix = spec.num_prefix_tokens
    assert len(result.taps) == spec.depth * (1 + len(rows))
    for block in range(spec.depth):
        name = f"blocks.{block}.attn"
        weights = eager_weights(spec, values[f"{name}.qkv"])
        found = result.taps[f"{name}.weights"]
        torch.testing.assert_close(found, weights, rtol=1e-6, atol=1e-6)
        for token, index in rows.items():
            row = result.taps[f"{name}.weights.{token}"]
            wanted = weights[:, :, index, prefix:]
            torch.testing.assert_close(row, wanted, rtol=1e-6, atol=1e-6)
    outputs = plain(images)
    outputs = [*outputs] if isinstance(outputs, tuple) else [outputs]
    for output, ours in zip(outputs, result[:-1], strict=True):
        assert torch.equal(output, ours)


@given(specs())
def test_values_are_those_that_modules_return(spec: DeiTSpec) -> None:
    taps = ["blocks.*", "blocks.*.mlp", "norm", "blocks.*.patches", "norm.patches"]
    images = images_for(spec)
    values = seen(build(deit_spec.compile(spec)), images)
    found = build(deit_spec.compile(spec, taps=taps))(images).taps
    for name in ("norm", *(f"blocks.{index}" for index in range(spec.depth))):
        torch.testing.assert_close(found[name], values[name], rtol=0, atol=0)
        grid = found[f"{name}.patches"]
        side, first = spec.grid_size, spec.num_prefix_tokens
        assert grid.shape == (len(images), spec.embed_dim, side, side)
        for patch in range(spec.num_patches):
            token = values[name][:, first + patch]
            assert torch.equal(grid[:, :, patch // side, patch % side], token)
    for index in range(spec.depth):
        name = f"blocks.{index}.mlp"
        torch.testing.assert_close(found[name], values[name], rtol=0, atol=0)


def test_inference_returns_its_output_and_the_taps() -> None:
    """Rows of the tokens that the heads read need no other tokens of the last block."""
    rows = ("blocks.2.attn.weights.cls", "blocks.2.attn.weights.dist")
    compiled = deit_spec.compile(SPEC, target="inference", taps=rows)
    assert show(compiled.graph.shape("blocks.2.attn.q")) == "[B, H=2, R=2, D=4]"
    plain = build(deit_spec.compile(SPEC, target="inference"))
    images = images_for(deit_spec.load_spec(SPEC))
    model = build(compiled)
    result = model(images)
    assert result._fields == ("logits", "taps")
    assert torch.equal(result.logits, plain(images))
    assert torch.equal(model.predict(images), result.logits)
    assert [*result.taps] == [*rows]
    assert all(row.shape == (2, 2, 16) for row in result.taps.values())


def test_a_model_can_end_at_a_value(tmp_path: Path) -> None:
    """Later layers have no parameters, and a checkpoint of the complete model loads."""
    spec = deit_spec.load_spec(SPEC)
    whole, images = build(deit_spec.compile(spec)), images_for(spec)
    save_file(whole.state_dict(), tmp_path / "whole.safetensors")
    weights = str(tmp_path / "whole.safetensors")
    features = deit_spec.load(spec, until="blocks.1", weights=weights).eval()
    wanted = seen(whole, images)
    assert torch.equal(features(images), wanted["blocks.1"])
    assert not hasattr(features, "predict")
    left = [
        name
        for name in whole.state_dict()
        if not name.startswith(("blocks.2", "norm", "head"))
    ]
    assert [*features.state_dict()] == left
    grid = deit_spec.load(
        spec, until="norm.patches", taps=["blocks.*"], weights=weights
    )
    result = grid.eval()(images)
    assert result.features.shape == (2, 8, 4, 4)
    assert [*result.taps] == ["blocks.0", "blocks.1", "blocks.2"]
    assert torch.equal(result.taps["blocks.2"], wanted["blocks.2"])


def test_taps_after_the_end_are_left_out_of_a_pattern() -> None:
    compiled = deit_spec.compile(
        SPEC, until="blocks.1", taps=["blocks.*", "blocks.*.norm1"]
    )
    assert [*compiled.graph.taps] == [
        "blocks.0",
        "blocks.1",
        "blocks.0.norm1",
        "blocks.1.norm1",
    ]


def test_export_and_compile_return_taps_by_name() -> None:
    taps = ["blocks.*.attn.weights.dist", "norm.patches", "blocks.1"]
    for target in ("train", "inference"):
        compiled = deit_spec.compile(SPEC, target=target, taps=taps)  # type: ignore[arg-type]
        model = build(compiled)
        images = images_for(compiled.spec)
        wanted = model(images).taps
        assert len(wanted) == 5
        exported = torch.export.export(model, (images,)).module()
        whole = torch.compile(model, fullgraph=True, backend="eager")
        for other in (exported, whole):
            found = other(images).taps
            assert {*found} == {*wanted}
            for name, value in wanted.items():
                torch.testing.assert_close(found[name], value)


UNKNOWN: dict[str, tuple[dict[str, Any], str, str]] = {
    "misspelt": (
        {"taps": ["blocks.*.attn.weight.cls"]},
        "the tap is `blocks.*.attn.weight.cls`, but the model has no such value",
        "`blocks.*.attn.weights.cls`",
    ),
    "block that does not exist": (
        {"taps": ["blocks.3"]},
        "the tap is `blocks.3`, but the model has no such value",
        "`blocks.2`",
    ),
    "part of a name": ({"taps": ["blocks"]}, "the tap is `blocks`, but", "`blocks.2`"),
    "nothing near": (
        {"taps": ["qqqq"]},
        "the tap is `qqqq`, but the model has no such value",
        "deit-spec render SPEC --output-format tree",
    ),
    "after the end": (
        {"taps": ["blocks.2.attn.q"], "until": "blocks.1"},
        "the tap is `blocks.2.attn.q`, but the model ends at `blocks.1`, which is",
        "end the model at `blocks.2.attn.q` or later",
    ),
    "end": (
        {"until": "blocks.7"},
        "`until` is `blocks.7`, but the model has no such value",
        "`blocks.2`",
    ),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_unknown_values_are_diagnosed(case: str) -> None:
    given, message, nearest = UNKNOWN[case]
    with pytest.raises(SpecError) as caught:
        deit_spec.compile(SPEC, **given)
    (found,) = caught.value.diagnostics
    assert found.code == "DS302"
    assert found.message.startswith(message)
    assert nearest in found.helps[0]


def test_every_unknown_value_is_reported() -> None:
    with pytest.raises(SpecError) as caught:
        deit_spec.compile(SPEC, taps=["norms", "blocks.1", "heads"], until="blocks.9")
    assert len(caught.value.diagnostics) == 3


def test_a_string_is_not_a_list_of_taps() -> None:
    with pytest.raises(TypeError, match="must be a sequence of strings"):
        deit_spec.compile(SPEC, taps="blocks.1")


def test_a_spec_can_hold_taps(tmp_path: Path) -> None:
    """Others replace them; neither weights nor the digest depend on them."""
    spec = {**SPEC, "taps": ["blocks.0", "norm.*"]}
    compiled = deit_spec.compile(spec)
    assert [*compiled.graph.taps] == ["blocks.0", "norm.patches"]
    assert [*deit_spec.compile(spec, taps=["norm"]).graph.taps] == ["norm"]
    plain = deit_spec.compile(SPEC)
    assert deit_spec.compile(spec, taps=()).source == plain.source
    assert compiled.spec.digest == plain.spec.digest
    assert compiled.graph.tensors() == plain.graph.tensors()
    path = tmp_path / "deit.yaml"
    path.write_text("depth: 2\ntaps:\n- blocks.0\n- blocks.2\n")
    with pytest.raises(SpecError) as caught:
        deit_spec.compile(path)
    (found,) = caught.value.diagnostics
    assert (found.code, found.primary.span.line, found.primary.span.text) == (
        "DS302",
        4,
        "blocks.2",
    )


def test_commands_take_taps_and_an_end() -> None:
    options = ("--tap", "blocks.*.attn.weights.cls", "--tap", "blocks.1.patches")
    source = run("compile", "specs/tiny.yaml", *options).stdout
    assert 'taps["blocks.0.attn.weights.cls"]' in source
    assert 'taps["blocks.1.patches"]' in source
    assert "blocks.1.patches" in run("render", "specs/tiny.yaml", *options).stdout
    cost = run("cost", "specs/tiny.yaml", *options, "--by", "layer").stdout
    assert "blocks.2.attn.cls_row" in cost
    ended = run("cost", "specs/tiny.yaml", "--until", "blocks.1").stdout
    assert "blocks.1" in ended
    assert "blocks.2" not in ended
    done = run("render", "specs/tiny.yaml", "--tap", "blocks.9")
    assert (done.returncode, done.stdout) == (1, "")
    assert "error[DS302]: the tap is `blocks.9`" in done.stderr
