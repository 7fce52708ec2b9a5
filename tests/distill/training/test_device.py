"""The device of a run, and warnings about its processes and its length."""

from pathlib import Path

import pytest
import torch
from support.recipes import check_images, write_images
from support.runs import recipe

from deit_spec.diagnostics import Diagnostic
from deit_spec.distill.training import Reporter, RunError, train
from deit_spec.distill.training.processes import Processes, require_device
from deit_spec.recipe import CheckedRecipe

ONCE = {"steps": 1, "warmup_steps": 0}


class Warned(Reporter):
    """Keeps the warnings of a run."""

    def __init__(self) -> None:
        self.warnings: list[Diagnostic] = []

    def warned(self, warning: Diagnostic) -> None:
        """Keep a warning."""
        self.warnings.append(warning)


def on(folder: Path, device: str) -> CheckedRecipe:
    return recipe(folder, schedule=ONCE, run={"device": device})


def reason(checked: CheckedRecipe) -> str:
    with pytest.raises(RunError) as caught:
        require_device(checked)
    (found,) = caught.value.diagnostics
    assert (found.code, found.primary.span.line) == ("DS549", line_of(checked))
    return found.message


def line_of(checked: CheckedRecipe) -> int:
    assert checked.path is not None
    text = checked.path.read_text()
    return 1 + [line.strip()[:7] for line in text.splitlines()].index("device:")


def test_the_cpu_is_used_where_there_is_a_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    checked = on(tmp_path, "cpu")
    assert checked.recipe is not None
    assert Processes(checked.recipe).device.type == "cpu"
    assert train(checked, tmp_path / "run").complete


def test_a_gpu_is_chosen_by_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: list[torch.device] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    checked = on(tmp_path, "cuda:1")
    assert checked.recipe is not None
    require_device(checked)
    assert Processes(checked.recipe).device == torch.device("cuda:1")
    assert chosen == [torch.device("cuda:1")]
    other = on(tmp_path, "cuda:2")
    assert reason(other) == "run.device cuda:2 cannot be used: torch finds 2 GPUs"
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert reason(checked) == (
        "run.device cuda:1 cannot be used: each of 2 processes needs its own GPU"
    )


@pytest.mark.parametrize(
    ("device", "found"), [("cuda", "0 GPUs"), ("mps", "no Apple GPU")]
)
def test_a_missing_device_is_an_error_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str, found: str
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    checked = on(tmp_path, device)
    assert reason(checked) == f"run.device {device} cannot be used: torch finds {found}"
    with pytest.raises(RunError, match=found):
        train(checked, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_one_process_where_several_were_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`accelerate launch --num_processes 2` sets these without `--multi_gpu`."""
    checked = on(tmp_path, "cpu")
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "no")
    alone = Warned()  # as with `--num_processes 1`
    train(checked, tmp_path / "alone", reporter=alone)
    assert alone.warnings == []
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    reporter = Warned()
    train(checked, tmp_path / "run", reporter=reporter)
    (found,) = reporter.warnings
    assert found.code == "DS550"
    assert "torchrun --nproc_per_node 2 -m deit_spec train" in found.helps[0]


def test_the_length_is_checked_when_the_images_are_counted(tmp_path: Path) -> None:
    """Twelve images in `train`; a batch of 24 has each of them twice."""
    write_images(tmp_path / "images" / "train", "abc", each=4)
    write_images(tmp_path / "images" / "val", "abc", each=1)
    checked = check_images(
        tmp_path,
        {"folder": "images"},
        schedule={"epochs": 2, "batch_size": 24, "warmup_epochs": 0},
        run={"ema": 0.75, "ema_warmup": False},
    )
    assert checked.diagnostics == ()
    reporter = Warned()
    train(checked, tmp_path / "run", reporter=reporter)
    batch, average = reporter.warnings
    assert (batch.code, average.code) == ("DS546", "DS547")
    assert "12 images: each step uses an image 2.00 times" in batch.message
    assert "has 56 % of the initial weights after 2 steps" in average.message
    summary = (tmp_path / "run" / "summary.md").read_text()
    assert "2 steps of 24 images, 4.0 epochs of 12 images in 3 classes" in summary
