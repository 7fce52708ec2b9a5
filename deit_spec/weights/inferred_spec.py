"""Infer a spec from a checkpoint: from its shapes, its config and published models."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache, cached_property
from typing import Any

from deit_spec import published
from deit_spec.spec import DeiTSpec, check_spec
from deit_spec.weights.shape_info import STRUCTURE, ShapeInfo
from deit_spec.weights.state_dict import Checkpoint

HEAD_WIDTH = 64
"""The width of an attention head in every published DeiT but one."""
EPS = 1e-6
LAYER_SCALE = 1e-4
"""The initial layer scale in the published specs of DeiT III."""

_SIMILARITIES = {
    "it has the same shapes": tuple(field.name for field in fields(ShapeInfo)),
    "its blocks and tables have the same shapes": STRUCTURE,
    "it has the same width, depth and MLP": ("embed_dim", "depth", "mlp_dim"),
}
"""How similar two models may be, the closest first, and what is then the same."""


@dataclass(frozen=True)
class ClosestPublished:
    """The published models that are the closest; the first supplies what is unknown."""

    similarity: str
    specs: tuple[DeiTSpec, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The published names."""
        return tuple(spec.name for spec in self.specs)

    @property
    def is_exact(self) -> bool:
        """Whether every shape is the same."""
        return self.similarity == next(iter(_SIMILARITIES))


def find_closest(info: ShapeInfo) -> ClosestPublished | None:
    """Find the published models that are the closest; None if none is close."""
    for similarity, shared in _SIMILARITIES.items():
        found = tuple(
            spec
            for spec, other in _published()
            if all(getattr(info, name) == getattr(other, name) for name in shared)
        )
        if found:
            return ClosestPublished(similarity, found)
    return None


def info_of(spec: DeiTSpec) -> ShapeInfo:
    """The shape info of a spec's model."""
    variant = spec.variant
    return ShapeInfo(
        embed_dim=spec.embed_dim,
        depth=spec.depth,
        patch_size=spec.patch_size,
        mlp_dim=spec.mlp_dim,
        position_embedding=variant.position_embedding,
        layer_scale=variant.layer_scale is not None,
        qkv_bias=variant.qkv_bias,
        in_channels=spec.in_channels,
        grid_size=spec.grid_size,
        distillation_token=variant.distillation_token,
        num_classes=spec.num_classes,
        teacher_num_classes=spec.teacher_num_classes,
    )


@cache
def _published() -> tuple[tuple[DeiTSpec, ShapeInfo], ...]:
    """Every published model, in the order of `deit-spec list`."""
    specs = (check_spec(name).spec for name in published.names())
    return tuple((spec, info_of(spec)) for spec in specs if spec is not None)


@dataclass(frozen=True)
class InferredSpec:
    """A spec from what the shapes show and a config says.

    What neither has is taken from the closest published model.
    """

    info: ShapeInfo
    config: Mapping[str, Any]

    @cached_property
    def closest(self) -> ClosestPublished | None:
        """The published models that are the closest."""
        return find_closest(self.info)

    @cached_property
    def num_heads(self) -> int:
        """The number of attention heads."""
        heads: int | None = self.config.get("num_attention_heads")
        if heads is not None:
            return heads
        if self.closest:
            return self.closest.specs[0].num_heads
        return nearest_heads(self.info.embed_dim)

    @cached_property
    def layer_scale(self) -> float | None:
        """The initial value of layer scale; None without it."""
        if not self.info.layer_scale:
            return None
        return self._published_scale or LAYER_SCALE

    @property
    def _published_scale(self) -> float | None:
        return self.closest.specs[0].variant.layer_scale if self.closest else None

    @property
    def borrowed(self) -> dict[str, int | float]:
        """The fields that are taken from a published model."""
        found: dict[str, int | float] = {}
        if self.closest and "num_attention_heads" not in self.config:
            found["num_heads"] = self.num_heads
        if self.layer_scale and self._published_scale:
            found["variant.layer_scale"] = self.layer_scale
        return found

    @property
    def spec(self) -> DeiTSpec:
        """The spec, valid whatever the shapes are."""
        return DeiTSpec.model_validate(self.values)

    @property
    def values(self) -> dict[str, Any]:
        """The spec. Defaults of `variant` and null class counts are left out."""
        info = self.info
        values: dict[str, Any] = {
            "image_size": info.image_size,
            "patch_size": info.patch_size,
            "in_channels": info.in_channels,
            "embed_dim": info.embed_dim,
            "depth": info.depth,
            "num_heads": self.num_heads,
            "mlp_ratio": ratio(info.embed_dim, info.mlp_dim),
        }
        if rate := self.config.get("hidden_dropout_prob"):
            values["dropout"] = rate
        for field in ("num_classes", "teacher_num_classes"):
            if (classes := getattr(info, field)) is not None:
                values[field] = classes
        if variant := dict(self._variant()):
            values["variant"] = variant
        return values

    def _variant(self) -> Iterator[tuple[str, Any]]:
        if not self.info.distillation_token:
            yield "distillation_token", False
        if self.info.position_embedding != "all":
            yield "position_embedding", self.info.position_embedding
        if self.layer_scale is not None:
            yield "layer_scale", self.layer_scale
        if not self.info.qkv_bias:
            yield "qkv_bias", False
        if (eps := self.config.get("layer_norm_eps", EPS)) != EPS:
            yield "layer_norm_eps", eps
        if self.info.has_unequal_heads:
            yield "fusion", "cls"


def infer_spec(checkpoint: Checkpoint, info: ShapeInfo) -> InferredSpec:
    """Infer a spec; a config is only used with tensor names of transformers.

    Values that a spec cannot have are ignored: anyone may have written the config.
    """
    config = checkpoint.config if checkpoint.names.scheme.is_hf else {}
    usable: dict[str, Any] = {}
    heads = config.get("num_attention_heads")
    if divides(heads, info.embed_dim):
        usable["num_attention_heads"] = heads
    tiny = math.ulp(0.0)
    for key, least in (
        ("layer_norm_eps", tiny),
        ("hidden_dropout_prob", 0),
        ("attention_probs_dropout_prob", tiny),
    ):
        value = config.get(key)
        if type(value) is float and least <= value < 1:
            usable[key] = value
    return InferredSpec(info, usable)


def divides(heads: object, width: int) -> bool:
    """Whether something is a possible number of heads for a width."""
    return type(heads) is int and heads > 0 and width % heads == 0


def nearest_heads(width: int) -> int:
    """The number of heads whose width is the nearest to 64.

    >>> nearest_heads(768), nearest_heads(100), nearest_heads(1_048_573)
    (12, 2, 1048573)
    """
    small = [n for n in range(1, math.isqrt(width) + 1) if width % n == 0]
    counts = sorted({*small, *(width // n for n in small)})
    return min(counts, key=lambda n: abs(width / n - HEAD_WIDTH))


def ratio(width: int, hidden: int) -> float:
    """The `mlp_ratio` that gives a hidden width, which is rounded down."""
    exact = hidden / width
    return exact if int(width * exact) == hidden else math.nextafter(exact, math.inf)
