"""Merged models are those of the paper, computed here in another way."""

from itertools import pairwise
from math import log
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st
from support.execution import double, images_for, interpret
from support.strategies import has_ties, merging, merging_specs
from torch import Tensor

import deit_spec
from deit_spec import DeiTSpec
from deit_spec.cost import total
from deit_spec.graph import verify
from deit_spec.ops import MergeSizes, SumTokens, show

DROP: Any = st.booleans()
SPEC = DeiTSpec(
    image_size=8,
    patch_size=2,
    embed_dim=8,
    num_heads=2,
    depth=3,
    num_classes=5,
    teacher_num_classes=5,
)


def numbers_of(spec: DeiTSpec) -> list[int]:
    """The number of tokens that each block merges."""
    merged, left = spec.variant.merge_tokens, spec.num_patches
    wanted = [*merged] if isinstance(merged, tuple) else [merged] * spec.depth
    found = []
    for number in wanted:
        found.append(min(number, left // 2))
        left -= found[-1]
    return found


def outputs_of(result: Any) -> list[Tensor]:
    return [*result] if isinstance(result, tuple) else [result]


class Loops:
    """A DeiT that merges tokens, one image and one token at a time."""

    def __init__(self, spec: DeiTSpec, state: dict[str, Tensor]) -> None:
        self.spec, self.state = spec, state

    def linear(self, name: str, x: Tensor) -> Tensor:
        bias = self.state.get(f"{name}.bias")
        return F.linear(x, self.state[f"{name}.weight"], bias)

    def norm(self, name: str, x: Tensor) -> Tensor:
        weight, bias = self.state[f"{name}.weight"], self.state[f"{name}.bias"]
        eps = self.spec.variant.layer_norm_eps
        return F.layer_norm(x, (self.spec.embed_dim,), weight, bias, eps)

    def scale(self, name: str, x: Tensor) -> Tensor:
        return x * self.state.get(f"{name}.gamma", 1.0)

    def tokens(self, image: Tensor) -> Tensor:
        weight, bias = (self.state[f"patch_embed.proj.{n}"] for n in ("weight", "bias"))
        grid = F.conv2d(image[None], weight, bias, stride=self.spec.patch_size)[0]
        patches, positions = grid.flatten(1).T, self.state["pos_embed"][0]
        names = ["cls_token", "dist_token"][: self.spec.num_prefix_tokens]
        prefix = [self.state[name][0] for name in names]
        if self.spec.variant.position_embedding == "patches":
            return torch.cat([*prefix, patches + positions])
        return torch.cat([*prefix, patches]) + positions

    def attend(self, block: str, x: Tensor, sizes: list[int]) -> tuple[Tensor, Tensor]:
        heads, width = self.spec.num_heads, self.spec.head_dim
        qkv = self.linear(f"{block}.attn.qkv", x).reshape(len(x), 3, heads, width)
        result = torch.zeros(len(x), heads, width, dtype=x.dtype)
        for head in range(heads):
            q, k, v = (qkv[:, part, head] for part in range(3))
            for token in range(len(x)):
                scores = [
                    float(q[token] @ key) / width**0.5 + log(size)
                    for key, size in zip(k, sizes, strict=True)
                ]
                weights = torch.tensor(scores, dtype=x.dtype).softmax(dim=0)
                result[token, head] = weights @ v
        keys = qkv[:, 1].mean(dim=1)
        return self.linear(f"{block}.attn.proj", result.flatten(1)), keys

    def merge(
        self, x: Tensor, keys: Tensor, sizes: list[int], number: int
    ) -> tuple[Tensor, list[int]]:
        prefix = self.spec.num_prefix_tokens
        a = [place for place in range(prefix, len(x)) if place % 2 == 0]
        b = [place for place in range(prefix, len(x)) if place % 2 == 1]
        proposals = []
        for place in a:
            found = [float(F.cosine_similarity(keys[place], keys[p], 0)) for p in b]
            best = max(range(len(b)), key=found.__getitem__)
            proposals.append((found[best], place, b[best]))
        proposals.sort(key=lambda proposal: -proposal[0])
        accepted = {place: partner for _, place, partner in proposals[:number]}
        rows = [x[place] for place in range(prefix)]
        after = sizes[:prefix]
        for place in a:
            if place not in accepted:
                rows.append(x[place])
                after.append(sizes[place])
        for place in b:
            group = [place, *(p for p, partner in accepted.items() if partner == place)]
            size = sum(sizes[p] for p in group)
            mean = sum((x[p] * sizes[p] for p in group), torch.zeros_like(x[0])) / size
            rows.append(mean)
            after.append(size)
        return torch.stack(rows), after

    def run(self, image: Tensor) -> tuple[Tensor, list[int]]:
        """The tokens after the last norm, and their sizes."""
        x = self.tokens(image)
        sizes = [1] * len(x)
        for index, number in enumerate(numbers_of(self.spec)):
            block = f"blocks.{index}"
            attention, keys = self.attend(block, self.norm(f"{block}.norm1", x), sizes)
            x = x + self.scale(f"{block}.ls1", attention)
            if number:
                x, sizes = self.merge(x, keys, sizes, number)
            hidden = self.linear(f"{block}.mlp.fc1", self.norm(f"{block}.norm2", x))
            mlp = self.linear(f"{block}.mlp.fc2", F.gelu(hidden))
            x = x + self.scale(f"{block}.ls2", mlp)
        return self.norm("norm", x), sizes


@given(merging_specs(), DROP)
def test_an_independent_implementation_agrees(spec: DeiTSpec, drop: bool) -> None:  # noqa: FBT001
    assume(not has_ties(spec))
    compiled = deit_spec.compile(spec, drop_unread=drop)
    torch.manual_seed(0)
    model = compiled.build(dtype="float64").eval()
    images = images_for(spec).double()
    with torch.no_grad():
        values = interpret(compiled.graph, model, images)
        found = model(images)
        state = {name: p.detach() for name, p in model.named_parameters()}
        for row, image in enumerate(images):
            tokens, sizes = Loops(spec, state).run(image)
            assert sum(sizes) == spec.num_tokens
            known = values["norm"][row]  # all tokens, or the first ones
            torch.testing.assert_close(
                known, tokens[: len(known)], rtol=1e-9, atol=1e-9
            )
    for path, value in zip(
        compiled.graph.outputs.values(), outputs_of(found), strict=True
    ):
        torch.testing.assert_close(value, values[path], rtol=0, atol=0)


@given(merging_specs())
def test_sizes_add_up_to_the_number_of_tokens(spec: DeiTSpec) -> None:
    graph = deit_spec.compile(spec).graph
    model = double(spec)
    values = interpret(graph, model, images_for(spec).double())
    sizes = [path for path, op in graph.ops() if isinstance(op, MergeSizes)]
    assert len(sizes) >= sum(map(bool, numbers_of(spec)[:-1]))
    for path in sizes:
        assert (values[path].sum(dim=1) == spec.num_tokens).all()
        prefix = values[path][:, : spec.num_prefix_tokens]
        assert (prefix == 1).all()


@given(merging_specs(), DROP)
def test_merging_equal_tokens_changes_nothing(spec: DeiTSpec, drop: bool) -> None:  # noqa: FBT001
    merged = double(spec, drop_unread=drop)
    plain = double(merging(spec, 0))
    with torch.no_grad():  # the patches differ by their positions alone
        merged.pos_embed.zero_()
        plain.load_state_dict(merged.state_dict(), strict=True)
        images = torch.ones_like(images_for(spec).double())
        for ours, theirs in zip(
            outputs_of(merged(images)), outputs_of(plain(images)), strict=True
        ):
            torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


@given(merging_specs(), st.sampled_from(["train", "inference"]))
def test_unread_tokens_can_be_dropped_as_well(spec: DeiTSpec, target: Any) -> None:
    images = images_for(spec).double()
    whole = double(spec, target=target, drop_unread=False)
    part = double(spec, target=target, drop_unread=True)
    part.load_state_dict(whole.state_dict(), strict=True)
    for ours, theirs in zip(
        outputs_of(part(images)), outputs_of(whole(images)), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


@given(merging_specs())
def test_gradients_are_those_of_finite_differences(spec: DeiTSpec) -> None:
    """Along a random direction of the layers that do not change what merges first."""
    assume(not has_ties(spec))
    model, images = double(spec), images_for(spec).double()
    generator = torch.Generator().manual_seed(1)
    used = [p for name, p in model.named_parameters() if "fc" in name or "head" in name]
    along = [torch.randn(p.shape, generator=generator, dtype=p.dtype) for p in used]

    def loss(step: float) -> Tensor:
        with torch.no_grad():
            for parameter, direction in zip(used, along, strict=True):
                parameter.add_(direction, alpha=step)
        return sum(((o**2).sum() for o in outputs_of(model(images))), torch.zeros(()))

    middle = loss(0.0)
    middle.backward()
    slopes = [
        (p.grad * direction).sum()
        for p, direction in zip(used, along, strict=True)
        if p.grad is not None
    ]
    # A norm of two similar channels bends within 1e-6, and a layer scale of 1e-5 would
    # leave a step of 1e-7 within the rounding.
    step = min(1e-3, 1e-7 / (spec.variant.layer_scale or 1))
    with torch.no_grad():
        down, up = float(loss(-step)), float(loss(2 * step))
    # Where the slopes of both sides differ, a step changes what merges.
    wanted = (up - down) / (2 * step)
    left, right = middle.item() - down, up - middle.item()
    assume(left == pytest.approx(right, rel=1e-2, abs=1e-9))
    assert float(sum(slopes)) == pytest.approx(wanted, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("none", [0, [0, 0, 0]])
@pytest.mark.parametrize("target", ["train", "inference"])
def test_zero_is_the_plain_model(none: Any, target: Any) -> None:
    plain = deit_spec.compile(SPEC, target=target)
    for spec, options in (
        (merging(SPEC, none), {}),
        (SPEC, {"merge_tokens": none}),
        (merging(SPEC, 3), {"merge_tokens": none}),
    ):
        compiled = deit_spec.compile(spec, target=target, **options)
        assert compiled.source == plain.source
    assert merging(SPEC, none).digest == SPEC.digest != merging(SPEC, 3).digest


def test_the_option_is_the_field() -> None:
    spec = merging(SPEC, [4, 0, 1])
    compiled = deit_spec.compile(SPEC, merge_tokens=[4, 0, 1])
    assert compiled.source == deit_spec.compile(spec).source
    assert compiled.spec.variant.merge_tokens == (4, 0, 1)


def test_shapes_and_costs_fall() -> None:
    graph = deit_spec.compile(SPEC, merge_tokens=3).graph
    verify(graph)
    shown = [show(graph.shape(f"blocks.{i}.add2")) for i in range(3)]
    assert shown == ["[B, N=15, C=8]", "[B, N=12, C=8]", "[B, N=9, C=8]"]
    macs = [
        total(deit_spec.compile(SPEC, merge_tokens=merged).graph).macs
        for merged in (0, 1, 3, 8)
    ]
    assert all(less < more for more, less in pairwise(macs))


def test_at_most_half_of_the_patches_merge() -> None:
    graph = deit_spec.compile(SPEC, merge_tokens=15).graph
    merged = [op.merged for _, op in graph.ops() if isinstance(op, SumTokens)]
    assert merged == [8, 4, 2]


def test_blocks_share_a_class() -> None:
    """Blocks that differ in their numbers of tokens have the same structure."""
    spec = SPEC.model_copy(update={"depth": 6})
    source = deit_spec.compile(spec, merge_tokens=2).source
    assert source.count("class Mlp(") == 1
    assert source.count("Block(nn.Module)") == 3  # the first, the last, and the others
    source = deit_spec.compile(spec, merge_tokens=[3, 3, 2, 2, 1, 1]).source
    assert source.count("Block(nn.Module)") == 3
    assert "Block(merged=2)" in source


@pytest.mark.parametrize(
    ("merged", "code"),
    [
        (-1, "DS103"),
        (16, "DS214"),
        ([1, 2], "DS214"),
        ([1, 2, 16], "DS214"),
        ("3", "DS102"),
    ],
)
def test_invalid_numbers_are_errors(merged: Any, code: str) -> None:
    with pytest.raises(deit_spec.SpecError) as caught:
        deit_spec.compile(SPEC, merge_tokens=merged)
    assert [each.code for each in caught.value.diagnostics] == [code]


@pytest.mark.slow
def test_merged_models_are_compiled_and_exported() -> None:
    model = deit_spec.load(SPEC, merge_tokens=3, target="inference").eval()
    images, more = images_for(SPEC), images_for(SPEC, batch=5)
    batch = torch.export.Dim("batch", min=1, max=64)
    exported = torch.export.export(model, (images,), dynamic_shapes=({0: batch},))
    torch.testing.assert_close(exported.module()(more), model(more))
    whole: Any = torch.compile(model, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(whole(images), model(images))
