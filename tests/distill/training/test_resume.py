"""Runs that go on, and begin again."""

from pathlib import Path
from typing import Any

import pytest
import torch
from support.runs import KINDS, GoneError, StopAfter, lines, recipe, state, weights

from deit_spec.distill.training import RunError, train
from deit_spec.distill.training.names import find_last
from deit_spec.recipe import CheckedRecipe
from deit_spec.weights import WeightsError


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


def test_a_damaged_checkpoint_is_told(tmp_path: Path) -> None:
    train(recipe(tmp_path), tmp_path / "run")
    path = find_last(tmp_path / "run")
    assert path is not None
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(WeightsError) as caught:
        train(recipe(tmp_path), tmp_path / "run", resume=True)
    assert [found.code for found in caught.value.diagnostics] == ["DS403"]


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
