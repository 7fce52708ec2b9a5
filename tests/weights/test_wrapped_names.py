"""Wrappers within names and chunks of blocks are undone, and nothing else is."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from peers import import_timm
from support.checkpoints import (
    DEIT3,
    DISTILLED,
    PLAIN,
    changed,
    codes,
    of_shapes,
    planned,
    same,
    save,
    state_of,
)
from torch import Tensor, nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import (
    checkpoint_wrapper,
)

import deit_spec
from deit_spec.weights import WeightsError, inspect, open_checkpoint
from deit_spec.weights.wrapped_names import WRAPPERS, unwrap_names

DEEP = changed(PLAIN, depth=5)


def loads_as(state: dict[str, Tensor], spec: Any, path: Path) -> None:
    """Whether the checkpoint loads with `strict`, and each tensor is at its place."""
    found = deit_spec.load(spec, weights=path).state_dict()
    assert same(dict(found), state)
    values = inspect(open_checkpoint(path)).values
    assert values["depth"] == deit_spec.load_spec(spec).depth
    assert "qkv_bias" not in values.get("variant", {})


@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method")
@pytest.mark.parametrize("which", [(0,), (1,), (0, 1)])
def test_blocks_that_are_checkpointed_or_compiled(
    which: tuple[int, ...], tmp_path: Path
) -> None:
    """As torch names their parameters; data parallelism is around everything."""
    model = import_timm().models.VisionTransformer(
        img_size=32, patch_size=8, embed_dim=24, depth=2, num_heads=3, num_classes=5
    )
    state = state_of(PLAIN)
    model.load_state_dict(state)
    for index in which:
        model.blocks[index] = torch.compile(checkpoint_wrapper(model.blocks[index]))
    model.blocks[1].attn.qkv = nn.DataParallel(model.blocks[1].attn.qkv)
    whole = torch.compile(nn.DataParallel(model))
    parameters = {name: p.detach() for name, p in whole.named_parameters()}
    wrapped = {part for name in parameters for part in name.split(".")}
    assert {"module", "_orig_mod", "_checkpoint_wrapped_module"} <= wrapped
    path = save({"model": parameters}, tmp_path / "w.pth")
    loads_as(state, PLAIN, path)


@given(st.data())
def test_wrappers_anywhere(data: st.DataObject) -> None:
    """Of any part but the last, which is the tensor; those at the start stay."""
    names = [*state_of(DISTILLED)]
    wrapped = {}
    for name in names:
        first, *others = name.split(".")
        parts = [first]
        for part in others:
            parts += data.draw(st.lists(st.sampled_from(WRAPPERS), max_size=2))
            parts.append(part)
        wrapped[".".join(parts)] = name
    assert unwrap_names(wrapped) == wrapped
    ahead = {f"module.{theirs}": f"module.{name}" for theirs, name in wrapped.items()}
    assert unwrap_names(ahead) == ahead


def test_names_that_would_become_equal_stay() -> None:
    names = ["a.module.b", "a.b", "c.module.d"]
    assert unwrap_names(names) == {name: name for name in names}


def test_a_model_around_another_is_told_from_it(tmp_path: Path) -> None:
    """An average of weights as `module.` beside the model itself: a key chooses."""
    one, other = state_of(PLAIN, 1), state_of(PLAIN, 2)
    both = {f"model.{name}": tensor for name, tensor in one.items()}
    both |= {f"module.{name}": tensor for name, tensor in other.items()}
    path = save(both, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="the file has 2 models"):
        open_checkpoint(path)
    assert same(dict(open_checkpoint(path, entry="module").tensors), other)


def chunked(state: dict[str, Tensor], sizes: list[int], *, anew: bool) -> Any:
    """Names in chunks: blocks count on, as in DINOv2, or anew in each."""
    places = {}
    first = 0
    for chunk, size in enumerate(sizes):
        for index in range(size):
            place = index if anew else first + index
            places[f"blocks.{first + index}."] = f"blocks.{chunk}.{place}."
        first += size
    named = {}
    for name, tensor in state.items():
        start = ".".join(name.split(".")[:2]) + "."
        named[name.replace(start, places.get(start, start), 1)] = tensor
    return named


@pytest.mark.parametrize("anew", [True, False])
@pytest.mark.parametrize("sizes", [[5], [3, 2], [2, 2, 1], [1, 1, 1, 1, 1]])
@pytest.mark.parametrize("prefix", ["", "backbone.", "teacher.module."])
def test_chunks_of_blocks(
    sizes: list[int],
    anew: bool,  # noqa: FBT001
    prefix: str,
    tmp_path: Path,
) -> None:
    state = state_of(DEEP)
    named = chunked(state, sizes, anew=anew)
    path = save({prefix + name: t for name, t in named.items()}, tmp_path / "w.pth")
    loads_as(state, DEEP, path)


def test_a_block_that_is_missing_in_a_chunk_is_not_closed_up(tmp_path: Path) -> None:
    named = chunked(state_of(DEEP), [3, 2], anew=False)
    gone = [name for name in named if name.startswith("blocks.0.1.")]
    for name in gone:
        del named[name]
    path = save(named, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match=r"a blocks\.4, but blocks\.1 is missing"):
        deit_spec.load(DEEP, weights=path)


@pytest.mark.parametrize("name", ["twins_svt_small", "efficientnet_b0"])
def test_networks_in_stages_keep_their_names(name: str) -> None:
    """Their names have two numbers as well: a teacher's must not change."""
    with torch.device("meta"):
        names = [*import_timm().create_model(name, pretrained=False).state_dict()]
    assert any(each.startswith("blocks.0.0.") for each in names)
    assert unwrap_names(names) == {each: each for each in names}


@pytest.mark.parametrize(
    ("spec", "part", "gone"),
    [
        (PLAIN, "blocks.1.", "blocks.1.norm1.weight"),
        (PLAIN, "blocks.0.attn.qkv.", "blocks.0.attn.qkv.bias"),
        (DEIT3, "blocks.0.ls1.", "blocks.0.ls1.gamma"),
    ],
)
def test_an_unknown_wrapper_is_named(spec: Any, part: str, gone: str) -> None:
    """Not "depth is 1" or "qkv_bias is false": these tensors have other names."""
    state = {
        name.replace(part, f"{part}fn.", 1): tensor
        for name, tensor in state_of(spec).items()
    }
    plan = planned(spec, state)
    assert codes(plan) == ["DS412", "DS413"]
    assert gone in plan.missing
    assert gone.replace(part, f"{part}fn.") in plan.left_over
    assert len(plan.missing) == len(plan.left_over)
    values = inspect(of_shapes(state)).values
    assert values["depth"] == 2
    assert "qkv_bias" not in values["variant"]


def test_one_of_three_biases_is_not_an_absent_bias() -> None:
    """It is not said that the weights have none."""
    state = state_of(PLAIN)
    del state["blocks.0.attn.qkv.bias"]
    plan = planned(PLAIN, {**state, "blocks.0.attn.q_bias": torch.zeros(24)})
    assert codes(plan) == ["DS412", "DS413"]


def test_all_blocks_in_an_unknown_wrapper(tmp_path: Path) -> None:
    state = {
        name.replace("blocks.", "blocks.fn."): tensor
        for name, tensor in state_of(PLAIN).items()
    }
    path = save(state, tmp_path / "w.pth")
    with pytest.raises(WeightsError) as caught:
        deit_spec.load(PLAIN, weights=path)
    (found,) = caught.value.diagnostics
    assert found.code == "DS408"
    (note,) = found.notes
    assert note.startswith("other names are unknown: blocks.fn.0.")
