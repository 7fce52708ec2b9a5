"""Runs that are resumed or begun again, and damaged or foreign files."""

import errno
from pathlib import Path
from typing import Any

import pytest
import torch
from support.runs import KINDS, GoneError, StopAfter, lines, recipe, state, weights

from deit_spec.distill.training import RunError, train
from deit_spec.distill.training.metrics_log import MetricsLog, read_metrics
from deit_spec.recipe import CheckedRecipe
from deit_spec.recipe.run_files import METRICS, checkpoint_path, last_checkpoint
from deit_spec.weights import WeightsError, safetensors_file


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_goes_on_ends_as_one_that_never_stopped(
    tmp_path: Path, kind: str
) -> None:
    checked = recipe(tmp_path, **KINDS[kind])
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    train(checked, whole)
    for step in (2, 6, 7, 12):  # before and after a checkpoint, and at the end
        with pytest.raises(GoneError):
            train(checked, stopped, resume=True, reporter=StopAfter(step))
    finished = train(checked, stopped, resume=True)
    assert finished.complete
    assert weights(stopped) == weights(whole)
    assert state(stopped).keys() == state(whole).keys()
    assert all(
        torch.equal(value, state(whole)[name]) for name, value in state(stopped).items()
    )
    assert lines(stopped) == lines(whole)


def test_a_run_that_was_complete_stays_as_it_is(tmp_path: Path) -> None:
    checked = recipe(tmp_path)
    first = train(checked, tmp_path / "run")
    before, metrics = weights(tmp_path / "run"), lines(tmp_path / "run")
    again = train(checked, tmp_path / "run", resume=True)
    assert again.scores is not None
    assert first.scores is not None
    assert again.scores.answer == first.scores.answer
    assert weights(tmp_path / "run") == before
    assert lines(tmp_path / "run") == metrics


def test_a_folder_that_is_taken_is_refused(tmp_path: Path) -> None:
    checked, folder = recipe(tmp_path), tmp_path / "run"
    train(checked, folder)
    before = {each: each.stat().st_mtime_ns for each in folder.rglob("*")}
    assert _refusal(checked, folder) == "DS533"
    assert {each: each.stat().st_mtime_ns for each in folder.rglob("*")} == before
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").touch()
    assert _refusal(checked, other) == "DS533"
    assert _refusal(checked, other, resume=True) == "DS534"
    assert [each.name for each in other.iterdir()] == ["thesis.txt"]


def _refusal(checked: CheckedRecipe, folder: Path, *, resume: bool = False) -> str:
    with pytest.raises(RunError) as caught:
        train(checked, folder, resume=resume)
    (found,) = caught.value.diagnostics
    return found.code


@pytest.mark.parametrize(
    ("sections", "fields"),
    [
        ({"optimizer": {"lr": 1e-3}}, ["optimizer.lr"]),
        ({"run": {"seed": 3, "ema": 0.5}}, ["run.seed", "run.ema"]),
        ({"augmentation": {"drop_path": 0.3}}, None),
    ],
)
def test_a_run_goes_on_with_its_own_recipe_alone(
    tmp_path: Path, sections: dict[str, Any], fields: list[str] | None
) -> None:
    train(recipe(tmp_path), tmp_path / "run")
    with pytest.raises(RunError) as caught:
        train(recipe(tmp_path, **sections), tmp_path / "run", resume=True)
    assert {found.code for found in caught.value.diagnostics} == {"DS535"}
    if fields is not None:
        told = [
            found.message.split(" has ")[1].split()[0]
            for found in caught.value.diagnostics
        ]
        assert told == fields


def test_what_changes_no_result_may_be_another(tmp_path: Path) -> None:
    with pytest.raises(GoneError):
        train(recipe(tmp_path), tmp_path / "run", reporter=StopAfter(5))
    freely = {"log_every": 1, "evaluate_every": 12, "checkpoint_every": 5}
    train(recipe(tmp_path, run=freely), tmp_path / "run", resume=True)
    train(recipe(tmp_path / "b"), tmp_path / "whole")
    assert weights(tmp_path / "run") == weights(tmp_path / "whole")


class KilledError(BaseException):
    """Stands for the end of the process, so nothing may catch it."""


@pytest.mark.parametrize("resume", [False, True])
def test_a_run_killed_as_it_begins_can_begin_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, resume: bool
) -> None:
    """Killed before and after each first file is renamed to its name."""
    checked = recipe(tmp_path, schedule={"steps": 2, "warmup_steps": 1})
    train(checked, tmp_path / "whole")
    replace, states = Path.replace, []
    for moment in range(8):
        folder, count = tmp_path / f"run-{moment}", iter(range(100))

        def killed(
            self: Path, other: Path, m: int = moment, n: Any = count
        ) -> Path | None:
            now = next(n)
            if now == m // 2 and m % 2:
                replace(self, other)
            if now == m // 2:
                raise KilledError
            return replace(self, other)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", killed)
            patch.setattr(Path, "unlink", lambda *_, **__: None)
            with pytest.raises(KilledError):
                train(checked, folder)
        states.append({each.name for each in folder.iterdir()})
        if "recipe.yaml" in states[-1]:
            assert _refusal(checked, folder) == "DS533"  # it holds a run
        finished = train(checked, folder, resume=resume or "recipe.yaml" in states[-1])
        assert finished.complete
        assert weights(folder) == weights(tmp_path / "whole")
        names = {each.name for each in folder.iterdir()}
        assert names == {each.name for each in (tmp_path / "whole").iterdir()}
    assert "recipe.yaml" not in states[0]
    assert "classes.json" in states[-1]


def test_what_somebody_else_has_written_is_no_leftover(tmp_path: Path) -> None:
    checked, folder = recipe(tmp_path), tmp_path / "run"
    folder.mkdir()
    for name in ("spec.yaml", "classes.json"):
        (folder / name).write_text("mine")
    assert _refusal(checked, folder) == "DS533"
    assert _refusal(checked, folder, resume=True) == "DS534"
    assert (folder / "spec.yaml").read_text() == "mine"


def test_what_cannot_be_read_is_not_said_to_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked, folder = recipe(tmp_path), tmp_path / "run"
    with pytest.raises(GoneError):
        train(checked, folder, reporter=StopAfter(5))

    read = safetensors_file.read

    def refuse(path: Path, name: str) -> Any:
        if path == last_checkpoint(folder):
            raise PermissionError(errno.EACCES, "Permission denied", name)
        return read(path, name)

    monkeypatch.setattr(safetensors_file, "read", refuse)
    with pytest.raises(WeightsError) as caught:
        train(checked, folder, resume=True)
    (found,) = caught.value.diagnostics
    assert found.code == "DS401"
    assert found.message == "the checkpoint cannot be read: permission denied"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda _: {"a": torch.zeros(1)},
            "is not a checkpoint of this run",
        ),
        (lambda x: {**x, "more": torch.zeros(1)}, "differs in more"),
        (lambda x: {**x, "run.sums": torch.zeros(5)}, "it differs in run.sums"),
        (
            lambda x: {k: v for k, v in x.items() if k != "run.step"},
            "differs in run.step",
        ),
    ],
)
def test_another_file_in_the_place_of_a_checkpoint(
    change: Any, message: str, tmp_path: Path
) -> None:
    checked, folder = recipe(tmp_path), tmp_path / "run"
    with pytest.raises(GoneError):
        train(checked, folder, reporter=StopAfter(5))
    path = last_checkpoint(folder)
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
    train(checked, folder, resume=True)
    train(checked, tmp_path / "whole")
    assert lines(folder) == lines(tmp_path / "whole")


def test_a_damaged_checkpoint_is_told_what_to_do_about(tmp_path: Path) -> None:
    checked, folder = recipe(tmp_path), tmp_path / "run"
    with pytest.raises(GoneError):
        train(checked, folder, reporter=StopAfter(5))
    path = last_checkpoint(folder)
    assert path is not None
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(WeightsError) as caught:
        train(checked, folder, resume=True)
    (found,) = caught.value.diagnostics
    assert found.code == "DS403"
    assert found.helps[0].startswith("delete the file; `--resume` starts again")


def test_lines_after_the_step_and_half_lines_are_dropped(tmp_path: Path) -> None:
    text = '{"step": 2}\n{"step": 4, "cls": {}, "seconds": 1.5}\n{"step": 6}\n{"st'
    (tmp_path / METRICS).write_text(text)
    taken_up = MetricsLog(tmp_path, 4)
    taken_up.add({"step": 6})
    assert [line["step"] for line in read_metrics(tmp_path)] == [2, 4, 6]
    assert taken_up.seconds == 1.5
    assert taken_up.has_scores(4)
    assert not taken_up.has_scores(2)


def test_the_last_checkpoint_is_that_of_the_highest_step(tmp_path: Path) -> None:
    assert last_checkpoint(tmp_path) is None
    folder = checkpoint_path(tmp_path, 0).parent
    folder.mkdir()
    for step in (9, 10_000_000, 200):
        checkpoint_path(tmp_path, step).touch()
    (folder / "step-0000300.safetensors.unfinished").touch()
    assert last_checkpoint(tmp_path) == checkpoint_path(tmp_path, 10_000_000)
