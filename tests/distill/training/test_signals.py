"""Runs that receive a signal."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from support.commands import run
from support.runs import KINDS, StopAfter, lines, recipe, weights

from deit_spec.distill.teachers import digits_convnet
from deit_spec.distill.training import Reporter, Start, train
from deit_spec.distill.training.processes import StopSignal

SIGNALS = [signal.Signals[name] for name in StopSignal.SIGNALS if hasattr(signal, name)]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_finishes_the_step_and_saves(tmp_path: Path, number: int) -> None:
    checked, folder = recipe(tmp_path, **KINDS["random layers"]), tmp_path / "run"
    # What shells start in the background ignores SIGINT, and is not to heed it.
    before = signal.signal(number, signal.default_int_handler)
    try:
        finished = train(checked, folder, reporter=StopAfter(5, number))
        assert signal.getsignal(number) == signal.default_int_handler
    finally:
        signal.signal(number, before)
    assert (finished.step, finished.complete, finished.signal) == (5, False, number)
    assert "stopped after 5 of 12 steps" in (folder / "summary.md").read_text()
    train(checked, folder, resume=True)
    train(checked, tmp_path / "whole")
    assert weights(folder) == weights(tmp_path / "whole")
    assert lines(folder) == lines(tmp_path / "whole")


class _StopTeacher(Reporter):
    """Sends a signal after a step of the teacher, and records what happens."""

    def __init__(self, number: int, step: int) -> None:
        self.number, self.step = number, step
        self.steps: list[tuple[int, int]] = []
        self.has_started = False

    def teaching(self, step: int, steps: int) -> None:
        self.steps.append((step, steps))
        if step == self.step:
            os.kill(os.getpid(), self.number)

    def started(self, start: Start) -> None:
        self.has_started = True


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_the_training_of_the_teacher(tmp_path: Path, number: int) -> None:
    teacher = {"builtin": "digits_convnet", "steps": 5}
    checked, folder = recipe(tmp_path, teacher=teacher), tmp_path / "run"
    before = signal.signal(number, signal.default_int_handler)
    try:
        reporter = _StopTeacher(number, 3)
        finished = train(checked, folder, reporter=reporter)
        assert signal.getsignal(number) == signal.default_int_handler
    finally:
        signal.signal(number, before)
    assert (finished.step, finished.complete, finished.signal) == (0, False, number)
    assert reporter.steps == [(1, 5), (2, 5), (3, 5)]
    assert not reporter.has_started
    assert {each.name for each in folder.iterdir()} <= {".lock"}
    assert train(checked, folder, resume=True).complete


def test_a_run_that_is_stopped_before_its_first_step_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe(tmp_path)
    train_convnet = digits_convnet.train_convnet

    def interrupted(*arguments: Any, **options: Any) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        return train_convnet(*arguments, **options)

    monkeypatch.setattr(digits_convnet, "train_convnet", interrupted)
    done = run("train", str(tmp_path / "recipe.yaml"), "-o", str(tmp_path / "run"))
    assert done.returncode == 128 + signal.SIGTERM
    assert done.stderr.endswith(
        "stopped by SIGTERM before the first step; the same command with --resume "
        "continues the run\n"
    )


def test_a_signal_that_is_ignored_stays_so(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        reporter = StopAfter(5, signal.SIGINT)
        finished = train(recipe(tmp_path), tmp_path / "run", reporter=reporter)
    finally:
        signal.signal(signal.SIGINT, before)
    assert finished.complete


def test_a_signal_in_the_last_step_stops_nothing(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        finished = train(
            recipe(tmp_path), tmp_path / "run", reporter=StopAfter(12, signal.SIGTERM)
        )
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (finished.complete, finished.signal, finished.step) == (True, None, 12)
    assert finished.scores is not None
    assert "stopped" not in (tmp_path / "run" / "summary.md").read_text()
