"""Runs in this process: what they leave, and that they go on as if never stopped."""

import errno
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from support.recipes import SPECS
from support.runs import KINDS, lines, recipe, weights
from support.untrained import save_weights

import deit_spec
from deit_spec.distill.data import open_data
from deit_spec.distill.evaluation import Scores, evaluate
from deit_spec.distill.metrics import HeadScores
from deit_spec.distill.training import RunError, Silent, run, train
from deit_spec.distill.training.names import find_last
from deit_spec.distill.training.student import open_student
from deit_spec.recipe import CheckedRecipe, check_recipe
from deit_spec.weights import WeightsError, safetensors_file


class GoneError(Exception):
    """Takes the place of a process that is gone."""


class StopAfter(Silent):
    """Is gone after a step, or asks to stop as a signal does."""

    def __init__(self, step: int, number: int | None = None) -> None:
        self.step, self.number = step, number

    def stepped(self, step: int) -> None:
        if step == self.step and self.number is not None:
            os.kill(os.getpid(), self.number)
        elif step == self.step:
            raise GoneError


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
    assert _state(stopped).keys() == _state(whole).keys()
    assert all(
        torch.equal(value, _state(whole)[name])
        for name, value in _state(stopped).items()
    )
    assert lines(stopped) == lines(whole)


def _state(folder: Path) -> dict[str, torch.Tensor]:
    path = find_last(folder)
    assert path is not None
    return safetensors_file.read(path, path.name)


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
    assert "It was stopped there" in (folder / "summary.md").read_text()
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


def test_the_folder_holds_what_it_is_said_to(tmp_path: Path) -> None:
    checked, folder = recipe(tmp_path), tmp_path / "run"
    finished = train(checked, folder)
    assert {each.name for each in folder.iterdir()} == {
        "checkpoints",
        "classes.json",
        "curves.png",
        "curves.svg",
        "metrics.jsonl",
        "model.safetensors",
        "recipe.yaml",
        "spec.yaml",
        "summary.md",
        "teacher.safetensors",
    }
    assert len(list((folder / "checkpoints").iterdir())) == 1
    metrics = lines(folder)
    assert [line["step"] for line in metrics if "loss" in line] == [3, 6, 9, 12]
    assert [line["step"] for line in metrics if "cls" in line] == [6, 12]
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert "distillation head" in (folder / "summary.md").read_text()
    fusion = deit_spec.load_spec(folder / "spec.yaml").variant.fusion
    model = deit_spec.load(folder / "spec.yaml", weights=folder / "model.safetensors")
    scores = evaluate(model, open_data(checked).val(50), fusion=fusion)
    assert finished.scores is not None
    assert scores.answer.top1 == finished.scores.answer.top1
    assert scores.answer.nll == pytest.approx(finished.scores.answer.nll)


def test_the_recipe_in_the_folder_gives_the_same_run(tmp_path: Path) -> None:
    train(recipe(tmp_path, **KINDS["random layers"]), tmp_path / "run")
    again = check_recipe(tmp_path / "run" / "recipe.yaml")
    assert not again.diagnostics
    train(again, tmp_path / "again")
    assert weights(tmp_path / "again") == weights(tmp_path / "run")
    for name in ("recipe.yaml", "spec.yaml"):
        first = (tmp_path / "run" / name).read_text()
        assert (tmp_path / "again" / name).read_text() == first


def test_parts_of_a_step_add_up_to_it(tmp_path: Path) -> None:
    for name, parts in (("one", 1), ("four", 4)):
        checked = recipe(tmp_path / name, run={"accumulate": parts})
        train(checked, tmp_path / name / "run")
    one, four = (lines(tmp_path / name / "run") for name in ("one", "four"))
    losses = [[each["loss"] for each in some if "loss" in each] for some in (one, four)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_the_average_is_evaluated_and_saved_in_place_of_the_weights(
    tmp_path: Path,
) -> None:
    """With a decay of 0 it is the weights; with a high one, nearly the first ones."""
    for name, decay in (("none", None), ("zero", 0.0), ("high", 0.999)):
        checked = recipe(tmp_path / name, run={"ema": decay})
        train(checked, tmp_path / name / "run")
    none, zero, high = (tmp_path / name / "run" for name in ("none", "zero", "high"))
    assert weights(zero) == weights(none)
    assert lines(zero) == lines(none)
    assert weights(high) != weights(none)
    assert lines(high)[0] == lines(none)[0]  # what is trained is the same


def test_the_seed_decides_all(tmp_path: Path) -> None:
    runs = {"a": 0, "b": 0, "c": 1}
    for name, seed in runs.items():
        checked = recipe(
            tmp_path / name, **KINDS["random layers"] | {"run": {"seed": seed}}
        )
        torch.manual_seed(len(name))
        train(checked, tmp_path / name / "run")
    a, b, c = (weights(tmp_path / name / "run") for name in runs)
    assert a == b
    assert a != c


def test_a_run_finds_the_code_of_its_teacher_from_its_own_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "flattening", raising=False)
    checked = recipe(
        tmp_path / "a", teacher={"python": "flattening:model", "num_classes": 10}
    )
    (tmp_path / "a" / "flattening.py").write_text(
        "from torch import nn\n\ndef model(classes):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(64, classes))\n"
    )
    train(checked, Path("run"), allow_code=True)
    del sys.modules["flattening"]
    again = check_recipe(Path("run", "recipe.yaml"))
    assert train(again, Path("again"), allow_code=True).complete
    assert train(checked, Path("run"), resume=True, allow_code=True).complete


def test_a_student_may_begin_from_weights_of_another_size(tmp_path: Path) -> None:
    """And of other classes: positions are resampled, heads drawn afresh."""
    spec = (SPECS / "digits.yaml").read_text()
    other = {"image_size: 8": "image_size: 16", "classes: 10": "classes: 3"}
    for old, new in other.items():
        assert old in spec
        spec = spec.replace(old, new)
    (tmp_path / "wide.yaml").write_text(spec)
    file = save_weights(tmp_path / "wide.yaml", tmp_path / "wide.safetensors")
    student = {"spec": str(SPECS / "digits.yaml"), "weights": str(file)}
    told: list[str] = []

    class Listen(Silent):
        def said(self, message: str) -> None:
            told.append(message)

    checked = recipe(tmp_path, student=student)
    begun = open_student(checked, Listen()).state_dict()
    heads = "head.weight, head.bias, head_dist.weight, head_dist.bias"
    assert told == [
        "pos_embed resampled: 8×8 → 4×4, bicubic; 2 prefix tokens kept",
        f"{heads} re-initialised: 3 → 10 classes",
    ]
    given = safetensors_file.read(file, file.name)
    assert begun.keys() == given.keys()
    assert begun["pos_embed"].shape == (1, 2 + 4 * 4, 48)
    assert torch.equal(begun["pos_embed"][:, :2], given["pos_embed"][:, :2])
    for name in begun.keys() - {"pos_embed"}:
        if name.startswith("head"):
            assert len(begun[name]) == 10
            assert not torch.equal(begun[name][:3], given[name])
        else:
            assert torch.equal(begun[name], given[name])
    assert train(checked, tmp_path / "run").complete


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
    kept = _state(tmp_path / "run")
    assert all(value.isfinite().all() for value in kept.values())


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


def test_bf16_trains_with_weights_of_fp32(tmp_path: Path) -> None:
    train(recipe(tmp_path, run={"precision": "bf16"}), tmp_path / "run")
    assert {
        value.dtype
        for name, value in _state(tmp_path / "run").items()
        if name != "run.step"
    } == {torch.float32}
    assert all(
        "loss" not in line or line["loss"] < 4 for line in lines(tmp_path / "run")
    )


FIRST_FILES = ("classes.json", "spec.yaml", "recipe.yaml")


class KilledError(BaseException):
    """Takes the place of a process that is gone, as nothing is to catch it."""


@pytest.mark.parametrize("resume", [False, True])
def test_killed_as_it_begins_it_begins_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, resume: bool
) -> None:
    """Killed before each file has its name, and after; half of it beside its place."""
    checked = recipe(tmp_path, schedule={"steps": 2, "warmup_steps": 1})
    train(checked, tmp_path / "whole")
    replace, states = Path.replace, set()
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
        states.add(frozenset(each.name for each in folder.iterdir()))
        finished = train(checked, folder, resume=resume)
        assert finished.complete
        assert weights(folder) == weights(tmp_path / "whole")
        names = {each.name for each in folder.iterdir()}
        assert names == {each.name for each in (tmp_path / "whole").iterdir()}
    assert len(states) == 8
    assert all(any(name in state for state in states) for name in FIRST_FILES)


def test_what_somebody_else_has_written_is_no_leftover(tmp_path: Path) -> None:
    checked, folder = recipe(tmp_path), tmp_path / "run"
    folder.mkdir()
    for name in ("spec.yaml", "classes.json"):
        (folder / name).write_text("mine")
    assert _refusal(checked, folder) == "DS533"
    (folder / "beginning").touch()
    (folder / "thesis.txt").touch()
    assert _refusal(checked, folder) == "DS533"
    assert _refusal(checked, folder, resume=True) == "DS534"
    assert (folder / "spec.yaml").read_text() == "mine"


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
    assert "It was stopped" not in (tmp_path / "run" / "summary.md").read_text()


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
