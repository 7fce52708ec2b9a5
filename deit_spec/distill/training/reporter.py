"""The events of a run, which a reporter receives."""

from dataclasses import dataclass
from pathlib import Path

from deit_spec.diagnostics import Diagnostic
from deit_spec.distill.evaluation import HeadScores, Scores


@dataclass(frozen=True)
class Start:
    """A run that begins or is resumed."""

    student: str
    parameters: int
    trained: int
    """The number of parameters that are not frozen."""
    loss: str
    teacher: str | None
    train_images: int
    val_images: int
    classes: int
    batch_size: int
    steps: int
    first: int
    """The steps done before, which are 0 or those of the checkpoint."""
    device: str
    processes: int
    best: tuple[int, float] | None = None
    """The step and the top-1 accuracy of the best evaluation before, if any."""


@dataclass(frozen=True)
class Progress:
    """The means over the steps since the last event of this kind."""

    step: int
    """The number of steps done."""
    epoch: float
    lr: float
    loss: float
    labels: float
    teacher: float
    grad_norm: float
    """Of the last step, before clipping."""
    images_per_second: float
    seconds: float
    """The time of all steps since the run began."""


@dataclass(frozen=True)
class Finished:
    """A run that has ended."""

    scores: Scores | None
    """Of the weights in the folder; None if the run was stopped."""
    folder: Path
    step: int
    complete: bool
    signal: int | None
    """The signal that stopped the run before it was complete."""
    seconds: float
    """The time of all steps."""
    teacher: HeadScores | None = None
    """The scores of the teacher; None if the run was stopped, or it predicts other
    classes than those of the data."""


class Reporter:
    """Receives the events of a run in its main process; a method does nothing here."""

    def teaching(self, step: int, steps: int) -> None:
        """`step` of the steps that train the built-in teacher are done."""

    def started(self, start: Start) -> None:
        """The first step is about to begin."""

    def stepped(self, step: int) -> None:
        """`step` steps are done."""

    def logged(self, progress: Progress) -> None:
        """A training line of the metrics has been written."""

    def evaluated(self, step: int, scores: Scores) -> None:
        """The student has been evaluated."""

    def teacher_evaluated(self, scores: HeadScores) -> None:
        """The teacher has been evaluated, together with the student's first time."""

    def saved(self, step: int, path: Path) -> None:
        """A checkpoint has been written."""

    def said(self, message: str) -> None:
        """There is a message for the user."""

    def warned(self, warning: Diagnostic) -> None:
        """There is a warning for the user."""

    def finished(self, finished: Finished) -> None:
        """The run has ended, complete or stopped by a signal."""
