"""What tensor shapes say about a model, of a checkpoint as of a layer graph."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache, cached_property
from operator import attrgetter
from typing import TypeVar

from deit_spec import published
from deit_spec.diagnostics import Label
from deit_spec.graph import LayerGraph
from deit_spec.lowering import lower
from deit_spec.ops import Op, Parameter
from deit_spec.spec import DeiTSpec, check_spec
from deit_spec.spec.field_names import SPEC
from deit_spec.spec.model_limits import LARGEST
from deit_spec.weights.checkpoint import Checkpoint, Sizes
from deit_spec.weights.naming_schemes import NO_EFFECT, pattern_of
from deit_spec.weights.weight_findings import help_with_keys, refuse, some
from deit_spec.yaml_source.scalars import value_text

Kind = TypeVar("Kind", bound=Op)
_BLOCK = re.compile(r"blocks\.(\d+)\.")


class ShapeInfoError(Exception):
    """The shapes do not describe a model that a spec can describe."""


@dataclass(frozen=True)
class ShapeInfo:
    """All that tensor shapes show of a model; the number of heads is not part of it."""

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
    def num_prefix_positions(self) -> int:
        """The rows of the position table before those of the patches."""
        if self.position_embedding == "patches":
            return 0
        return 1 + self.distillation_token

    @property
    def mlp_ratio(self) -> float:
        """The `mlp_ratio` that gives the hidden width, which is rounded down."""
        width, hidden = self.embed_dim, self.mlp_dim
        exact = hidden / width
        is_exact = int(width * exact) == hidden
        return exact if is_exact else math.nextafter(exact, math.inf)


@dataclass(frozen=True)
class GraphParameters:
    """The learnable tensors of a graph, and the settings that no shape shows."""

    graph: LayerGraph

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """Every learnable tensor by its state-dict name."""
        return self.graph.tensors()

    @cached_property
    def shapes(self) -> dict[str, Sizes]:
        """The shape of each tensor."""
        return {
            name: tuple(dim.known for dim in parameter.shape)
            for name, parameter in self.parameters.items()
        }

    @cached_property
    def info(self) -> ShapeInfo:
        """What the shapes show."""
        return find_shape_info(self.shapes)

    def ops(self, kind: type[Kind]) -> list[Kind]:
        """The ops of a kind."""
        return [op for _, op in self.graph.ops() if isinstance(op, kind)]

    def label(self, field: str) -> Iterator[Label]:
        """Label the value of a field, if the spec sets it."""
        span = self.graph.places.get(field)
        if span is not None and span.source.text and span.line == span.end_line:
            yield Label(span, "here in the spec")

    def default(self, field: str) -> Iterator[str]:
        """Say what a field is by default, if the spec does not set it."""
        if field not in self.graph.places:
            value = SPEC.default_of(tuple(field.split(".")))
            yield f"`{field}` is {value_text(value)} by default"


def checkpoint_shape_info(checkpoint: Checkpoint) -> ShapeInfo:
    """Read the shape info of a checkpoint, or raise a WeightsError (DS408)."""
    try:
        return find_shape_info(our_shapes(checkpoint) | _unknown_blocks(checkpoint))
    except ShapeInfoError as error:
        message = f"no spec describes a model of these shapes: {error}"
        unknown = _unknown(checkpoint)
        notes = [f"other names are unknown: {some(unknown)}"] if unknown else []
        helps, name = help_with_keys(checkpoint.models), checkpoint.name
        raise refuse("DS408", message, name, notes=notes, helps=helps) from None


def _unknown(checkpoint: Checkpoint) -> list[str]:
    names = checkpoint.names.unknown
    return [name for name in names if not NO_EFFECT.fullmatch(name)]


def _unknown_blocks(checkpoint: Checkpoint) -> dict[str, Sizes]:
    """The blocks with tensors of unknown names: they count for the depth."""
    start = f"{checkpoint.names.scheme.blocks}{{i}}."
    found = map(pattern_of, _unknown(checkpoint))
    return {f"blocks.{i}.?": () for pattern, i in found if pattern.startswith(start)}


def has_unknown_parts(checkpoint: Checkpoint) -> bool:
    """Whether blocks have tensors of unknown names, or only a part of a fused one."""
    names = checkpoint.names
    if names.theirs.keys() != our_shapes(checkpoint).keys():
        return True
    return any(name.startswith(names.scheme.blocks) for name in _unknown(checkpoint))


def our_shapes(checkpoint: Checkpoint) -> dict[str, Sizes]:
    """The shapes under our names; query, key and value are one tensor."""
    shapes: dict[str, Sizes] = {}
    for our, theirs in checkpoint.names.theirs.items():
        found = {checkpoint.shapes.get(their, ()) for their in theirs if their}
        shape = found.pop()
        if len(theirs) == 1:
            shapes[our] = shape
        elif shape and not found:
            first, *others = shape
            shapes[our] = (first * len(theirs), *others)
    return shapes


def find_shape_info(shapes: Mapping[str, Sizes]) -> ShapeInfo:
    """Read the shape info of a model from shapes under our names."""
    width, channels, patch, other = _get(shapes, "patch_embed.proj.weight", 4)
    if patch != other:
        raise ShapeInfoError(f"patches are {patch}×{other}, not square")
    _, rows, _ = _get(shapes, "pos_embed", 3)
    distilled = "dist_token" in shapes
    positions, grid = _positions(rows, 1 + distilled)
    hidden, _ = _get(shapes, "blocks.0.mlp.fc1.weight", 2)
    info = ShapeInfo(
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
    _check(info)
    return info


def _check(info: ShapeInfo) -> None:
    """Check that a spec can have these sizes."""
    names = [each.name for each in fields(info)] + ["image_size"]
    sizes = {n: (getattr(info, n), LARGEST[n]) for n in names if n in LARGEST}
    limit = int(info.embed_dim * LARGEST["mlp_ratio"])
    sizes["the hidden width of the MLP"] = info.mlp_dim, limit
    for field, (size, largest) in sizes.items():
        if size is not None and not 0 < size <= largest:
            raise ShapeInfoError(f"{field} is {size:,}, and the limit is {largest:,}")
    if info.teacher_num_classes and not info.distillation_token:
        raise ShapeInfoError("there is a head_dist.weight without a dist_token")


def _get(shapes: Mapping[str, Sizes], name: str, dimensions: int) -> Sizes:
    if name not in shapes:
        raise ShapeInfoError(f"{name} is missing")
    if len(found := shapes[name]) != dimensions:
        raise ShapeInfoError(f"{name} is {[*found]}, not of {dimensions} dimensions")
    return found


def _positions(rows: int, prefix: int) -> tuple[str, int]:
    """What a position table covers, and the side of its grid."""
    for positions, before in (("all", prefix), ("patches", 0)):
        grid = math.isqrt(max(rows - before, 0))
        if grid and grid**2 == rows - before:
            return positions, grid
    wanted = f"neither a square number nor {prefix} more than one"
    raise ShapeInfoError(f"pos_embed has {rows} rows, which is {wanted}")


def _depth(shapes: Mapping[str, Sizes]) -> int:
    blocks = {int(found.group(1)) for name in shapes if (found := _BLOCK.match(name))}
    if not blocks:
        raise ShapeInfoError("there are no blocks")
    if len(blocks) <= max(blocks):
        last, first = max(blocks), min(set(range(len(blocks))) - blocks)
        raise ShapeInfoError(f"there is a blocks.{last}, but blocks.{first} is missing")
    return len(blocks)


def _classes(shapes: Mapping[str, Sizes], name: str) -> int | None:
    return _get(shapes, name, 2)[0] if name in shapes else None


@cache
def published_models() -> tuple[tuple[DeiTSpec, ShapeInfo], ...]:
    """Every published model, in the order of `deit-spec list`."""
    specs = (check_spec(name).spec for name in published.names())
    return tuple(
        (spec, GraphParameters(lower(spec)).info) for spec in specs if spec is not None
    )


def closest_published(info: ShapeInfo) -> DeiTSpec | None:
    """A published model of the same shapes, or else of the same size."""
    size = attrgetter("embed_dim", "depth", "mlp_dim")
    found = [pair for pair in published_models() if size(pair[1]) == size(info)]
    found.sort(key=lambda pair: pair[1] != info)
    return found[0][0] if found else None
