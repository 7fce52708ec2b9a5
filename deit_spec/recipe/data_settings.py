"""The section `data` of a recipe: the labelled images."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import BaseModel, Field, PlainSerializer, WithJsonSchema, WrapValidator

from deit_spec.spec.schema import CONFIG, Count, PositiveInt

Statistic = Annotated[
    tuple[float, ...], Field(min_length=1, max_length=4, strict=False)
]
Columns = dict[Literal["image", "label"], str]


def _path_or_list(value: object, validate: Callable[[object], object]) -> object:
    return value if isinstance(value, str) else validate(value)


_TEXT = {"type": "string"}
if TYPE_CHECKING:
    ClassNames: TypeAlias = str | tuple[str, ...]
else:  # a union would report an error for each of its types
    ClassNames = Annotated[
        tuple[str, ...],
        Field(min_length=1, strict=False),
        WrapValidator(_path_or_list),
        PlainSerializer(lambda value: value),
        WithJsonSchema(
            {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}
        ),
    ]


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
        description="An image folder with one folder per class, or with such folders "
        "in its `train` and `val`, as a path relative to this file.",
        examples=["imagenet"],
    )
    dataset: str | None = Field(
        None,
        description="The name or path of a Hugging Face dataset.",
        examples=["uoft-cs/cifar10"],
    )
    train: str | None = Field(
        None,
        description="The split to train on: a folder in `folder`, or a split of "
        "`dataset`; null for `train` or `training`.",
        examples=["training"],
    )
    val: str | None = Field(
        None,
        description="The split to hold out; null for `val`, `valid` or `validation`, "
        "or else for some of the training images.",
        examples=["test"],
    )
    columns: Columns | None = Field(
        None,
        description="The columns of `dataset` to use: a mapping with `image`, `label` "
        "or both; null for the only columns of images and of labels.",
        examples=[{"label": "fine_label"}],
    )
    classes: ClassNames | None = Field(
        None,
        description="The class names in order, as a list or as the path of a label "
        "file relative to this file; null for the order of the data: folders sorted "
        "as strings, or the order of the dataset.",
        examples=[("cat", "dog")],
    )
    only_classes: tuple[str, ...] | None = Field(
        None,
        min_length=1,
        strict=False,
        description="The names of the classes to use; the images of the others are "
        "left out. Null for all classes.",
        examples=[("cat", "dog")],
    )
    train_images: PositiveInt | None = Field(
        None,
        description="The number of training images, balanced over the classes and "
        "selected by `run.seed`; null for all.",
        examples=[300],
    )
    val_images: PositiveInt | None = Field(
        None,
        description="The number of images to hold out if the data has no validation "
        "part; null for a tenth.",
        examples=[600],
    )
    split_seed: Count = Field(
        0,
        description="The seed that selects the held-out images, independent of all "
        "other seeds.",
    )
    sampling: Literal["shuffled", "balanced"] = Field(
        "shuffled",
        description="The images of an epoch: in random order, without an incomplete "
        "last batch (`shuffled`), or as many of each class, drawn with replacement "
        "(`balanced`).",
    )
    mean: Statistic | None = Field(
        None,
        description="The mean for normalising images, one number per channel; null "
        "for that of ImageNet, or of the digits.",
        examples=[(0.485, 0.456, 0.406)],
    )
    std: Statistic | None = Field(
        None,
        description="The standard deviation for normalising images, as `mean`.",
        examples=[(0.229, 0.224, 0.225)],
    )
    workers: Count = Field(
        4,
        description="The number of processes that read images, at most one per core; "
        "digits are kept in memory.",
    )
    unreadable: Count = Field(
        0,
        description="The number of unreadable images to skip and report; if any one "
        "process finds more, the run ends with an error.",
    )
