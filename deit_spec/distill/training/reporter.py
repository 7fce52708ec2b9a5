"""What a run tells while it goes; how it looks is for others to say."""

from dataclasses import dataclass
from pathlib import Path

from deit_spec.distill.evaluation import Scores


@dataclass(frozen=True)
class Start:
    """A run, as it begins or goes on."""

    student: str
    parameters: int
    loss: str
    teacher: str | None
    train_images: int
    val_images: int
    classes: int
    batch_size: int
    steps: int
    first: int
    """Steps that were done before: 0, or those of the checkpoint."""
    steps_per_epoch: int
    device: str
    processes: int
    folder: Path


@dataclass(frozen=True)
class Progress:
    """The means over the steps since the last one, `step` of which are done."""

    step: int
    epoch: float
    lr: float
    loss: float
    labels: float
    teacher: float
    grad_norm: float
    """Of the last step, before it was clipped."""
    images_per_second: float
    seconds: float
    """Spent on steps since the run began."""


@dataclass(frozen=True)
class Finished:
    """A run that has ended; `signal` is what stopped it before it was complete."""

    scores: Scores | None
    """Of the weights that are in the folder; None where it was stopped."""
    folder: Path
    step: int
    complete: bool
    signal: int | None
    seconds: float
    """Spent on steps."""


class Reporter:
    """Is told of a run by its main process; what it does not override, it ignores."""

    def started(self, start: Start) -> None:
        """The first step is about to be taken."""

    def stepped(self, step: int) -> None:
        """So many steps are done."""

    def logged(self, progress: Progress) -> None:
        """A line of training has been written."""

    def evaluated(self, step: int, scores: Scores) -> None:
        """The student has been evaluated."""

    def saved(self, step: int, path: Path) -> None:
        """A checkpoint has been written."""

    def said(self, message: str) -> None:
        """Something is worth knowing."""

    def finished(self, finished: Finished) -> None:
        """The run has ended, by itself or by a signal."""


class Silent(Reporter):
    """Says nothing."""
