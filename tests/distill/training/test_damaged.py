"""Runs that find their checkpoints, their recipe or their metrics damaged."""

import errno
from pathlib import Path
from typing import Any

import pytest
import torch
from support.runs import GoneError, StopAfter, lines, recipe, state

from deit_spec.distill.training import RunError, Silent, train
from deit_spec.distill.training.names import find_last
from deit_spec.weights import WeightsError, safetensors_file


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
