"""Positions on another grid are torch's bicubic interpolation; prefixes stay."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.checkpoints import save
from torch import Tensor
from torch.nn.functional import interpolate

import deit_spec
from deit_spec.weights import resample


def wanted(grid: Tensor, side: int, *, antialias: bool = False) -> Tensor:
    """Written out: rows of the table are pixels, row by row."""
    old = round(grid.shape[1] ** 0.5)
    image = torch.empty(1, grid.shape[2], old, old, dtype=grid.dtype)
    for row in range(old):
        for column in range(old):
            image[0, :, row, column] = grid[0, row * old + column]
    image = interpolate(
        image,
        size=(side, side),
        mode="bicubic",
        align_corners=False,
        antialias=antialias,
    )
    return torch.stack(
        [image[0, :, i // side, i % side] for i in range(side * side)]
    ).unsqueeze(0)


@given(
    prefix=st.integers(0, 2),
    old=st.integers(1, 9),
    new=st.integers(1, 9),
    width=st.integers(1, 5),
    antialias=st.booleans(),
)
def test_any_ratio(
    prefix: int,
    old: int,
    new: int,
    width: int,
    antialias: bool,  # noqa: FBT001
) -> None:
    table = torch.randn(1, prefix + old * old, width)
    found = resample(
        table, prefix=(prefix, prefix), grid=(old, new), antialias=antialias
    )
    assert torch.equal(found[:, :prefix], table[:, :prefix])
    if old == new:
        assert torch.equal(found, table)
        return
    torch.testing.assert_close(
        found[:, prefix:], wanted(table[:, prefix:], new, antialias=antialias)
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_dtypes(dtype: torch.dtype) -> None:
    table = torch.randn(1, 18, 3).to(dtype)
    found = resample(table, prefix=(2, 2), grid=(4, 6))
    assert found.dtype == dtype
    exact = resample(table.double(), prefix=(2, 2), grid=(4, 6))
    torch.testing.assert_close(found.double(), exact, rtol=1e-2, atol=1e-2)
    assert torch.equal(found[:, :2], table[:, :2])


@pytest.mark.parametrize("size", [384, 112])
@pytest.mark.parametrize("distilled", [True, False])
@pytest.mark.parametrize("antialias", [False, True])
def test_published_sizes(
    size: int,
    distilled: bool,  # noqa: FBT001
    antialias: bool,  # noqa: FBT001
    tmp_path: Path,
) -> None:
    """224 to 384 and to 112: 14×14 to 24×24 and to 7×7, as a whole model loads them."""
    spec = {
        "embed_dim": 192,
        "depth": 1,
        "num_heads": 3,
        "num_classes": 5,
        "variant": {"distillation_token": distilled},
    }
    if distilled:
        spec["teacher_num_classes"] = 5
    state = dict(deit_spec.load(spec).state_dict())
    path = save({"model": state}, tmp_path / "w.pth")
    other = {**spec, "image_size": size}
    with pytest.raises(deit_spec.WeightsError, match="DS414"):
        deit_spec.load(other, weights=path)
    model = deit_spec.load(other, weights=path, allow={"resample"}, antialias=antialias)
    positions = model.state_dict()["pos_embed"]
    prefix, side = 1 + distilled, size // 16
    assert positions.shape == (1, prefix + side * side, 192)
    assert torch.equal(positions[:, :prefix], state["pos_embed"][:, :prefix])
    grid = state["pos_embed"][:, prefix:]
    image = grid.reshape(1, 14, 14, 192).permute(0, 3, 1, 2)
    image = interpolate(
        image,
        size=(side, side),
        mode="bicubic",
        align_corners=False,
        antialias=antialias,
    )
    assert torch.equal(positions[:, prefix:], image.flatten(2).transpose(1, 2))
    for name, tensor in model.state_dict().items():
        assert name == "pos_embed" or torch.equal(tensor, state[name])
    assert model(torch.zeros(1, 3, size, size))[0].isfinite().all()
