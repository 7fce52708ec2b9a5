"""Runs that meet a full disk, or what is no number."""

import errno
from pathlib import Path
from typing import Any

import pytest
import torch
from support.runs import GoneError, StopAfter, recipe, state, weights

from deit_spec.distill.evaluation import Scores
from deit_spec.distill.metrics import HeadScores
from deit_spec.distill.training import RunError, run, train
from deit_spec.distill.training.names import find_last
from deit_spec.weights import WeightsError, safetensors_file


def test_no_space_is_told_and_the_last_checkpoint_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked, folder = recipe(tmp_path), tmp_path / "run"
    written = safetensors_file.write

    def write(file: Any, tensors: dict[str, torch.Tensor], *rest: Any) -> None:
        if int(tensors.get("run.step", torch.tensor(0))) == 8:
            file.write(b"half of it")
            raise OSError(errno.ENOSPC, "No space left on device", str(file.name))
        written(file, tensors, *rest)

    monkeypatch.setattr(safetensors_file, "write", write)
    with pytest.raises(RunError) as caught:
        train(checked, folder)
    (found,) = caught.value.diagnostics
    assert found.code == "DS532"
    assert found.message == "the run cannot be written: no space left on device"
    assert "step-0000004.safetensors is as it was" in found.notes[0]
    names = [each.name for each in (folder / "checkpoints").iterdir()]
    assert names == ["step-0000004.safetensors"]
    monkeypatch.undo()
    train(checked, folder, resume=True)
    train(checked, tmp_path / "whole")
    assert weights(folder) == weights(tmp_path / "whole")


@pytest.mark.parametrize("place", ["metrics.jsonl", "curves.svg", "recipe.yaml"])
def test_no_space_for_anything_else_is_told_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    opened = Path.open

    def refuse(self: Path, *arguments: Any, **options: Any) -> Any:
        if self.name.startswith(place) and "r" not in (arguments or ("r",))[0]:
            raise OSError(errno.ENOSPC, "No space left on device", str(self))
        return opened(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(RunError) as caught:
        train(recipe(tmp_path), tmp_path / "run")
    assert [found.code for found in caught.value.diagnostics] == ["DS532"]


@pytest.mark.parametrize("ema", [None, 0.5])
def test_a_loss_that_is_no_number_ends_the_run(
    tmp_path: Path, ema: float | None
) -> None:
    """The rate explodes after a first checkpoint, which is kept and is sound."""
    checked = recipe(
        tmp_path,
        optimizer={"lr": 1e30},
        schedule={"warmup_steps": 6, "warmup_lr": 0.0},
        run={"checkpoint_every": 1, "log_every": 12, "ema": ema},
    )
    with pytest.raises(RunError) as caught:
        train(checked, tmp_path / "run")
    (found,) = caught.value.diagnostics
    assert found.code == "DS531"
    assert (
        found.primary.span.source.lines[found.primary.span.line - 1] == "  lr: 1.0e+30"
    )
    kept = state(tmp_path / "run")
    assert all(value.isfinite().all() for value in kept.values())


def test_a_loss_that_is_no_number_is_met_before_an_evaluation(tmp_path: Path) -> None:
    checked = recipe(
        tmp_path,
        optimizer={"lr": 1e30},
        run={"evaluate_every": 2, "log_every": 50, "checkpoint_every": 50},
    )
    with pytest.raises(RunError) as caught:
        train(checked, tmp_path / "run")
    assert [found.code for found in caught.value.diagnostics] == ["DS531"]


def test_a_score_that_is_no_number_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All weights may be numbers, and what is made of them none."""
    monkeypatch.setattr(run, "evaluate", lambda *_, **__: _scores(float("nan")))
    with pytest.raises(RunError) as caught:
        train(recipe(tmp_path), tmp_path / "run")
    (found,) = caught.value.diagnostics
    assert found.code == "DS531"
    assert found.message == "the evaluation's NLL of cls is nan in step 6"


def _scores(nll: float) -> Scores:
    return Scores(HeadScores(0.5, 1.0, nll, 0.1), None, None, 100, 1.0)


def test_what_cannot_be_read_is_not_said_to_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked, folder = recipe(tmp_path), tmp_path / "run"
    with pytest.raises(GoneError):
        train(checked, folder, reporter=StopAfter(5))

    read = safetensors_file.read

    def refuse(path: Path, name: str) -> Any:
        if path == find_last(folder):
            raise PermissionError(errno.EACCES, "Permission denied", name)
        return read(path, name)

    monkeypatch.setattr(safetensors_file, "read", refuse)
    with pytest.raises(WeightsError) as caught:
        train(checked, folder, resume=True)
    (found,) = caught.value.diagnostics
    assert found.code == "DS401"
    assert found.message == "the checkpoint cannot be read: permission denied"


def test_no_space_for_the_teacher_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("deit_spec.distill.teachers.convnet.write", refuse)
    with pytest.raises(RunError) as caught:
        train(recipe(tmp_path), tmp_path / "run")
    (found,) = caught.value.diagnostics
    assert found.message == "the run cannot be written: no space left on device"
    monkeypatch.undo()
    assert train(recipe(tmp_path), tmp_path / "run").complete
