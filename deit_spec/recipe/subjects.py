"""What a recipe names: who learns, from whom, and from which images."""

from typing import Literal

from pydantic import BaseModel, Field

from deit_spec.recipe.numbers import Count, Statistic
from deit_spec.spec.schema import CONFIG, PositiveInt


class Student(BaseModel):
    """The model that learns."""

    model_config = CONFIG

    spec: str = Field(
        description="A spec, by published name or by a path from this file.",
        examples=["deit_tiny_distilled_patch16_224", "../specs/tiny.yaml"],
    )
    weights: str | None = Field(
        None,
        description="A checkpoint to begin from, by a path from this file; null for "
        "fresh weights. Positions are resampled to another image_size.",
        examples=["deit_tiny.safetensors"],
    )


class Teacher(BaseModel):
    """The model that is learned from: one of `timm`, `spec`, `python`, `builtin`."""

    model_config = CONFIG

    timm: str | None = Field(
        None, description="A model of timm, by name.", examples=["regnety_160"]
    )
    spec: str | None = Field(
        None,
        description="A spec, by published name or by a path from this file; it needs "
        "`weights`.",
        examples=["deit_base_patch16_224"],
    )
    python: str | None = Field(
        None,
        pattern=r"^(?:[^\n]*/)?[A-Za-z_][\w.]*:[A-Za-z_]\w*$",
        description="`package.module:function`, which is called with the number of "
        "classes and returns a module; run only with `--allow-code`. A `folder/` "
        "before it, from this file, is where else the package may be.",
        examples=["my_models.teachers:big_convnet"],
    )
    builtin: Literal["digits_convnet", "true_labels"] | None = Field(
        None,
        description="`digits_convnet`, a small convnet, trained on the student's "
        "own images where it has no `weights`; or `true_labels`, the labels themselves "
        "as a teacher, to see what a second token does without one.",
    )
    weights: str | None = Field(
        None,
        description="A checkpoint, by a path from this file; null for what timm "
        "downloads.",
        examples=["regnety_160.pth"],
    )
    num_classes: PositiveInt | None = Field(
        None,
        description="The number T of classes that the teacher tells apart; null for "
        "what its spec or the data say.",
        examples=[1000],
    )
    image_size: PositiveInt | None = Field(
        None,
        description="The side in pixels of the images that the teacher sees; null for "
        "the student's.",
        examples=[288],
    )
    mean: Statistic | None = Field(
        None,
        description="What the teacher's images are normalised with, a number for each "
        "channel; null for what timm states, else for the student's.",
        examples=[(0.485, 0.456, 0.406)],
    )
    std: Statistic | None = Field(
        None,
        description="The deviations beside `mean`.",
        examples=[(0.229, 0.224, 0.225)],
    )
    steps: PositiveInt = Field(
        400, description="How many steps of 64 images `digits_convnet` is trained for."
    )


class Data(BaseModel):
    """The labelled images: one of `builtin`, `folder`, `dataset`."""

    model_config = CONFIG

    builtin: Literal["digits"] | None = Field(
        None,
        description="`digits`: 1,797 handwritten digits of 8×8 pixels, from "
        "scikit-learn.",
    )
    folder: str | None = Field(
        None,
        description="A folder with a folder of images for each class, or with such "
        "folders under `train` and `val`; by a path from this file.",
        examples=["imagenet"],
    )
    dataset: str | None = Field(
        None,
        description="A dataset of Hugging Face, by name or path.",
        examples=["uoft-cs/cifar10"],
    )
    train_images: PositiveInt | None = Field(
        None,
        description="Train on so many images, as many of each class as can be, chosen "
        "by `run.seed`; null for all.",
        examples=[300],
    )
    val_images: PositiveInt | None = Field(
        None,
        description="Hold out so many images where the data have no validation part; "
        "null for a tenth.",
        examples=[600],
    )
    split_seed: Count = Field(
        0,
        description="What decides which images are held out; no other seed does.",
    )
    mean: Statistic | None = Field(
        None,
        description="What images are normalised with, a number for each channel; null "
        "for ImageNet's, and for digits their own.",
        examples=[(0.485, 0.456, 0.406)],
    )
    std: Statistic | None = Field(
        None,
        description="The deviations beside `mean`.",
        examples=[(0.229, 0.224, 0.225)],
    )
    workers: Count = Field(
        4,
        description="How many processes read images, at most one for each core; "
        "digits stay in memory.",
    )
    unreadable: Count = Field(
        0,
        description="How many images may be unreadable and are skipped, each named; "
        "one more, in any one process, ends the run.",
    )
