"""The schema of specs: the ten fields of `build_opt`, and the options in `variant`."""

import hashlib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    WrapValidator,
)

from deit_spec.notebook_display import DrawnInNotebook
from deit_spec.spec.spec_table import spec_table

NAME_PATTERN = r"^\w[\w.+-]*$"

PositiveInt = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Rate = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Fusion = Literal["mean_logits", "mean_softmax", "cls", "dist"]
TAP_PATTERN = r"^[A-Za-z0-9_*]+(\.[A-Za-z0-9_*]+)*$"
Tap = Annotated[str, Field(pattern=TAP_PATTERN, max_length=100)]
Taps = Annotated[tuple[Tap, ...], Field(max_length=32, strict=False)]


def _each(value: object, validate: Callable[[object], object]) -> object:
    if isinstance(value, list | tuple):
        return tuple(validate(item) for item in value)
    return validate(value)


_COUNT = {"type": "integer", "minimum": 0}
if TYPE_CHECKING:
    MergeTokens: TypeAlias = int | tuple[int, ...]
else:  # a union would report an error for each of its types
    MergeTokens = Annotated[
        int,
        Field(ge=0),
        WrapValidator(_each),
        PlainSerializer(lambda value: value),
        WithJsonSchema({"anyOf": [_COUNT, {"type": "array", "items": _COUNT}]}),
    ]
Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=60)]

CONFIG = ConfigDict(
    strict=True,
    frozen=True,
    extra="forbid",
    allow_inf_nan=False,
)
"""The configuration of all models that validate user input."""


class Variant(BaseModel):
    """Options of the published DeiT and DeiT III models that `build_opt` lacks."""

    model_config = CONFIG

    distillation_token: bool = Field(
        default=True,
        description="Whether there is a second learnable token that learns from a "
        "teacher. With it there are P + 2 tokens, without it P + 1.",
    )
    position_embedding: Literal["all", "patches"] = Field(
        "all",
        description="The tokens that the learnable position table covers: all N "
        "tokens, or only the P patches, in which case it is added before the prefix "
        "tokens are prepended (DeiT III).",
    )
    layer_scale: PositiveFloat | None = Field(
        None,
        description="The initial value of a learnable factor for each of the C "
        "channels on every residual branch; null for no such factor.",
        examples=[1.0e-4],
    )
    drop_path: Rate = Field(
        0.0,
        description="The probability of skipping a residual branch of the last block "
        "in training (stochastic depth). The rate rises linearly from 0 at the first "
        "block.",
        examples=[0.1],
    )
    qkv_bias: bool = Field(
        default=True,
        description="Whether the fused query, key and value projection has a bias.",
    )
    layer_norm_eps: PositiveFloat = Field(
        1.0e-6,
        description="The epsilon of every LayerNorm.",
        examples=[1.0e-12],
    )
    readout: Literal["cls", "mean_tokens"] = Field(
        "cls",
        description="What a single head reads: the class token, or the mean of the "
        "class and distillation tokens.",
    )
    init: Literal["deit", "fan_in"] = Field(
        "deit",
        description="The initialisation of weights: std 0.02 everywhere, or std "
        "fan-in^-1/2 with 0.5 for tokens and positions, for small widths.",
    )
    merge_tokens: MergeTokens = Field(
        0,
        description="The number of patch tokens that merge with similar ones in every "
        "block, or a list with a number for each block. At most half of the patches "
        "merge in a block.",
        examples=[13],
    )
    fusion: Fusion | None = Field(
        None,
        description="How `predict` combines two heads: the mean of their logits or of "
        "their probabilities, or only one head; null for mean_logits, or for cls if "
        "their class counts differ.",
    )


class DeiTSpec(BaseModel, DrawnInNotebook):
    """A spec of a DeiT model. Strict and frozen; unknown keys are errors.

    The constructor only checks each field separately. The rules between fields are
    checked when a spec is loaded, lowered or compiled.
    """

    model_config = CONFIG

    image_size: PositiveInt = Field(
        224, description="The side of the square image, in pixels.", examples=[384]
    )
    patch_size: PositiveInt = Field(
        16,
        description="The side of a square patch, in pixels; must divide image_size. "
        "An image has P = (image_size / patch_size)^2 patches.",
        examples=[14],
    )
    in_channels: PositiveInt = Field(
        3, description="The number of image channels, such as 3 for RGB.", examples=[1]
    )
    embed_dim: PositiveInt = Field(
        768, description="The width C of a token.", examples=[192, 384]
    )
    depth: PositiveInt = Field(
        12, description="The number L of transformer blocks.", examples=[24]
    )
    num_heads: PositiveInt = Field(
        12,
        description="The number H of attention heads; must divide embed_dim. Each "
        "head is D = C / H wide.",
        examples=[3, 6],
    )
    mlp_ratio: PositiveFloat = Field(
        4.0,
        description="The hidden width M of the MLP as a multiple of embed_dim; the "
        "product is rounded down.",
        examples=[3.5],
    )
    dropout: Rate = Field(
        0.0,
        description="The dropout rate after the position embedding, after the "
        "attention projection and after both linear layers of the MLP.",
        examples=[0.1],
    )
    num_classes: PositiveInt | None = Field(
        None,
        description="The number K of classes of the head on the class token; null for "
        "no head.",
        examples=[1000],
    )
    teacher_num_classes: PositiveInt | None = Field(
        None,
        description="The number T of classes of the head on the distillation token; "
        "null for no such head.",
        examples=[1000],
    )
    name: Name = Field(
        "deit",
        description="The name of the model in messages, diagrams and generated code.",
        examples=["birds"],
    )
    extends: str | None = Field(
        None,
        description="A base spec: a published name, or a path relative to this file. "
        "Fields that this spec does not set are inherited.",
        examples=["deit_base_patch16_224", "../base.yaml"],
    )
    taps: Taps = Field(
        (),
        description="The values that `forward` also returns, as paths of layers in "
        "which `*` is any part of a name.",
        examples=[("blocks.11.attn.weights.cls",)],
    )
    variant: Variant = Field(
        Variant(), description="The options of the published models."
    )

    @property
    def grid_size(self) -> int:
        """The number of patches along one side of the image."""
        return self.image_size // self.patch_size

    @property
    def num_patches(self) -> int:
        """The number P of patches in an image."""
        return self.grid_size**2

    @property
    def num_prefix_tokens(self) -> int:
        """The number of tokens before the patches: class and distillation token."""
        return 2 if self.variant.distillation_token else 1

    @property
    def num_tokens(self) -> int:
        """The number N of tokens in the sequence."""
        return self.num_patches + self.num_prefix_tokens

    @property
    def head_dim(self) -> int:
        """The width D of an attention head."""
        return self.embed_dim // self.num_heads

    @property
    def mlp_dim(self) -> int:
        """The hidden width M of the MLP, rounded down."""
        return int(self.embed_dim * self.mlp_ratio)

    @property
    def has_two_heads(self) -> bool:
        """Whether the model returns a class and a distillation output."""
        return self.num_classes is not None and self.teacher_num_classes is not None

    @property
    def fusion(self) -> Fusion:
        """How `predict` combines two heads: `variant.fusion`, or its default."""
        if self.variant.fusion is not None:
            return self.variant.fusion
        is_equal = self.num_classes == self.teacher_num_classes
        return "mean_logits" if is_equal or not self.has_two_heads else "cls"

    @property
    def merges_tokens(self) -> bool:
        """Whether any block merges patch tokens."""
        merged = self.variant.merge_tokens
        return any(merged) if isinstance(merged, tuple) else merged > 0

    @property
    def digest(self) -> str:
        """A hash of the model, independent of the name and the layout of the spec.

        Taps are not part of it, because they change neither weights nor predictions.
        """
        variant = self.variant.model_copy(update={"fusion": self.fusion})
        spec = self.model_copy(update={"variant": variant})
        exclude: dict[str, Any] = dict.fromkeys(("name", "extends", "taps"), True)
        if not self.merges_tokens:
            exclude["variant"] = {"merge_tokens"}  # as before there was this field
        content = spec.model_dump_json(exclude=exclude)
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    def _repr_html_(self) -> str:
        return spec_table(self)


TOP = tuple(DeiTSpec.model_fields)
VARIANT = tuple(Variant.model_fields)
FIELDS = (*TOP, *(f"variant.{name}" for name in VARIANT))
"""Every field as messages call it."""


def output_size(spec: DeiTSpec) -> int:
    """The width of the class output: `num_classes` if set, else `embed_dim`."""
    return spec.embed_dim if spec.num_classes is None else spec.num_classes


def plain_name(stem: str) -> str:
    """Convert the stem of a file to a valid name.

    >>> plain_name("my model (2)")
    'my_model__2'
    """
    return re.sub(r"[^\w.+-]", "_", stem)[:60].strip("_.+-") or "deit"
