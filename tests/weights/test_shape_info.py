"""Shapes that no spec describes are refused, at the limits of a spec."""

from dataclasses import replace

import pytest
import torch
from support.checkpoints import (
    PLAIN,
    of_shapes,
    planned,
    shapes_alone,
    state_of,
)

import deit_spec
from deit_spec import DeiTSpec
from deit_spec.spec.model_limits import LARGEST
from deit_spec.weights import (
    WeightsError,
    inspect,
)
from deit_spec.weights.shape_info import (
    GraphParameters,
    ShapeInfoError,
    find_shape_info,
)


@pytest.mark.parametrize(
    ("name", "shape", "words"),
    [
        ("patch_embed.proj.weight", (2**40, 3, 8, 8), "embed_dim is 1,099,511,627,776"),
        ("patch_embed.proj.weight", (24, 2**40, 8, 8), "in_channels is 1,099,511,627"),
        ("patch_embed.proj.weight", (24, 3, 2**24, 2**24), "patch_size is 16,777,216"),
        ("patch_embed.proj.weight", (24, 3, 0, 0), "patch_size is 0"),
        ("pos_embed", (1, 1 + 2**56, 24), "image_size is 2,147,483,648"),
        ("head.weight", (2**40, 24), "num_classes is 1,099,511,627,776"),
        ("head.weight", (0, 24), "num_classes is 0"),
        (
            "blocks.0.mlp.fc1.weight",
            (2**40, 24),
            "the hidden width of the MLP is 1,099,511,627,776",
        ),
        ("blocks.0.mlp.fc1.weight", (0, 24), "the hidden width of the MLP is 0"),
        ("blocks.999999.norm1.bias", (24,), "there is a blocks.999999"),
        (
            "head_dist.weight",
            (5, 24),
            "there is a head_dist.weight without a dist_token",
        ),
        ("blocks.3.norm1.bias", (24,), "there is a blocks.3, but blocks.2 is missing"),
        (
            "blocks.8.norm1.bias",
            (24,),
            "there is a blocks.8, but blocks.2 is missing",
        ),
    ],
)
def test_shapes_beyond_any_spec_are_refused(
    name: str, shape: tuple[int, ...], words: str
) -> None:
    """At the limits of a spec, before anything of that size is made."""
    state = {
        **shapes_alone(PLAIN),
        name: torch.empty(1).as_strided(shape, [0] * len(shape)),
    }
    with pytest.raises(WeightsError) as caught:
        inspect(of_shapes(state))
    (found,) = caught.value.diagnostics
    assert found.code == "DS408"
    assert words in found.message


@pytest.mark.parametrize("field", ["embed_dim", "image_size", "num_classes"])
def test_the_limits_of_a_spec_are_those_of_shapes(field: str) -> None:
    """The largest value of a spec is found; the next one is refused."""
    largest = LARGEST[field]
    spec = DeiTSpec(patch_size=1, num_heads=1, image_size=4, num_classes=5)
    info = GraphParameters(deit_spec.lower(spec)).info
    name = {"image_size": "grid_size"}.get(field, field)
    for size in (largest, largest + 1):
        wanted = replace(info, **{name: size}, mlp_dim=size)
        state = {
            "patch_embed.proj.weight": (wanted.embed_dim, 3, 1, 1),
            "pos_embed": (1, wanted.grid_size**2 + 2, wanted.embed_dim),
            "dist_token": (1, 1, wanted.embed_dim),
            "blocks.0.mlp.fc1.weight": (wanted.embed_dim, wanted.embed_dim),
            "head.weight": (wanted.num_classes or 1, wanted.embed_dim),
        }
        if size == largest:
            assert getattr(find_shape_info(state), field) == largest
        else:
            with pytest.raises(ShapeInfoError, match=f"limit is {largest:,}"):
                find_shape_info(state)


def test_a_missing_position_table() -> None:
    state = state_of(PLAIN)
    del state["pos_embed"]
    with pytest.raises(WeightsError, match="pos_embed is missing") as caught:
        inspect(of_shapes(state))
    assert caught.value.diagnostics[0].code == "DS408"


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("patch_embed.proj.weight", (24, 3, 8, 4)),
        ("patch_embed.proj.weight", (24, 192)),
        ("pos_embed", (1, 15, 24)),
        ("pos_embed", (1, 13, 24)),
        ("blocks.0.mlp.fc1.weight", (96,)),
        ("blocks.9.norm1.bias", (24,)),
    ],
)
def test_shapes_of_no_model(name: str, shape: tuple[int, ...]) -> None:
    state = {**state_of(PLAIN), name: torch.zeros(shape)}
    with pytest.raises(WeightsError) as caught:
        planned(PLAIN, state)
    assert [each.code for each in caught.value.diagnostics] == ["DS408"]
