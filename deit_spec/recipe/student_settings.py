"""The section `student` of a recipe: the model to train."""

from pydantic import BaseModel, Field

from deit_spec.spec.schema import CONFIG


class Student(BaseModel):
    """The model to train."""

    model_config = CONFIG

    spec: str = Field(
        description="A spec: a published name, or a path relative to this file.",
        examples=["deit_tiny_distilled_patch16_224", "../specs/tiny.yaml"],
    )
    weights: str | None = Field(
        None,
        description="A checkpoint to start from, as a path relative to this file; "
        "null for random initialisation. Positions are resampled if the image size "
        "differs.",
        examples=["deit_tiny.safetensors"],
    )
