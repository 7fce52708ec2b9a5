"""The section `student` of a recipe: the model to train."""

from typing import Literal

from pydantic import BaseModel, Field

from deit_spec.spec.schema import CONFIG, PositiveInt
from deit_spec.spec.weight_permissions import Permission

SPEC_FIELDS = ("num_classes", "teacher_num_classes", "image_size")
"""The fields that replace those of the student's spec."""


class Student(BaseModel):
    """The model to train."""

    model_config = CONFIG

    spec: str = Field(
        description="A spec: a published name, or a path relative to this file.",
        examples=["deit_tiny_distilled_patch16_224", "../specs/tiny.yaml"],
    )
    num_classes: PositiveInt | None = Field(
        None,
        description="The number of classes of the class head, instead of that in the "
        "spec; null for the number in the spec.",
        examples=[37],
    )
    teacher_num_classes: PositiveInt | None = Field(
        None,
        description="The number of classes of the distillation head, as `num_classes`.",
        examples=[1000],
    )
    image_size: PositiveInt | None = Field(
        None,
        description="The side of the images in pixels, as `num_classes`.",
        examples=[384],
    )
    weights: str | None = Field(
        None,
        description="A checkpoint or a model folder to start from, such as that of a "
        "run, as a path relative to this file; null for random initialisation.",
        examples=["deit_tiny.safetensors"],
    )
    allow: tuple[Permission, ...] = Field(
        ("resample", "drop"),
        strict=False,
        description="What may be changed to fit `weights`: `resample` positions for "
        "another image size, new `heads` for other classes, other `channels`, add or "
        "remove the `distillation` token, and `drop` tensors that have no effect.",
        examples=[("heads", "resample")],
    )
    train: Literal["all", "attention", "heads"] = Field(
        "all",
        description="What is trained: everything, attention with positions and heads, "
        "or only the heads (linear probing). All else is frozen.",
    )
    freeze: tuple[str, ...] = Field(
        (),
        strict=False,
        description="Further parts to freeze: names of parameters, and parts of the "
        "model by their path, such as `patch_embed`, `blocks.0-8` or "
        "`blocks.*.attn`.",
        examples=[("patch_embed", "blocks.0-8")],
    )
