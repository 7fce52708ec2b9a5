"""The numbers that the fields of a recipe take."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from deit_spec.spec.schema import CONFIG, PositiveFloat, PositiveInt, Rate

NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Part = Annotated[float, Field(gt=0, le=1)]
Statistic = Annotated[
    tuple[float, ...], Field(min_length=1, max_length=4, strict=False)
]


class Loss(BaseModel):
    """What is minimised: `(1 - alpha) * labels + alpha * teacher`."""

    model_config = CONFIG

    kind: Literal["none", "soft", "hard"] = Field(
        "hard",
        description="What is learned from the teacher: its decisions (hard, equation "
        "3), its probabilities (soft, equation 2), or nothing.",
    )
    alpha: Share = Field(0.5, description="The weight of the teacher's term.")
    tau: PositiveFloat = Field(
        1.0, description="The temperature of soft distillation.", examples=[3.0]
    )
    label_smoothing: Rate = Field(
        0.1, description="How much of a true label goes to all classes alike."
    )


class Optimizer(BaseModel):
    """AdamW. Biases, norms, tokens, positions and layer scales do not decay."""

    model_config = CONFIG

    lr: PositiveFloat = Field(
        5.0e-4, description="The highest learning rate, for `lr_batch` images a step."
    )
    lr_batch: PositiveInt | None = Field(
        512,
        description="The rate is multiplied by batch_size / lr_batch; null for no such "
        "scaling.",
    )
    weight_decay: NotNegative = Field(0.05, description="The decay of weights.")
    betas: tuple[Rate, Rate] = Field(
        (0.9, 0.999), strict=False, description="AdamW's betas."
    )
    eps: PositiveFloat = Field(1.0e-8, description="AdamW's epsilon.")
    clip: PositiveFloat | None = Field(
        None,
        description="The largest norm of the gradient of all weights; null for any.",
        examples=[1.0],
    )


class Schedule(BaseModel):
    """How long, and the rate on the way: a linear warm-up, then half a cosine."""

    model_config = CONFIG

    epochs: PositiveInt | None = Field(
        None, description="How often every image is seen; 300 where no `steps` is set."
    )
    steps: PositiveInt | None = Field(
        None,
        description="How many steps of the optimizer, in place of `epochs`.",
        examples=[600],
    )
    batch_size: PositiveInt = Field(
        1024, description="The images of a step, over all processes and accumulation."
    )
    warmup_epochs: NotNegative | None = Field(
        None,
        description="How many epochs the rate rises; 5 where no `warmup_steps` is set.",
    )
    warmup_steps: Count | None = Field(
        None,
        description="How many steps the rate rises, in place of `warmup_epochs`.",
        examples=[60],
    )
    warmup_lr: NotNegative = Field(
        1.0e-6, description="The rate at the first step of the warm-up, as it stands."
    )
    min_lr: NotNegative = Field(
        1.0e-5, description="The rate at the end of the cosine, as it stands."
    )


class Augmentation(BaseModel):
    """What is done to the images of the student; the teacher sees the same."""

    model_config = CONFIG

    repeats: PositiveInt = Field(
        3,
        description="How many views of an image are in an epoch's order (repeated "
        "augmentation); the epoch is no longer for it.",
    )
    crop_scale: tuple[Part, Part] | None = Field(
        (0.08, 1.0),
        strict=False,
        description="The share of the area that a random crop keeps; null for none.",
    )
    flip: Share = Field(
        0.5, description="How often an image is mirrored; digits never are."
    )
    color_jitter: NotNegative = Field(
        0.3, description="How far colours change, where there is no `rand_augment`."
    )
    rand_augment: str | None = Field(
        "rand-m9-mstd0.5-inc1",
        description="timm's words for RandAugment, magnitude 9 and deviation 0.5; null "
        "for none.",
    )
    shift: Rate = Field(
        0.0,
        description="How far digits move, as a share of their side.",
        examples=[0.1],
    )
    rotate: NotNegative = Field(
        0.0, description="How far digits turn, in degrees.", examples=[10.0]
    )
    mixup: NotNegative = Field(0.8, description="Alpha of mixup; 0 for none.")
    cutmix: NotNegative = Field(1.0, description="Alpha of cutmix; 0 for none.")
    mix_switch: Share = Field(
        0.5, description="How often cutmix takes the place of mixup, where both are on."
    )
    erasing: Share = Field(0.25, description="How often a rectangle is erased.")
    drop_path: Rate | None = Field(
        0.1, description="The student's drop_path; null for what its spec says."
    )


class Run(BaseModel):
    """How the run goes, whatever is learned."""

    model_config = CONFIG

    seed: Count = Field(0, description="What every random choice follows from.")
    precision: Literal["fp32", "bf16"] = Field(
        "fp32", description="What the models compute in; weights stay fp32."
    )
    threads: PositiveInt | None = Field(
        None,
        description="How many cores of a CPU a process computes on; null for torch's "
        "choice. Small models are quickest on one.",
        examples=[1],
    )
    compile: bool = Field(default=False, description="Whether `torch.compile` is used.")
    parallel: Literal["ddp", "fsdp2"] = Field(
        "ddp", description="How several processes share the work."
    )
    accumulate: PositiveInt = Field(
        1, description="In how many parts a step's images go through the model."
    )
    ema: Rate | None = Field(
        None,
        description="The decay of a moving average of the weights, which is evaluated "
        "and saved in their place; null for none.",
        examples=[0.99996],
    )
    log_every: PositiveInt = Field(50, description="Steps between lines of metrics.")
    evaluate_every: PositiveInt | None = Field(
        None,
        description="Steps between evaluations; null for once an epoch, and at "
        "the end alone where `schedule.steps` is set.",
    )
    checkpoint_every: PositiveInt | None = Field(
        None,
        description="Steps between checkpoints; null for once an epoch, and at "
        "the end alone where `schedule.steps` is set.",
    )


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


class Recipe(BaseModel):
    """A training run. Strict and frozen; an unknown key is an error."""

    model_config = CONFIG

    student: Student = Field(
        description="The model that learns.",
        examples=[{"spec": "deit_tiny_distilled_patch16_224"}],
    )
    teacher: Teacher | None = Field(
        None,
        description="The model that is learned from; null where `loss.kind` is none.",
    )
    data: Data = Field(
        description="The labelled images.", examples=[{"builtin": "digits"}]
    )
    loss: Loss = Field(Loss(), description="What is minimised.")
    optimizer: Optimizer = Field(Optimizer(), description="AdamW.")
    schedule: Schedule = Field(Schedule(), description="How long, at which rate.")
    augmentation: Augmentation = Field(
        Augmentation(), description="What is done to images."
    )
    run: Run = Field(Run(), description="How the run goes.")

    @property
    def peak_lr(self) -> float:
        """The highest learning rate, scaled to the batch (section 5 of the paper)."""
        scale = self.optimizer.lr_batch
        ratio = self.schedule.batch_size / scale if scale else 1
        return self.optimizer.lr * ratio


def json_schema() -> dict[str, Any]:
    """Make the JSON Schema of a recipe, draft 2020-12, from the pydantic models."""
    made = _untitled(Recipe.model_json_schema())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:deit-spec:recipe",
        "$comment": "Left to `deit-spec validate`: the rules between fields, the specs "
        "that are named, and that 12.0 is no integer.",
        "title": "deit-spec recipe",
        **made,
    }


def json_schema_text() -> str:
    """Write the JSON Schema of a recipe."""
    return json.dumps(json_schema(), indent=2) + "\n"


def _untitled(value: Any) -> Any:
    """Leave out the titles, which say the names again."""
    if isinstance(value, dict):
        return {
            key: _untitled(item)
            for key, item in value.items()
            if key != "title" or isinstance(item, dict)
        }
    return [_untitled(item) for item in value] if isinstance(value, list) else value
