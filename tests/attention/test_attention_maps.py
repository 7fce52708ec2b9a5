"""Attention, rollout and gradient-attention are those of an explicit model."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.eager_attention import eager_forward
from support.execution import build, images_for
from torch import Tensor, nn

import deit_spec
from deit_spec import DeiTSpec
from deit_spec.attention.attention_maps import (
    METHODS,
    TOKENS,
    AttentionReader,
    Heads,
    relevance,
    rollout,
)


def spec_of(
    grid: int = 4, *, two_tokens: bool = True, depth: int = 3, **more: Any
) -> DeiTSpec:
    values: dict[str, Any] = {
        "image_size": 2 * grid,
        "patch_size": 2,
        "in_channels": 1,
        "embed_dim": 8,
        "num_heads": 2,
        "depth": depth,
        "num_classes": 5,
        "teacher_num_classes": 5 if two_tokens else None,
        "variant": {"init": "fan_in", "distillation_token": two_tokens},
    }
    return DeiTSpec(**values | more)


def model_of(spec: DeiTSpec) -> nn.Module:
    return build(deit_spec.compile(spec)).double()


def tokens_of(spec: DeiTSpec) -> Any:
    return TOKENS[: spec.num_prefix_tokens]


# Grids of 14 and 24 are those of 224 and 384 pixels with patches of 16.
@pytest.mark.parametrize("two_tokens", [True, False])
@pytest.mark.parametrize("grid", [3, 14, 24])
def test_maps_are_those_of_an_explicit_model(grid: int, two_tokens: bool) -> None:  # noqa: FBT001
    spec = spec_of(grid, two_tokens=two_tokens, depth=3 if grid == 3 else 1)
    model, images = model_of(spec), images_for(spec).double()
    _, weights = eager_forward(spec, model.state_dict(), images)
    for token in tokens_of(spec):
        row = TOKENS.index(token)
        first = 2 if two_tokens else 1

        def grid_of(relation: Tensor, row: int = row, first: int = first) -> Tensor:
            patches = relation[..., row, first:]
            return patches.reshape(*patches.shape[:-1], grid, grid)

        def read(method: Any, heads: Heads = "mean", token: Any = token) -> Tensor:
            reader = AttentionReader(spec, model, method=method, heads=heads)
            return reader.read(images, [token]).maps[token]

        every = grid_of(weights[-1])
        torch.testing.assert_close(read("attention", "all"), every, rtol=0, atol=1e-6)
        torch.testing.assert_close(read("attention"), every.mean(1), rtol=0, atol=1e-6)
        largest = every.max(dim=1).values
        torch.testing.assert_close(read("attention", "max"), largest, rtol=0, atol=1e-6)
        flow = torch.eye(spec.num_tokens, dtype=torch.float64)
        for each in weights:
            flow = (0.5 * each.mean(1) + 0.5 * torch.eye(spec.num_tokens)) @ flow
        torch.testing.assert_close(read("rollout"), grid_of(flow))


@pytest.mark.parametrize("category", [None, 0, 3])
@pytest.mark.parametrize("two_tokens", [True, False])
def test_gradient_attention_is_autograd_of_an_explicit_model(
    two_tokens: bool,  # noqa: FBT001
    category: int | None,
) -> None:
    spec = spec_of(two_tokens=two_tokens)
    model, images = model_of(spec), images_for(spec, 3).double()
    state = {name: each.clone() for name, each in model.state_dict().items()}
    for each in state.values():
        each.requires_grad_()
    reader = AttentionReader(spec, model, method="gradient-attention")
    found = reader.read(images, tokens_of(spec), category)
    for row, token in enumerate(tokens_of(spec)):
        for index in range(len(images)):
            logits, weights = eager_forward(spec, state, images[index : index + 1])
            chosen = logits[token].argmax() if category is None else category
            gradients = torch.autograd.grad(logits[token][0, chosen], weights)
            relation = torch.eye(spec.num_tokens, dtype=torch.float64)
            for weight, gradient in zip(weights, gradients, strict=True):
                step = torch.relu(weight * gradient)[0].mean(dim=0)
                relation = relation + step @ relation
            wanted = relation[row, spec.num_prefix_tokens :].reshape(4, 4).detach()
            torch.testing.assert_close(found.maps[token][index], wanted)
        torch.testing.assert_close(
            found.output[row] if two_tokens else found.output,
            eager_forward(spec, state, images)[0][token].detach(),
        )


def test_gradients_are_taken_in_the_order_of_the_blocks() -> None:
    """The accumulation does not commute, so the other order is another result."""
    generator = torch.Generator().manual_seed(0)
    pairs = [
        (torch.rand(1, 2, 3, 3, generator=generator), torch.ones(1, 2, 3, 3))
        for _ in range(2)
    ]
    first, second = (weights[0].mean(dim=0) for weights, _ in pairs)
    eye = torch.eye(3)
    torch.testing.assert_close(relevance(pairs)[0], (eye + second) @ (eye + first))
    assert not torch.allclose(relevance(pairs), relevance(pairs[::-1]))


@given(st.integers(1, 4), st.integers(1, 6), st.integers(0, 99))
def test_rows_of_rollout_sum_to_1(depth: int, tokens: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    shape = (2, tokens, tokens)
    weights = [
        torch.randn(shape, generator=generator, dtype=torch.float64).softmax(-1)
        for _ in range(depth)
    ]
    sums = rollout(weights).sum(dim=-1)
    torch.testing.assert_close(sums, torch.ones_like(sums))


@pytest.mark.parametrize("heads", ["mean", "max"])
def test_rollout_of_a_model_distributes_all_of_its_weight(heads: Heads) -> None:
    """What is not on the patches is on the tokens before them."""
    spec = spec_of()
    reader = AttentionReader(spec, model_of(spec), method="rollout", heads=heads)
    _, taps = reader.model(images_for(spec).double())[-2:]
    sums = rollout(reader._weights(taps)).sum(dim=-1)
    torch.testing.assert_close(sums, torch.ones_like(sums))


def test_the_block_is_the_last_that_counts() -> None:
    spec = spec_of()
    model, images = model_of(spec), images_for(spec).double()
    _, weights = eager_forward(spec, model.state_dict(), images)
    for block in (0, 1, -2):
        reader = AttentionReader(spec, model, block=block)
        found = reader.read(images, ["dist"]).maps["dist"]
        wanted = weights[block].mean(1)[:, 1, 2:].reshape(-1, 4, 4)
        torch.testing.assert_close(found, wanted)
    every = AttentionReader(spec, model, block=None, heads="all")
    wanted = torch.stack(weights, dim=1)[:, :, :, 0, 2:].reshape(-1, 3, 2, 4, 4)
    torch.testing.assert_close(every.read(images, ["cls"]).maps["cls"], wanted)
    first = AttentionReader(spec, model, method="rollout", block=0)
    half = weights[0].mean(1)[:, 0, 2:].reshape(-1, 4, 4) / 2
    torch.testing.assert_close(first.read(images, ["cls"]).maps["cls"], half)


@pytest.mark.parametrize("two_tokens", [True, False])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("grid", "place"), [(4, (0, 0)), (4, (3, 2)), (14, (1, 12)), (24, (23, 7))]
)
def test_the_maximum_lies_on_a_planted_patch(
    method: Any,
    grid: int,
    place: tuple[int, int],
    two_tokens: bool,  # noqa: FBT001
) -> None:
    """One patch is bright, and the model has weights that make it read this one.

    Channel 0 is bright where the patch is, and it is read from class 0's logit. Keys
    are large where it is, and the queries of both tokens look for large keys.
    """
    spec = spec_of(grid, two_tokens=two_tokens, depth=2)
    model = model_of(spec)
    state = {name: torch.zeros_like(each) for name, each in model.state_dict().items()}
    for name in state:
        if "norm" in name and name.endswith("weight"):
            state[name] += 1
    state["patch_embed.proj.weight"][0] = 1.0
    state["pos_embed"][:, :, 1] = 1.0
    for block in range(spec.depth):
        qkv = state[f"blocks.{block}.attn.qkv.weight"]
        bias = state[f"blocks.{block}.attn.qkv.bias"]
        for head in range(2):
            bias[4 * head] = 3.0  # of the query
            qkv[8 + 4 * head, 0] = 1.0  # of the key: channel 0
            qkv[16 + 4 * head, 0] = 1.0  # of the value: channel 0
            state[f"blocks.{block}.attn.proj.weight"][0, 4 * head] = 1.0
    for name in ("head.weight", "head_dist.weight"):
        if name in state:
            state[name][0, 0] = 1.0
    model.load_state_dict(state)
    images = 0.01 * images_for(spec).double()
    row, column = place
    images[:, :, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2] += 1.0
    category = 0 if method == "gradient-attention" else None
    reader = AttentionReader(spec, model, method=method)
    for maps in reader.read(images, tokens_of(spec), category).maps.values():
        for each in maps:
            assert divmod(int(each.argmax()), grid) == place


@pytest.mark.parametrize("method", METHODS)
def test_a_model_with_one_head_has_maps_of_both_tokens(method: Any) -> None:
    for readout in ("cls", "mean_tokens"):
        variant = {"init": "fan_in", "readout": readout}
        spec = spec_of(teacher_num_classes=None, variant=variant)
        reader = AttentionReader(spec, model_of(spec), method=method)
        found = reader.read(images_for(spec).double(), TOKENS)
        assert isinstance(found.output, Tensor)
        assert [each.shape for each in found.maps.values()] == [(2, 4, 4)] * 2


def test_a_model_in_half_precision_and_without_gradients() -> None:
    spec = spec_of()
    model = model_of(spec)
    images = images_for(spec)
    whole = AttentionReader(spec, model, method="gradient-attention")
    model = model.bfloat16().requires_grad_(requires_grad=False)
    half = AttentionReader(spec, model, method="gradient-attention")
    with torch.no_grad():
        found = half.read(images.bfloat16(), ["cls"], 0).maps["cls"]
    assert found.dtype == torch.float32
    wanted = whole.read(images.double(), ["cls"], 0).maps["cls"]
    torch.testing.assert_close(found.double(), wanted, rtol=0.2, atol=0.05)


def test_what_a_model_does_not_have() -> None:
    spec, one = spec_of(), spec_of(two_tokens=False)
    model, other = model_of(spec), model_of(one)
    with pytest.raises(ValueError, match="no block 3 in a model of 3"):
        AttentionReader(spec, model, block=3)
    with pytest.raises(ValueError, match="rollout ends at one block"):
        AttentionReader(spec, model, method="rollout", block=None)
    with pytest.raises(ValueError, match="heads of rollout must be mean or max"):
        AttentionReader(spec, model, method="rollout", heads="all")
    with pytest.raises(ValueError, match="no distillation token"):
        AttentionReader(one, other).read(images_for(one).double(), ["dist"])
    reader = AttentionReader(spec, model, method="gradient-attention")
    with pytest.raises(ValueError, match="no class 5: the head has 5"):
        reader.read(images_for(spec).double(), ["cls"], 5)
    headless = spec_of(num_classes=None, teacher_num_classes=None)
    with pytest.raises(ValueError, match="no class head"):
        AttentionReader(headless, model_of(headless), method="gradient-attention")
    variant = {"init": "fan_in", "merge_tokens": 2}
    merging = spec_of(variant=variant)
    with pytest.raises(ValueError, match="merges patches, so there is no map"):
        AttentionReader(merging, model_of(merging))
