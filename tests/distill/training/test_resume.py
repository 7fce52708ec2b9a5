"""Runs that are resumed or begun again, and damaged or foreign files."""

import errno
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from support.commands import run
from support.recipes import SPECS
from support.runs import (
    DATA,
    KINDS,
    GoneError,
    Listen,
    StopAfter,
    lines,
    recipe,
    state,
    weights,
)

from deit_spec.diagnostics import Diagnostic
from deit_spec.distill.training import RunError, train
from deit_spec.distill.training.metrics_log import MetricsLog, read_metrics
from deit_spec.recipe import CheckedRecipe
from deit_spec.recipe.run_files import METRICS, checkpoint_path, last_checkpoint
from deit_spec.weights import WeightsError, safetensors_file

QUICK = "everything"


@pytest.mark.parametrize(
    "kind",
    [pytest.param(k, marks=() if k == QUICK else pytest.mark.slow) for k in KINDS],
)
def test_a_resumed_run_ends_as_one_that_never_stopped(
    tmp_path: Path, kind: str
) -> None:
    """Bit for bit: the weights, the optimizer, the average and the metrics."""
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


def test_a_resumed_run_needs_no_initial_weights(
    tmp_path: Path, trained_run: Path
) -> None:
    """The checkpoint continues the new heads and the frozen parts, bit for bit."""
    initial = shutil.copytree(trained_run, tmp_path / "initial")
    student = {
        "spec": str(SPECS / "digits.yaml"),
        "weights": str(initial),
        "allow": ["heads"],
        "num_classes": 4,
        "teacher_num_classes": 4,
        "freeze": ["blocks.0"],
    }
    data = {**DATA, "only_classes": ["6", "7", "8", "9"]}
    checked = recipe(tmp_path, student=student, data=data)
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    train(checked, whole)
    begun, resumed = StopAfter(5), Listen()
    with pytest.raises(GoneError):
        train(checked, stopped, reporter=begun)
    assert any("re-initialised" in each for each in begun.messages)
    initial.rename(tmp_path / "moved")
    train(checked, stopped, resume=True, reporter=resumed)
    assert resumed.messages == []
    assert weights(stopped) == weights(whole)
    assert lines(stopped) == lines(whole)


def test_a_complete_run_stays_as_it_is(
    tmp_path: Path, finished_run: Path, trained_run: Path
) -> None:
    again = train(recipe(tmp_path), finished_run, resume=True)
    assert again.scores is not None
    last = lines(trained_run)[-1]
    assert again.scores.answer.nll == last["fused"]["nll"]
    assert weights(finished_run) == weights(trained_run)
    assert lines(finished_run) == lines(trained_run)


def test_a_folder_with_other_content_is_refused(
    tmp_path: Path, trained_run: Path, contents: Callable[[Path], dict[Path, int]]
) -> None:
    checked, before = recipe(tmp_path), contents(trained_run)
    assert refusal(checked, trained_run) == "DS533"
    assert contents(trained_run) == before
    other = tmp_path / "other"
    other.mkdir()
    for name in ("spec.yaml", "classes.json", "thesis.txt"):  # as a run may have
        (other / name).write_text("mine")
    assert refusal(checked, other) == "DS533"
    assert refusal(checked, other, resume=True) == "DS534"
    assert {each.read_text() for each in other.iterdir()} == {"mine"}


def refusal(checked: CheckedRecipe, folder: Path, *, resume: bool = False) -> str:
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
def test_a_run_is_resumed_with_its_own_recipe_only(
    tmp_path: Path,
    trained_run: Path,
    sections: dict[str, Any],
    fields: list[str] | None,
) -> None:
    with pytest.raises(RunError) as caught:
        train(recipe(tmp_path, **sections), trained_run, resume=True)
    found = caught.value.diagnostics
    assert {each.code for each in found} == {"DS535"}
    if fields is not None:
        assert [each.message.split(" has ")[1].split()[0] for each in found] == fields


def test_a_field_that_the_recipe_does_not_set(
    tmp_path: Path, finished_run: Path
) -> None:
    text = (finished_run / "recipe.yaml").read_text()
    changed = re.sub(r"min_lr: .*", "min_lr: 0.0005", text)
    (finished_run / "recipe.yaml").write_text(changed)
    checked = recipe(tmp_path)
    found = failure(checked, finished_run)
    assert found.message == f"the run in {finished_run} has schedule.min_lr 0.0005"
    assert found.notes == ("`schedule.min_lr` is 1e-05 by default",)
    assert checked.document is not None
    assert found.primary.span == checked.document.spans["schedule",].key


def test_settings_that_change_no_result_may_differ(
    tmp_path: Path, stopped_run: Path, trained_run: Path
) -> None:
    other = {
        "log_every": 1,
        "evaluate_every": 12,
        "checkpoint_every": 5,
        "gradient_checkpointing": True,
    }
    train(recipe(tmp_path, run=other), stopped_run, resume=True)
    assert weights(stopped_run) == weights(trained_run)


CONSTANT = {"optimizer": {"lr": 1e-3, "lr_batch": None}, "run": {"ema": 0.9}}


@pytest.mark.parametrize(
    ("first", "longer"),
    [({"steps": 6}, {"steps": 12}), ({"epochs": 1, "steps": None}, {"steps": 12})],
)
def test_a_run_with_a_constant_rate_is_made_longer(
    tmp_path: Path, first: dict[str, Any], longer: dict[str, Any]
) -> None:
    """It has the weights of a run that was as long from the beginning."""
    constant = {"min_lr": 1e-3, "warmup_lr": 1e-4}
    folder, whole = tmp_path / "run", tmp_path / "whole"
    train(recipe(tmp_path, schedule={**constant, **first}, **CONSTANT), folder)
    checked = recipe(tmp_path, schedule={**constant, **longer}, **CONSTANT)
    assert train(checked, folder, resume=True).step == 12
    train(checked, whole)
    assert weights(folder) == weights(whole)
    assert '"steps": 12' not in (folder / "recipe.yaml").read_text()
    assert "steps: 12" in (folder / "recipe.yaml").read_text()


def test_a_run_with_a_cosine_keeps_its_length(
    tmp_path: Path, trained_run: Path
) -> None:
    longer = recipe(tmp_path, schedule={"steps": 24})
    found = failure(longer, trained_run)
    assert found.code == "DS535"
    assert found.primary.span == longer.span("schedule.steps")
    assert found.message == (
        f"the learning rates of the 12 steps of the run in {trained_run} depend on its "
        "length, 12 steps"
    )
    assert f"start a new run with `student.weights: {trained_run}`" in found.helps[0]
    shorter = recipe(tmp_path, schedule={"steps": 8})
    found = failure(shorter, trained_run)
    assert (found.code, found.message) == (
        "DS535",
        f"the run in {trained_run} has taken 12 steps, more than 8",
    )


class KilledError(BaseException):
    """Stands for the end of the process, so nothing may catch it."""


def test_a_run_killed_as_it_begins_can_begin_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
        has_recipe = "recipe.yaml" in states[-1]
        if has_recipe:
            assert refusal(checked, folder) == "DS533"  # it holds a run
        finished = train(checked, folder, resume=has_recipe or moment % 2 == 0)
        assert finished.complete
        assert weights(folder) == weights(tmp_path / "whole")
        names = {each.name for each in folder.iterdir()}
        assert names == {each.name for each in (tmp_path / "whole").iterdir()}
    assert not any("recipe.yaml" in names for names in states[:2])
    assert "classes.json" in states[-1]


def failure(checked: CheckedRecipe, folder: Path) -> Diagnostic:
    """The finding that ends a run that is resumed."""
    with pytest.raises((RunError, WeightsError)) as caught:
        train(checked, folder, resume=True)
    (found,) = caught.value.diagnostics
    return found


def test_a_checkpoint_that_cannot_be_read(
    tmp_path: Path, stopped_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, path = safetensors_file.read, last_checkpoint(stopped_run)

    def refuse(file: Path, name: str) -> Any:
        if file == path:
            raise PermissionError(errno.EACCES, "Permission denied", name)
        return read(file, name)

    monkeypatch.setattr(safetensors_file, "read", refuse)
    found = failure(recipe(tmp_path), stopped_run)
    assert found.code == "DS401"
    assert found.message == "the checkpoint cannot be read: permission denied"


def test_a_truncated_checkpoint(tmp_path: Path, stopped_run: Path) -> None:
    path = last_checkpoint(stopped_run)
    assert path is not None
    path.write_bytes(path.read_bytes()[:5000])
    found = failure(recipe(tmp_path), stopped_run)
    assert found.code == "DS403"
    assert found.helps[0].startswith("delete the file; `--resume` starts again")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _: {"a": torch.zeros(1)}, "is not a checkpoint of this run"),
        (lambda x: {**x, "more": torch.zeros(1)}, "differs in more"),
        (lambda x: {**x, "run.sums": torch.zeros(5)}, "differs in run.sums"),
        (lambda x: {k: x[k] for k in x if k != "run.step"}, "differs in run.step"),
    ],
)
def test_another_file_in_the_place_of_a_checkpoint(
    change: Any, message: str, tmp_path: Path, stopped_run: Path
) -> None:
    path = last_checkpoint(stopped_run)
    assert path is not None
    other = tmp_path / "other"  # the tensors are mapped from the file itself
    with other.open("wb") as file:
        safetensors_file.write(file, change(state(stopped_run)))
    other.replace(path)
    found = failure(recipe(tmp_path), stopped_run)
    assert found.code == "DS401"
    assert message in found.message


def test_a_run_without_its_recipe_is_not_resumed(
    tmp_path: Path, stopped_run: Path
) -> None:
    """Nothing would show that it has the same recipe."""
    (stopped_run / "recipe.yaml").unlink()
    found = failure(recipe(tmp_path), stopped_run)
    assert found.code == "DS534"
    assert "a run without its recipe.yaml" in found.message


def test_later_and_incomplete_and_damaged_lines_are_removed(tmp_path: Path) -> None:
    """A power cut may leave zeros."""
    damaged = b'\0\0\0\n[1]\n{"step": "x"}\n{"step": 4, "los\n\xff\n'
    head = '{"top1": 0.5, "top5": 1.0, "nll": 0.7, "ece": 0.1}'
    line = f'{{"step": 4, "cls": {head}, "seconds": 1.5, "of a later version": []}}\n'
    sound = line.encode() + b'{"step": 6}\n{"st'
    (tmp_path / METRICS).write_bytes(b'{"step": 2}\n' + damaged + sound)
    log = MetricsLog(tmp_path, 4)
    log.add({"step": 6})
    found = read_metrics(tmp_path)
    assert [line.step for line in found.records] == [2, 4, 6]
    assert found.texts[1].decode() == line
    assert log.warning is not None
    assert log.warning.message == "5 of 8 lines were damaged and skipped"
    assert log.warning.notes == ("line 2, 3, 4, 5, 6",)
    assert log.seconds == 1.5
    assert log.has_scores(4)
    assert not log.has_scores(2)


def test_a_run_is_resumed_whatever_is_in_its_metrics(
    tmp_path: Path, stopped_run: Path, trained_run: Path
) -> None:
    path = stopped_run / METRICS
    first, *more = path.read_text().splitlines(keepends=True)
    values = ('"3"', "null", "1e999", "{}", "[]", "1e400")
    damaged = [
        first.replace(f'"{key}": {json.dumps(value)}', f'"{key}": {other}')
        for key, value in json.loads(first).items()
        if key in {"step", "loss", "labels", "teacher", "seconds"}
        for other in values
    ]
    assert first not in damaged
    path.write_text("".join([first, *damaged, *more]))
    done = run("train", str(recipe(tmp_path).path), "-o", str(stopped_run), "--resume")
    assert done.returncode == 0, done.stderr
    count = len(damaged)
    total = count + 1 + len(more)
    assert (
        f"warning[DS553]: {count} of {total} lines were damaged and skipped"
        in done.stderr
    )
    assert lines(stopped_run) == lines(trained_run)
    assert weights(stopped_run) == weights(trained_run)


def test_the_last_checkpoint_is_that_of_the_highest_step(tmp_path: Path) -> None:
    assert last_checkpoint(tmp_path) is None
    folder = checkpoint_path(tmp_path, 0).parent
    folder.mkdir()
    for step in (9, 10_000_000, 200):
        checkpoint_path(tmp_path, step).touch()
    (folder / "step-0000300.safetensors.unfinished").touch()
    assert last_checkpoint(tmp_path) == checkpoint_path(tmp_path, 10_000_000)
