"""The schema of a recipe: how a student learns from a teacher."""

from pydantic import BaseModel, Field

from deit_spec.recipe.settings import Augmentation, Loss, Optimizer, Run, Schedule
from deit_spec.recipe.subjects import Data, Student, Teacher
from deit_spec.spec.schema import CONFIG


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
