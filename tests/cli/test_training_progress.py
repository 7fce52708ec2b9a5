"""The progress of a run shows the last, the best and the teacher's score."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from support.runs import GoneError, StopAfter, head, lines, recipe

from deit_spec.cli import training_progress
from deit_spec.cli.training_progress import RunProgress, progress_bar
from deit_spec.distill.evaluation import HeadScores, Scores
from deit_spec.distill.training import Reporter, Start, train

START = Start(
    student="digits",
    parameters=87_092,
    trained=87_092,
    loss="hard",
    teacher="digits_convnet",
    train_images=1000,
    val_images=600,
    classes=10,
    batch_size=64,
    steps=90,
    first=0,
    device="cpu",
    processes=1,
)


def scored(top1: float) -> Scores:
    return Scores(head(0.1), head(0.2), head(top1), images=600, seconds=1.0)


def test_the_line_below_the_bar_has_the_last_and_the_best_score(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = StringIO()
    console = Console(file=shown, force_terminal=True, width=80)
    monkeypatch.setattr(training_progress, "make_console", lambda **_: console)
    with progress_bar() as bar:
        progress = RunProgress(bar)
        progress.started(START)
        assert not bar.text
        for step, top1 in ((20, 0.725), (40, 0.811), (60, 0.8)):
            progress.evaluated(step, scored(top1))
        assert bar.text == "top-1 80.0 %, best 81.1 % after step 40"
        progress.teacher_evaluated(head(0.982))
        bar.refresh()
    assert f"{bar.text}\n" in shown.getvalue()
    assert bar.text.endswith(", teacher 98.2 %")


class Listen(Reporter):
    """Keeps what is known of the teacher and of earlier evaluations."""

    def __init__(self) -> None:
        self.teacher: list[HeadScores] = []
        self.best: list[tuple[int, float] | None] = []

    def started(self, start: Start) -> None:
        self.best.append(start.best)

    def teacher_evaluated(self, scores: HeadScores) -> None:
        self.teacher.append(scores)


def test_a_run_reports_its_teacher_once_and_its_earlier_best(tmp_path: Path) -> None:
    """It has two evaluations, the first before the checkpoint it resumes from."""
    checked, folder = recipe(tmp_path), tmp_path / "run"
    with pytest.raises(GoneError):
        train(checked, folder, reporter=StopAfter(9))
    (first,) = (line for line in lines(folder) if "cls" in line)
    listen = Listen()
    finished = train(checked, folder, resume=True, reporter=listen)
    assert listen.teacher == [finished.teacher]
    assert listen.best == [(6, first["fused"]["top1"])]
