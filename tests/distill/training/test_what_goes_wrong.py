"""Runs that meet a full disk, or what is no number."""

import errno
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from support.runs import GoneError, StopAfter, lines, recipe, state, weights

from deit_spec.distill.evaluation import Scores
from deit_spec.distill.metrics import HeadScores
from deit_spec.distill.training import RunError, Silent, lock, problems, run, train
from deit_spec.distill.training.learner import Learner
from deit_spec.distill.training.names import find_last
from deit_spec.weights import WeightsError, safetensors_file

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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _: {"a": torch.zeros(1)}, "other shapes or no"),
        (lambda x: {**x, "more": torch.zeros(1)}, "more than this run has: more"),
        (lambda x: {**x, "run.sums": torch.zeros(5)}, "other shapes or no run.sums"),
        (lambda x: {k: v for k, v in x.items() if k != "run.step"}, "no run.step"),
    ],
)
def test_another_file_in_the_place_of_a_checkpoint(
    change: Any, message: str, tmp_path: Path
) -> None:
    checked, folder = recipe(tmp_path), tmp_path / "run"
    with pytest.raises(GoneError):
        train(checked, folder, reporter=StopAfter(5))
    path = find_last(folder)
    assert path is not None
    other = tmp_path / "other"  # the tensors are mapped from the file itself
    with other.open("wb") as file:
        safetensors_file.write(file, change(state(folder)))
    other.replace(path)
    with pytest.raises(WeightsError) as caught:
        train(checked, folder, resume=True)
    (found,) = caught.value.diagnostics
    assert found.code == "DS401"
    assert message in found.message


def test_a_run_without_its_recipe_is_not_gone_on_with(tmp_path: Path) -> None:
    """Nothing would say whether it is of the same one."""
    checked, folder = recipe(tmp_path), tmp_path / "run"
    with pytest.raises(GoneError):
        train(checked, folder, reporter=StopAfter(5))
    (folder / "recipe.yaml").unlink()
    with pytest.raises(RunError) as caught:
        train(checked, folder, resume=True)
    (found,) = caught.value.diagnostics
    assert found.code == "DS534"
    assert "a run without its recipe.yaml" in found.message


def test_lines_of_metrics_that_are_damaged_are_left_out(tmp_path: Path) -> None:
    """A power cut may leave zeros."""
    checked, folder = recipe(tmp_path), tmp_path / "run"
    with pytest.raises(GoneError):
        train(checked, folder, reporter=StopAfter(5))
    with (folder / "metrics.jsonl").open("ab") as file:
        file.write(b'\0\0\0\n[1]\n{"step": "x"}\n{"step": 4, "los\n\xff\n')
    said: list[str] = []

    class Heard(Silent):
        def said(self, message: str) -> None:
            said.append(message)

    train(checked, folder, resume=True, reporter=Heard())
    assert said == ["5 lines of metrics.jsonl cannot be read and are left out"]
    train(checked, tmp_path / "whole")
    assert lines(folder) == lines(tmp_path / "whole")


def test_a_damaged_checkpoint_is_told_what_to_do_about(tmp_path: Path) -> None:
    checked, folder = recipe(tmp_path), tmp_path / "run"
    with pytest.raises(GoneError):
        train(checked, folder, reporter=StopAfter(5))
    path = find_last(folder)
    assert path is not None
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(WeightsError) as caught:
        train(checked, folder, resume=True)
    (found,) = caught.value.diagnostics
    assert found.code == "DS403"
    assert found.helps[0].startswith("delete the file, and `--resume` goes on")
