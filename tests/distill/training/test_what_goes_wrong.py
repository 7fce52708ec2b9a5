"""Runs that meet a full disk, or what is no number."""

import errno
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from support.runs import lines, recipe, state, weights

from deit_spec.distill.evaluation import Scores
from deit_spec.distill.metrics import HeadScores
from deit_spec.distill.training import RunError, Silent, lock, problems, run, train
from deit_spec.distill.training.learner import Learner
from deit_spec.weights import safetensors_file

# The package has a function of that name.
train_module = sys.modules["deit_spec.distill.training.train"]


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
    replace = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if target.name == place:
            raise OSError(errno.ENOSPC, "No space left on device", str(self))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
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


def test_two_runs_do_not_share_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is under way keeps the other out, and is not disturbed."""
    monkeypatch.setattr(lock, "PATIENCE", 0.0)
    checked, folder = recipe(tmp_path), tmp_path / "run"
    refused = []

    class Second(Silent):
        """Begins another run in the middle of the first."""

        def stepped(self, step: int) -> None:
            if step == 5:
                with pytest.raises(RunError) as caught:
                    train(checked, folder, resume=True)
                refused.append(caught.value.diagnostics[0].code)

    train(checked, folder, reporter=Second())
    assert refused == ["DS536"]
    train(checked, tmp_path / "alone")
    assert weights(folder) == weights(tmp_path / "alone")
    assert lines(folder) == lines(tmp_path / "alone")


def test_a_run_that_ended_while_another_waited_is_not_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked, folder = recipe(tmp_path), tmp_path / "run"
    opened = train_module.open_data

    def and_another(*arguments: Any) -> Any:
        monkeypatch.undo()
        train(checked, folder)
        return opened(*arguments)

    monkeypatch.setattr(train_module, "open_data", and_another)
    with pytest.raises(RunError) as caught:
        train(checked, folder)
    assert [found.code for found in caught.value.diagnostics] == ["DS533"]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1.16 GiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 1 TB"),
    ],
)
def test_too_little_memory_is_told_and_the_checkpoint_kept(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked, folder = recipe(tmp_path), tmp_path / "run"
    step, calls = Learner.step, []

    def too_large(self: Learner, *arguments: Any, **options: Any) -> None:
        calls.append(1)
        if len(calls) == 6:
            raise error
        step(self, *arguments, **options)

    monkeypatch.setattr(Learner, "step", too_large)
    with pytest.raises(RunError) as caught:
        train(checked, folder)
    (found,) = caught.value.diagnostics
    assert found.code == "DS537"
    assert found.message == "a step of 16 images needs more memory than there is"
    assert "step-0000004.safetensors is as it was" in found.notes[1]
    assert found.helps[0].startswith("`run.accumulate: 2`")


def test_memory_that_is_really_too_little() -> None:
    """Torch's own words for it on the CPU are known."""
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**50, dtype=torch.float64)
    assert problems.is_of_memory(caught.value)
    assert not problems.is_of_memory(RuntimeError("mat1 and mat2 shapes"))
