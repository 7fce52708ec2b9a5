"""What the tests of training share."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.runs import GoneError, StopAfter, recipe

from deit_spec.distill.training import run_results, train


@pytest.fixture(autouse=True)
def _without_curves(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Draw curves only for the tests that look at them: half of a short run's time."""
    if "curves" not in request.keywords:
        monkeypatch.setattr(run_results, "draw_curves", lambda *_: None)


@pytest.fixture(scope="session")
def _stopped_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stopped") / "run"
    with pytest.raises(GoneError):
        train(recipe(folder.parent), folder, reporter=StopAfter(5))
    return folder


@pytest.fixture
def stopped_run(_stopped_run: Path, tmp_path: Path) -> Path:
    """The run of `trained_run`, gone after step 5, with the checkpoint of step 4."""
    return Path(shutil.copytree(_stopped_run, tmp_path / "stopped"))


@pytest.fixture
def finished_run(trained_run: Path, tmp_path: Path) -> Path:
    """A copy of `trained_run`, to resume or to change."""
    return Path(shutil.copytree(trained_run, tmp_path / "finished"))


@pytest.fixture
def contents() -> Callable[[Path], dict[Path, int]]:
    """Lists the files of a folder with the times of their changes."""
    return lambda folder: {each: each.stat().st_mtime_ns for each in folder.rglob("*")}
