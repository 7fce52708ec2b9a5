"""Runs that receive a signal."""

import signal
from pathlib import Path

import pytest
from support.runs import KINDS, StopAfter, lines, recipe, weights

from deit_spec.distill.training import train


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
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
