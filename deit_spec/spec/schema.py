"""The schema: the ten fields of `build_opt`, and the switches around them."""

import hashlib
import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

PositiveInt = Annotated[int, Field(gt=0)]
Rate = Annotated[float, Field(ge=0, lt=1)]

_CONFIG = ConfigDict(
    strict=True,
    frozen=True,
    extra="forbid",
    allow_inf_nan=False,
)

NAME_PATTERN = r"^\w[\w.+-]*$"


class Variant(BaseModel):
    """What the published DeiT and DeiT III models need beyond `build_opt`."""

    model_config = _CONFIG

    distillation_token: bool = True
    """Whether a second token learns from a teacher; without it N = P + 1."""
    position_embedding: Literal["all", "patches"] = "all"
    """What the position table covers: every token, or the patches alone (DeiT III)."""
    layer_scale: Annotated[float, Field(gt=0)] | None = None
    """The first value of a learnable scale per channel on each residual branch."""
    drop_path: Rate = 0.0
    """Stochastic depth, rising from 0 at the first block to this at the last."""
    qkv_bias: bool = True
    """Whether the fused query, key and value projection has a bias."""
    layer_norm_eps: Annotated[float, Field(gt=0)] = 1.0e-6
    """What every LayerNorm adds to the variance."""
    readout: Literal["cls", "mean_tokens"] = "cls"
    """What a lone head reads: the class token, or the mean of both tokens."""
    init: Literal["deit", "fan_in"] = "deit"
    """How weights begin: std 0.02 throughout, or std fan-in^-1/2 for small widths."""
    fusion: Literal["mean_logits", "mean_softmax", "cls", "dist"] = "mean_logits"
    """How `predict` joins two heads."""


class DeiTSpec(BaseModel):
    """A DeiT model. Strict and frozen; an unknown key is an error.

    Making one directly checks each field by itself. The rules between fields
    are checked where a spec is loaded, lowered or compiled.
    """

    model_config = _CONFIG

    image_size: PositiveInt = 224
    """The side of the square image, in pixels."""
    patch_size: PositiveInt = 16
    """The side of a square patch, in pixels; divides image_size."""
    in_channels: PositiveInt = 3
    """The channels of the image."""
    embed_dim: PositiveInt = 768
    """The width C of a token."""
    depth: PositiveInt = 12
    """The number of transformer blocks."""
    num_heads: PositiveInt = 12
    """The number H of attention heads; divides embed_dim."""
    mlp_ratio: Annotated[float, Field(gt=0)] = 4.0
    """The MLP's hidden width as a multiple of embed_dim."""
    dropout: Rate = 0.0
    """The rate after the position embedding, the attention projection and the MLP."""
    num_classes: PositiveInt | None = None
    """The classes K of the head on the class token; null for no head."""
    teacher_num_classes: PositiveInt | None = None
    """The classes T of the head on the distillation token; null for no such head."""
    name: Annotated[str, Field(pattern=NAME_PATTERN, max_length=60)] = "deit"
    """What messages, diagrams and generated code call the model."""
    extends: str | None = None
    """Another spec, whose values hold where this one has none."""
    variant: Variant = Variant()
    """The switches of the published models."""

    @property
    def grid_size(self) -> int:
        """Patches along one side of the image."""
        return self.image_size // self.patch_size

    @property
    def num_patches(self) -> int:
        """Patches P of an image."""
        return self.grid_size**2

    @property
    def num_prefix_tokens(self) -> int:
        """Tokens before the patches: the class token, and the distillation token."""
        return 2 if self.variant.distillation_token else 1

    @property
    def num_tokens(self) -> int:
        """Tokens N of the sequence."""
        return self.num_patches + self.num_prefix_tokens

    @property
    def head_dim(self) -> int:
        """Width D of an attention head."""
        return self.embed_dim // self.num_heads

    @property
    def mlp_dim(self) -> int:
        """Hidden width M of the MLP, rounded down."""
        return int(self.embed_dim * self.mlp_ratio)

    @property
    def has_two_heads(self) -> bool:
        """Whether the model returns a class and a distillation output."""
        return self.num_classes is not None and self.teacher_num_classes is not None

    @property
    def digest(self) -> str:
        """A hash of what the spec says, whatever its name and layout."""
        content = self.model_dump_json(exclude={"name", "extends"})
        return hashlib.sha256(content.encode()).hexdigest()[:12]


def output_size(spec: DeiTSpec) -> int:
    """The width of the class output: `num_classes` if set, else `embed_dim`."""
    return spec.embed_dim if spec.num_classes is None else spec.num_classes


def plain_name(stem: str) -> str:
    """Make a name of a file's stem.

    >>> plain_name("my model (2)")
    'my_model__2'
    """
    return re.sub(r"[^\w.+-]", "_", stem)[:60].strip("_.+-") or "deit"
