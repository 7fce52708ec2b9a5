"""The spec that a checkpoint's shapes and its config are of, as plain values."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from deit_spec.weights.precedent import Precedent, find_precedent
from deit_spec.weights.shape_info import Facts
from deit_spec.weights.weight_findings import written

HEAD_WIDTH = 64
"""The width of an attention head in every published DeiT but one."""
EPS = 1e-6
_KINDS = {
    str: "a string",
    bool: "a boolean",
    dict: "a mapping",
    list: "a sequence",
    type(None): "null",
}
LAYER_SCALE = 1e-4
"""What layer scale begins with in the published specs of DeiT III."""


@dataclass(frozen=True)
class Proposal:
    """A spec in the making: what the shapes show, what a config says, and the rest.

    What neither says is taken from the published models that are the most alike.
    """

    facts: Facts
    config: Mapping[str, Any]

    @cached_property
    def precedent(self) -> Precedent | None:
        """The published models that are the most alike."""
        return find_precedent(self.facts)

    @cached_property
    def num_heads(self) -> int:
        """The heads of attention."""
        heads: int | None = self.config.get("num_attention_heads")
        if heads is not None:
            return heads
        if self.precedent:
            return self.precedent.specs[0].num_heads
        return nearest_heads(self.facts.embed_dim)

    @cached_property
    def layer_scale(self) -> float | None:
        """What layer scale begins with, None where there is none."""
        if not self.facts.layer_scale:
            return None
        return self._published_scale or LAYER_SCALE

    @property
    def taken(self) -> tuple[str, ...]:
        """The fields that are a published model's."""
        if self.precedent is None:
            return ()
        heads = ["num_heads"] if "num_attention_heads" not in self.config else []
        scale = ["variant.layer_scale"] if self._published_scale else []
        return (*heads, *scale)

    @property
    def values(self) -> dict[str, Any]:
        """The spec; what is as by default in `variant` and of the heads is left out."""
        facts = self.facts
        values: dict[str, Any] = {
            "image_size": facts.image_size,
            "patch_size": facts.patch_size,
            "in_channels": facts.in_channels,
            "embed_dim": facts.embed_dim,
            "depth": facts.depth,
            "num_heads": self.num_heads,
            "mlp_ratio": ratio(facts.embed_dim, facts.mlp_dim),
        }
        if rate := self.config.get("hidden_dropout_prob"):
            values["dropout"] = rate
        for field in ("num_classes", "teacher_num_classes"):
            if (classes := getattr(facts, field)) is not None:
                values[field] = classes
        if variant := dict(self._variant()):
            values["variant"] = variant
        return values

    def _variant(self) -> Iterator[tuple[str, Any]]:
        facts = self.facts
        if not facts.distillation_token:
            yield "distillation_token", False
        if facts.position_embedding != "all":
            yield "position_embedding", facts.position_embedding
        if self.layer_scale is not None:
            yield "layer_scale", self.layer_scale
        if not facts.qkv_bias:
            yield "qkv_bias", False
        if (eps := self.config.get("layer_norm_eps", EPS)) != EPS:
            yield "layer_norm_eps", eps
        heads = (facts.num_classes, facts.teacher_num_classes)
        if None not in heads and heads[0] != heads[1]:
            yield "fusion", "cls"

    @property
    def _published_scale(self) -> float | None:
        if self.precedent is None or not self.facts.layer_scale:
            return None
        return self.precedent.specs[0].variant.layer_scale


def usable(config: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """The numbers of a config that a spec can have; anyone may have written it."""
    found: dict[str, Any] = {}
    heads = config.get("num_attention_heads")
    if divides(heads, facts.embed_dim):
        found["num_attention_heads"] = heads
    for key, least in (("layer_norm_eps", math.ulp(0.0)), ("hidden_dropout_prob", 0)):
        value = config.get(key)
        if type(value) is float and least <= value < 1:
            found[key] = value
    return found


def divides(heads: object, width: int) -> bool:
    """Whether something is a number of heads for a width."""
    return type(heads) is int and heads > 0 and width % heads == 0


def why_no_heads(heads: object, width: int) -> Iterator[str]:
    """Say why what a config has is no number of heads for a width, if it is none."""
    if type(heads) is not int:
        kind = _KINDS.get(type(heads), "a number")
        yield f"{written(heads)} is {kind}, not an integer"
    elif not divides(heads, width):
        yield f"{written(heads)} is no number of heads that divides embed_dim, {width}"


def nearest_heads(width: int) -> int:
    """The heads that make a head's width 64, or the nearest to it that divides.

    >>> nearest_heads(768), nearest_heads(100), nearest_heads(1_048_573)
    (12, 2, 1048573)
    """
    small = [n for n in range(1, math.isqrt(width) + 1) if width % n == 0]
    counts = sorted({*small, *(width // n for n in small)})
    return min(counts, key=lambda n: abs(width / n - HEAD_WIDTH))


def ratio(width: int, hidden: int) -> float:
    """The ratio that gives a hidden width, which is rounded down."""
    exact = hidden / width
    return exact if int(width * exact) == hidden else math.nextafter(exact, math.inf)
