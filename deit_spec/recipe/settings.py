"""How a recipe has a student learn.

The defaults are those of DeiT-B in Touvron et al., "Training data-efficient image
transformers & distillation through attention", ICML 2021, table 9, and, where the
table is silent, of the authors' code.
"""

from typing import Literal

from pydantic import BaseModel, Field

from deit_spec.recipe.numbers import Count, NotNegative, Part, Share
from deit_spec.spec.schema import CONFIG, PositiveFloat, PositiveInt, Rate


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
