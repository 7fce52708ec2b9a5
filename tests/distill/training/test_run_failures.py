"""Runs that end with an error: full disk, loss that is not finite, no memory."""

import errno
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from support.recipes import PLAIN, check_images, write_images
from support.runs import Listen, lines, recipe, state, weights

from deit_spec.distill.data import DataError
from deit_spec.distill.evaluation import HeadScores, Scores
from deit_spec.distill.training import Reporter, RunError, run_folder, train, trainer
from deit_spec.distill.training import training_loop as loop_module
from deit_spec.distill.training.training_step import TrainingStep
from deit_spec.recipe import CheckedRecipe
from deit_spec.weights import safetensors_file


def test_a_full_disk_is_reported_and_the_last_checkpoint_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained_run: Path
) -> None:
    checked, folder = recipe(tmp_path), tmp_path / "run"
    written = safetensors_file.write

    def write(file: Any, tensors: dict[str, torch.Tensor], **rest: Any) -> None:
        if int(tensors.get("run.step", torch.tensor(0))) == 8:
            file.write(b"half of it")
            raise OSError(errno.ENOSPC, "No space left on device")
        written(file, tensors, **rest)

    monkeypatch.setattr(safetensors_file, "write", write)
    with pytest.raises(RunError) as caught:
        train(checked, folder)
    (found,) = caught.value.diagnostics
    assert found.code == "DS532"
    assert found.message == "the run cannot be written: no space left on device"
    assert "step-0000004.safetensors" in found.notes[0]
    names = [each.name for each in (folder / "checkpoints").iterdir()]
    assert names == ["step-0000004.safetensors"]
    monkeypatch.setattr(safetensors_file, "write", written)
    train(checked, folder, resume=True)
    assert weights(folder) == weights(trained_run)


@pytest.mark.curves
@pytest.mark.parametrize("place", ["metrics.jsonl", "curves.svg", "recipe.yaml"])
def test_a_full_disk_is_reported_for_every_file(
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
def test_a_loss_that_is_not_finite_ends_the_run(
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


def test_a_loss_is_checked_before_an_evaluation(
    tmp_path: Path,
) -> None:
    checked = recipe(
        tmp_path,
        optimizer={"lr": 1e30},
        run={"evaluate_every": 2, "log_every": 50, "checkpoint_every": 50},
    )
    with pytest.raises(RunError) as caught:
        train(checked, tmp_path / "run")
    assert [found.code for found in caught.value.diagnostics] == ["DS531"]


def test_a_score_that_is_not_finite_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All weights may be finite, and the scores not."""
    monkeypatch.setattr(loop_module, "evaluate", lambda *_, **__: _scores(float("nan")))
    with pytest.raises(RunError) as caught:
        train(recipe(tmp_path), tmp_path / "run")
    (found,) = caught.value.diagnostics
    assert found.code == "DS531"
    assert found.message == "the NLL of cls in evaluation is nan after step 6"


def _scores(nll: float) -> Scores:
    return Scores(HeadScores(0.5, 1.0, nll, 0.1), None, None, 100, 1.0)


def test_a_full_disk_is_reported_for_the_teacher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("deit_spec.weights.safetensors_file.write", refuse)
    with pytest.raises(RunError) as caught:
        train(recipe(tmp_path), tmp_path / "run")
    (found,) = caught.value.diagnostics
    assert found.message == "the run cannot be written: no space left on device"
    monkeypatch.undo()
    assert train(recipe(tmp_path), tmp_path / "run").complete


def test_two_runs_do_not_share_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained_run: Path
) -> None:
    """The first run keeps the second one out, and is not disturbed."""
    monkeypatch.setattr(run_folder, "LOCK_SECONDS", 0.0)
    checked, folder = recipe(tmp_path), tmp_path / "run"
    refused = []

    class Second(Reporter):
        """Begins another run in the middle of the first."""

        def stepped(self, step: int) -> None:
            if step == 5:
                with pytest.raises(RunError) as caught:
                    train(checked, folder, resume=True)
                refused.append(caught.value.diagnostics[0].code)

    train(checked, folder, reporter=Second())
    assert refused == ["DS536"]
    assert weights(folder) == weights(trained_run)
    assert lines(folder) == lines(trained_run)


def test_a_run_that_ended_while_another_waited_is_not_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked, folder = recipe(tmp_path), tmp_path / "run"
    opened = trainer.open_data

    def and_another(*arguments: Any, **options: Any) -> Any:
        monkeypatch.undo()
        train(checked, folder)
        return opened(*arguments, **options)

    monkeypatch.setattr(trainer, "open_data", and_another)
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
def test_too_little_memory_is_reported_and_the_checkpoint_kept(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked, folder = recipe(tmp_path), tmp_path / "run"
    step, calls = TrainingStep.take, []

    def too_large(self: TrainingStep, *arguments: Any, **options: Any) -> None:
        calls.append(1)
        if len(calls) == 6:
            raise error
        step(self, *arguments, **options)

    monkeypatch.setattr(TrainingStep, "take", too_large)
    with pytest.raises(RunError) as caught:
        train(checked, folder)
    (found,) = caught.value.diagnostics
    assert found.code == "DS537"
    assert found.message == "a step of 16 images needs more memory than is available"
    assert "step-0000004.safetensors" in found.notes[1]
    assert found.helps[0].startswith("a larger `run.accumulate`")


def folder_of(tmp_path: Path, *unreadable: str) -> CheckedRecipe:
    """A recipe of 12 images to train on and 6 held out, some of which are cut off."""
    write_images(tmp_path / "images" / "train", "abc", 4)
    write_images(tmp_path / "images" / "val", "abc", 2)
    for name in unreadable:
        path = tmp_path / "images" / name
        path.write_bytes(path.read_bytes()[:60])
    return check_images(
        tmp_path,
        {"folder": "images", "unreadable": 10},
        augmentation={**PLAIN, "drop_path": 0.0},
        schedule={"steps": 6, "batch_size": 4, "warmup_steps": 1},
        run={"log_every": 3, "evaluate_every": 3, "checkpoint_every": 3},
    )


def test_unreadable_images_are_reported_once(tmp_path: Path) -> None:
    checked = folder_of(tmp_path, "train/a/1.png", "val/b/0.png")
    listen, run = Listen(), tmp_path / "run"
    train(checked, run, reporter=listen)
    one, other = (tmp_path / "images" / n for n in ("train/a/1.png", "val/b/0.png"))
    assert listen.messages == [
        f"1 image is unreadable and skipped: {each}" for each in (one, other)
    ]
    lines = [json.loads(x) for x in (run / "metrics.jsonl").read_text().splitlines()]
    named = [line for line in lines if "unreadable" in line]
    assert named == [{"step": 3, "unreadable": [str(each)]} for each in (one, other)]
    summary = (run / "summary.md").read_text()
    message = f"2 images were unreadable and skipped: {one}, {other}.\n"
    assert message in summary
    again = Listen()
    train(checked, run, resume=True, reporter=again)
    assert again.messages == []
    assert message in (run / "summary.md").read_text()


def test_a_run_in_which_all_can_be_read_reports_none(tmp_path: Path) -> None:
    listen = Listen()
    train(folder_of(tmp_path), tmp_path / "run", reporter=listen)
    assert listen.messages == []
    for name in ("metrics.jsonl", "summary.md"):
        assert "unreadable" not in (tmp_path / "run" / name).read_text()


def test_no_readable_image_to_evaluate_on(tmp_path: Path) -> None:
    names = [f"val/{label}/{number}.png" for label in "abc" for number in range(2)]
    with pytest.raises(DataError) as caught:
        train(folder_of(tmp_path, *names), tmp_path / "run")
    (found,) = caught.value.diagnostics
    assert found.code == "DS524"
    assert found.message == "all 6 held-out images are unreadable"
    text = (tmp_path / "recipe.yaml").read_text().splitlines()
    assert text[found.primary.span.line - 2] == "data:"
    assert str(tmp_path / "images" / names[0]) in found.notes[0]
