"""What the shapes of a state dict say of the model that it belongs to."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from deit_spec.weights.checkpoint import Sizes

_BLOCK = re.compile(r"blocks\.(\d+)\.")


class NoFactsError(Exception):
    """The shapes are of no model that a spec can say."""


@dataclass(frozen=True)
class Facts:
    """The sizes and switches of a model, all but its heads' count."""

    embed_dim: int
    depth: int
    patch_size: int
    mlp_dim: int
    position_embedding: str
    layer_scale: bool
    qkv_bias: bool
    in_channels: int
    grid_size: int
    distillation_token: bool
    num_classes: int | None
    teacher_num_classes: int | None

    @property
    def image_size(self) -> int:
        """The side of the image in pixels."""
        return self.grid_size * self.patch_size

    @property
    def prefix(self) -> int:
        """The rows of the position table that are no patch's."""
        if self.position_embedding == "patches":
            return 0
        return 1 + self.distillation_token


STRUCTURE = (
    "embed_dim",
    "depth",
    "patch_size",
    "mlp_dim",
    "position_embedding",
    "layer_scale",
    "qkv_bias",
)
"""The facts that no rule changes: both sides must have the same."""


def find_facts(shapes: Mapping[str, Sizes]) -> Facts:
    """Read the facts off shapes under our names.

    Raises:
        NoFactsError: The shapes contradict one another, or some are not there.
    """
    width, channels, patch, other = _rank(shapes, "patch_embed.proj.weight", 4)
    if patch != other:
        raise NoFactsError(f"patches are {patch}×{other}, not square")
    _, rows, _ = _rank(shapes, "pos_embed", 3)
    distilled = "dist_token" in shapes
    positions, grid = _positions(rows, 1 + distilled)
    hidden, _ = _rank(shapes, "blocks.0.mlp.fc1.weight", 2)
    facts = Facts(
        embed_dim=width,
        depth=_depth(shapes),
        patch_size=patch,
        mlp_dim=hidden,
        position_embedding=positions,
        layer_scale="blocks.0.ls1.gamma" in shapes,
        qkv_bias="blocks.0.attn.qkv.bias" in shapes,
        in_channels=channels,
        grid_size=grid,
        distillation_token=distilled,
        num_classes=_classes(shapes, "head.weight"),
        teacher_num_classes=_classes(shapes, "head_dist.weight"),
    )
    if 0 in (width, channels, patch, hidden):
        raise NoFactsError("a size is zero")
    return facts


def _rank(shapes: Mapping[str, Sizes], name: str, rank: int) -> Sizes:
    if name not in shapes:
        raise NoFactsError(f"{name} is not there")
    if len(shapes[name]) != rank:
        raise NoFactsError(f"{name} is {list(shapes[name])}, not of {rank} dimensions")
    return shapes[name]


def _positions(rows: int, prefix: int) -> tuple[str, int]:
    """What a position table covers, and the side of its grid."""
    for positions, before in (("all", prefix), ("patches", 0)):
        grid = math.isqrt(max(rows - before, 0))
        if grid and grid**2 == rows - before:
            return positions, grid
    raise NoFactsError(
        f"pos_embed has {rows} rows, which is no square grid with or without "
        f"{prefix} before it"
    )


def _depth(shapes: Mapping[str, Sizes]) -> int:
    blocks = {int(found.group(1)) for name in shapes if (found := _BLOCK.match(name))}
    if blocks != set(range(len(blocks))):
        raise NoFactsError(f"blocks are not numbered 0 to {len(blocks) - 1}")
    return len(blocks)


def _classes(shapes: Mapping[str, Sizes], name: str) -> int | None:
    return _rank(shapes, name, 2)[0] if name in shapes else None
