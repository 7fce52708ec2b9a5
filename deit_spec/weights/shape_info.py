"""What the shapes of a state dict say of the model that it belongs to."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from deit_spec.spec.model_limits import LARGEST
from deit_spec.weights.checkpoint import Sizes
from deit_spec.weights.weight_findings import some

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

_SIZES = (
    "embed_dim",
    "depth",
    "patch_size",
    "image_size",
    "in_channels",
    "num_classes",
    "teacher_num_classes",
)
"""The facts that a spec has fields for, and limits."""


def find_facts(shapes: Mapping[str, Sizes]) -> Facts:
    """Read the facts off shapes under our names.

    Raises:
        NoFactsError: The shapes contradict one another, some are not there, or
            they are beyond what a spec may say.
    """
    depth = _depth(shapes)
    width, channels, patch, other = _rank(shapes, "patch_embed.proj.weight", 4)
    if patch != other:
        raise NoFactsError(f"patches are {patch}×{other}, not square")
    _, rows, _ = _rank(shapes, "pos_embed", 3)
    distilled = "dist_token" in shapes
    positions, grid = _positions(rows, 1 + distilled)
    hidden, _ = _rank(shapes, "blocks.0.mlp.fc1.weight", 2)
    facts = Facts(
        embed_dim=width,
        depth=depth,
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
    _check(facts)
    return facts


def _check(facts: Facts) -> None:
    """See that a spec may have these sizes.

    Raises:
        NoFactsError: It may not.
    """
    sizes = {field: getattr(facts, field) for field in _SIZES}
    for field, size in sizes.items():
        if size == 0:
            raise NoFactsError(f"{field} is 0")
        if size is not None and size > LARGEST[field]:
            raise NoFactsError(
                f"{field} is {size:,}, and the limit is {LARGEST[field]:,}"
            )
    if facts.mlp_dim == 0:
        raise NoFactsError("the MLP has no hidden channel")
    largest = LARGEST["mlp_ratio"]
    if facts.mlp_dim > facts.embed_dim * largest:
        raise NoFactsError(
            f"the MLP is {facts.mlp_dim:,} wide, more than {largest:,} times "
            f"embed_dim, {facts.embed_dim:,}"
        )
    if facts.teacher_num_classes and not facts.distillation_token:
        raise NoFactsError("head_dist.weight is there, and dist_token is not")


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
    if not blocks:
        raise NoFactsError("there are no blocks")
    last = max(blocks)
    if last >= LARGEST["depth"]:
        raise NoFactsError(
            f"there is a blocks.{last}, and the limit of depth is {LARGEST['depth']:,}"
        )
    if absent := [f"blocks.{n}" for n in range(last) if n not in blocks]:
        verb = "is" if len(absent) == 1 else "are"
        raise NoFactsError(f"{some(absent)} {verb} missing, and blocks.{last} is there")
    return len(blocks)


def _classes(shapes: Mapping[str, Sizes], name: str) -> int | None:
    return _rank(shapes, name, 2)[0] if name in shapes else None
