"""The section `run` of a recipe: how the training runs."""

from typing import Literal

from pydantic import BaseModel, Field

from deit_spec.spec.schema import CONFIG, Count, PositiveInt, Rate


class Run(BaseModel):
    """How the training runs."""

    model_config = CONFIG

    seed: Count = Field(0, description="The seed of all random choices.")
    precision: Literal["fp32", "bf16"] = Field(
        "fp32", description="The precision of computation; weights are always fp32."
    )
    threads: PositiveInt | None = Field(
        None,
        description="The number of CPU threads per process; null for torch's default. "
        "Small models are fastest with 1.",
        examples=[1],
    )
    compile: bool = Field(default=False, description="Whether to use `torch.compile`.")
    drop_unread: bool = Field(
        default=True,
        description="Whether to compute only the tokens that the heads depend on, with "
        "the same gradients.",
    )
    parallel: Literal["ddp", "fsdp2"] = Field(
        "ddp", description="How several processes share the work."
    )
    gradient_checkpointing: bool = Field(
        default=False,
        description="Whether to compute each block again in the backward pass instead "
        "of storing its activations: less memory, more time, the same gradients.",
    )
    accumulate: PositiveInt = Field(
        1,
        description="The number of parts in which the images of a step are processed "
        "(gradient accumulation).",
    )
    ema: Rate | None = Field(
        None,
        description="The decay of a moving average of the weights, which is evaluated "
        "and saved instead of the weights; null for none.",
        examples=[0.99996],
    )
    ema_warmup: bool = Field(
        default=True,
        description="Whether the decay rises from 0 to `ema` as in timm: at most "
        "`1 - n ** (-2 / 3)` in step n. Without it, the average of a short run stays "
        "near the initial weights.",
    )
    device: str | None = Field(
        None,
        pattern=r"^(?:cpu|mps|cuda(?::\d+)?)$",
        description="Where to train: `cpu`, `cuda`, a GPU such as `cuda:1`, or `mps`; "
        "null for a GPU if there is one, or else the CPU.",
        examples=["cuda:0"],
    )
    keep: Literal["last", "best"] = Field(
        "last",
        description="Which weights are the result: those of the last step, or those of "
        "the evaluation with the best top-1 accuracy (of both heads combined).",
    )
    patience: PositiveInt | None = Field(
        None,
        description="The number of evaluations in a row without a better top-1 "
        "accuracy after which the run ends; null for no early stopping.",
        examples=[10],
    )
    log_every: PositiveInt = Field(
        50, description="The number of steps between lines of metrics."
    )
    evaluate_every: PositiveInt | None = Field(
        None,
        description="The number of steps between evaluations; null for once per "
        "epoch, or only at the end if `schedule.steps` is set.",
    )
    checkpoint_every: PositiveInt | None = Field(
        None,
        description="The number of steps between checkpoints; null for once per "
        "epoch, or only at the end if `schedule.steps` is set.",
    )
    trackers: tuple[Literal["tensorboard", "wandb", "mlflow"], ...] = Field(
        (),
        strict=False,
        description="Where metrics, settings and pictures are logged as well; each "
        "needs its package.",
        examples=[("tensorboard",)],
    )

    @property
    def compares_evaluations(self) -> bool:
        """Whether the evaluations decide on the result of the run."""
        return self.keep == "best" or self.patience is not None
