"""Trackers log what `metrics.jsonl` has, and never stop a run that trains."""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from accelerate import tracking
from support.runs import GoneError, StopAfter, lines, recipe
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from deit_spec.diagnostics import Diagnostic
from deit_spec.distill.training import Reporter, RunError, train
from deit_spec.distill.training.metrics_log import read_metrics
from deit_spec.distill.training.trackers import metrics_of
from deit_spec.recipe import CheckedRecipe
from deit_spec.recipe.run_files import METRICS, TENSORBOARD, TRACKERS

PLUGIN = "hparams"


def tracked(folder: Path, *trackers: str, **sections: Any) -> CheckedRecipe:
    run = {"trackers": list(trackers), **sections.pop("run", {})}
    return recipe(folder, run=run, **sections)


def events(folder: Path) -> EventAccumulator:
    everything = {"scalars": 0, "images": 0}
    found = EventAccumulator(str(folder / TENSORBOARD), size_guidance=everything)
    return found.Reload()


def place_of(found: Diagnostic) -> tuple[str, int, int]:
    span = found.primary.span
    return found.code, span.line, span.column


class Warned(Reporter):
    """Keeps the warnings of a run."""

    def __init__(self) -> None:
        self.warnings: list[Diagnostic] = []

    def warned(self, warning: Diagnostic) -> None:
        """Keep a warning."""
        self.warnings.append(warning)


@pytest.mark.curves
def test_tensorboard_has_each_number_of_the_metrics_once(tmp_path: Path) -> None:
    """Also after a kill between two checkpoints: the steps taken again count once."""
    checked, folder = tracked(tmp_path, "tensorboard"), tmp_path / "run"
    with pytest.raises(GoneError):
        train(checked, folder, reporter=StopAfter(7))  # after the checkpoint of step 4
    train(checked, folder, resume=True)
    written = Counter[tuple[str, int, float]]()
    for text in read_metrics(folder).texts:
        line = json.loads(text)
        numbers = metrics_of(line).items()
        written |= Counter((name, line["step"], value) for name, value in numbers)
    assert {step for _, step, _ in written} == {3, 6, 9, 12}
    found = events(folder)
    logged = [
        (name, event.step, pytest.approx(event.value, rel=1e-6))
        for name in found.Tags()["scalars"]
        for event in found.Scalars(name)
    ]
    assert sorted(written.elements()) == sorted(logged, key=lambda each: each[:2])
    images = {name: found.Images(name) for name in found.Tags()["images"]}
    steps = {name: [event.step for event in each] for name, each in images.items()}
    assert steps == {"first batch": [1], "curves": [12]}
    settings = found.summary_metadata["_hparams_/session_start_info"].plugin_data
    assert settings.plugin_name == PLUGIN
    assert b"optimizer.lr" in settings.content


def test_a_tracker_that_is_not_installed_is_an_error_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "_available_trackers", ["tensorboard"])
    checked = tracked(tmp_path, "tensorboard", "wandb", "mlflow")
    assert not checked.diagnostics  # the recipe may run on another machine
    with pytest.raises(RunError) as caught:
        train(checked, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    assert checked.path is not None
    text = checked.path.read_text().splitlines()
    expected = [1 + text.index(f"  - {name}") for name in ("wandb", "mlflow")]
    places = [place_of(found) for found in caught.value.diagnostics]
    assert places == [("DS570", line, 5) for line in expected]


def fail(*_: object, **__: object) -> None:
    raise ConnectionError(f"no route to the server\n{'and more ' * 20}")


def test_a_tracker_that_cannot_start_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking.TensorBoardTracker, "start", fail)
    with pytest.raises(RunError) as caught:
        train(tracked(tmp_path, "tensorboard"), tmp_path / "run")
    (found,) = caught.value.diagnostics
    assert found.code == "DS571"
    assert found.message == "tensorboard cannot be started: no route to the server"
    assert not lines(tmp_path / "run")


def test_a_run_goes_on_without_a_tracker_that_fails(
    tmp_path: Path, trained_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking.TensorBoardTracker, "log", fail)
    reporter = Warned()
    checked = tracked(tmp_path, "tensorboard")
    assert train(checked, tmp_path / "run", reporter=reporter).complete
    (warning,) = reporter.warnings
    assert warning.code == "DS572"
    assert lines(tmp_path / "run") == lines(trained_run)


def test_a_resumed_run_continues_the_runs_of_its_trackers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """W&B and MLflow get the run that they began with, and the settings once."""
    wandb, mlflow = MagicMock(), MagicMock()
    wandb.init.return_value.id = "blue-owl"
    mlflow.start_run.return_value.info.run_id = "7f"
    mlflow.search_experiments.return_value = []
    mlflow.utils.validation.MAX_PARAM_VAL_LENGTH = 6000
    mlflow.utils.validation.MAX_PARAMS_TAGS_PER_BATCH = 100
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    monkeypatch.setattr(tracking, "_available_trackers", ["wandb", "mlflow"])
    checked, folder = tracked(tmp_path, "wandb", "mlflow"), tmp_path / "run"
    with pytest.raises(GoneError):
        train(checked, folder, reporter=StopAfter(5))
    train(checked, folder, resume=True)
    begun = [each.kwargs["id"] for each in wandb.init.call_args_list]
    assert begun == [None, "blue-owl"]
    begun = [each.kwargs["run_id"] for each in mlflow.start_run.call_args_list]
    assert begun == [None, "7f"]
    wandb.config.update.assert_called_once()
    mlflow.log_params.assert_called_once()
    assert mlflow.log_params.call_args.args[0]["optimizer.lr"] == pytest.approx(2e-3)
    assert wandb.init.return_value.finish.call_count == len(begun)
    titles = [each.args[1] for each in mlflow.log_image.call_args_list]
    assert titles == ["first batch.png"]


def test_by_default_nothing_is_tracked(trained_run: Path) -> None:
    names = {each.name for each in trained_run.iterdir()}
    assert METRICS in names
    assert not names & {TRACKERS, TENSORBOARD}
