"""The schema of recipes, and its JSON Schema."""

import json
from typing import Any, Literal

from pydantic import BaseModel, Field

from deit_spec.recipe.augmentation_settings import Augmentation
from deit_spec.recipe.data_settings import Data, Statistic
from deit_spec.recipe.loss_settings import Loss
from deit_spec.recipe.optimizer_settings import Optimizer
from deit_spec.recipe.run_settings import Run
from deit_spec.recipe.student_settings import Student
from deit_spec.spec.schema import CONFIG, Count, NotNegative, PositiveInt


class Schedule(BaseModel):
    """The schedule: a linear warm-up of the learning rate, then half a cosine."""

    model_config = CONFIG

    epochs: PositiveInt | None = Field(
        None, description="The number of epochs; 300 if `steps` is not set either."
    )
    steps: PositiveInt | None = Field(
        None,
        description="The number of optimizer steps, instead of `epochs`.",
        examples=[600],
    )
    batch_size: PositiveInt = Field(
        1024,
        description="The number of images per step, over all processes and "
        "accumulation steps.",
    )
    warmup_epochs: NotNegative | None = Field(
        None,
        description="The number of warm-up epochs; 5 if `warmup_steps` is not set "
        "either.",
    )
    warmup_steps: Count | None = Field(
        None,
        description="The number of warm-up steps, instead of `warmup_epochs`.",
        examples=[60],
    )
    warmup_lr: NotNegative = Field(
        1.0e-6,
        description="The learning rate at the first step of the warm-up, not scaled "
        "by the batch size.",
    )
    min_lr: NotNegative = Field(
        1.0e-5,
        description="The learning rate at the end of the cosine, not scaled by the "
        "batch size.",
    )


class Teacher(BaseModel):
    """The model to distil from: one of `timm`, `spec`, `python`, `builtin`."""

    model_config = CONFIG

    timm: str | None = Field(
        None, description="The name of a timm model.", examples=["regnety_160"]
    )
    spec: str | None = Field(
        None,
        description="A spec: a published name, or a path relative to this file; "
        "requires `weights`, unless it is a model folder, such as that of a run.",
        examples=["deit_base_patch16_224"],
    )
    python: str | None = Field(
        None,
        pattern=r"^(?:[^\n]*/)?[A-Za-z_][\w.]*:[A-Za-z_]\w*$",
        description="`package.module:function`, a function that takes the number of "
        "classes and returns a module; requires `--allow-code`. A `folder/` prefix, "
        "relative to this file, is added to the import path.",
        examples=["my_models.teachers:big_convnet"],
    )
    builtin: Literal["digits_convnet", "true_labels"] | None = Field(
        None,
        description="`digits_convnet`: a small convolutional network, trained on the "
        "student's images if it has no `weights`. `true_labels`: the labels "
        "themselves, to measure the effect of a distillation token without a teacher.",
    )
    weights: str | None = Field(
        None,
        description="A checkpoint, as a path relative to this file; null for the "
        "weights that timm downloads.",
        examples=["regnety_160.pth"],
    )
    num_classes: PositiveInt | None = Field(
        None,
        description="The number T of the teacher's classes; null for the number in "
        "its spec, in the weights of a timm model or in the data.",
        examples=[1000],
    )
    image_size: PositiveInt | None = Field(
        None,
        description="The side of the teacher's images, in pixels; null for that of "
        "the student.",
        examples=[288],
    )
    mean: Statistic | None = Field(
        None,
        description="The mean for normalising the teacher's images, one number per "
        "channel; null for the mean that timm or the model folder defines, or else "
        "the student's.",
        examples=[(0.485, 0.456, 0.406)],
    )
    std: Statistic | None = Field(
        None,
        description="The standard deviation for normalising the teacher's images, as "
        "`mean`.",
        examples=[(0.229, 0.224, 0.225)],
    )
    steps: PositiveInt = Field(
        400,
        description="The number of steps of 64 images for training `digits_convnet`.",
    )


class Recipe(BaseModel):
    """A recipe. Strict and frozen; unknown keys are errors."""

    model_config = CONFIG

    student: Student = Field(
        description="The model to train.",
        examples=[{"spec": "deit_tiny_distilled_patch16_224"}],
    )
    teacher: Teacher | None = Field(
        None,
        description="The model to distil from; null if `loss.kind` is `none`.",
    )
    data: Data = Field(
        description="The labelled images.", examples=[{"builtin": "digits"}]
    )
    loss: Loss = Field(Loss(), description="The loss to minimise.")
    optimizer: Optimizer = Field(
        Optimizer(), description="How the weights are updated."
    )
    schedule: Schedule = Field(
        Schedule(),
        description="The length of the training and the learning rate over time.",
    )
    augmentation: Augmentation = Field(
        Augmentation(), description="The augmentation of the images."
    )
    run: Run = Field(Run(), description="How the training runs.")

    @property
    def peak_lr(self) -> float:
        """The peak learning rate, scaled by the batch size (section 5 of the paper)."""
        scale = self.optimizer.lr_batch
        ratio = self.schedule.batch_size / scale if scale else 1
        return self.optimizer.lr * ratio


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a recipe (draft 2020-12), from the pydantic models."""
    made = _untitled(Recipe.model_json_schema())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:deit-spec:recipe",
        "$comment": "Checked only by `deit-spec validate`: the rules between fields, "
        "the specs that a recipe names, and 12.0 where an integer is expected.",
        "title": "deit-spec recipe",
        **made,
    }


def json_schema_text() -> str:
    """Return the JSON Schema of a recipe as text."""
    return json.dumps(json_schema(), indent=2) + "\n"


def _untitled(value: Any) -> Any:
    """Remove the titles, which only repeat the names."""
    if isinstance(value, dict):
        return {
            key: _untitled(item)
            for key, item in value.items()
            if key != "title" or isinstance(item, dict)
        }
    return [_untitled(item) for item in value] if isinstance(value, list) else value
