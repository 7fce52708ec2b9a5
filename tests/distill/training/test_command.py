"""`deit-spec train`: its messages, exit codes and signals."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.commands import ROOT, run
from support.recipes import PLAIN, check_images, write_images
from support.runs import KINDS, lines, recipe, weights

from deit_spec.cli.training_progress import summarise_end
from deit_spec.distill import optional_packages
from deit_spec.distill.training import Finished


@pytest.mark.curves
def test_it_trains_and_reports_progress(tmp_path: Path) -> None:
    recipe(tmp_path)
    done = run("train", str(tmp_path / "recipe.yaml"), "-o", str(tmp_path / "run"))
    assert (done.returncode, done.stdout) == (0, "")
    stderr = re.sub(r"[\d,.]+ images/s, [\d:]+ left", "- images/s, - left", done.stderr)
    stderr = re.sub(r"\d+\.\d+( %|e-\d+)?", "0.0", stderr).replace(str(tmp_path), "")
    assert stderr.splitlines() == [
        "training digits_convnet, the teacher: 2 steps",
        "digits: 87,092 parameters, hard distillation from digits_convnet",
        "100 images to train on, 100 held out, 10 classes",
        "12 steps of 16 images on cpu",
        *(_line(3), _saved(4), _line(6), "the teacher's top-1: 0.0", _scores(6)),
        *(_saved(8), _line(9)),
        *(_line(12), _scores(12), _saved(12)),
        "wrote /run: model.safetensors, curves.png, summary.md",
    ]


def _line(step: int) -> str:
    loss = "loss 0.0 (labels 0.0, teacher 0.0)"
    return f"step {step:>2}/12  {loss}, lr 0.0, - images/s, - left"


def _saved(step: int) -> str:
    return f"step {step:>2}/12  saved step-{step:07}.safetensors"


def _scores(step: int) -> str:
    heads = "class head 0.0, distillation head 0.0, fused 0.0"
    return f"step {step:>2}/12  top-1: {heads}"


def test_a_field_is_set_and_a_taken_folder_refused(tmp_path: Path) -> None:
    recipe(tmp_path)
    command = ["train", str(tmp_path / "recipe.yaml"), "-o", str(tmp_path / "run")]
    assert run(*command, "--set", "schedule.steps=3").returncode == 0
    assert [line["step"] for line in lines(tmp_path / "run")][-1] == 3
    taken = run(*command)
    assert taken.returncode == 1
    assert "error[DS533]" in taken.stderr
    other = run(*command, "--resume", "--set", "optimizer.lr=1e-3")
    assert other.returncode == 1
    assert "error[DS535]" in other.stderr
    assert "optimizer.lr 0.002" in other.stderr


def test_errors_of_a_recipe_end_it_before_anything_is_written(tmp_path: Path) -> None:
    recipe(tmp_path)
    command = ["train", str(tmp_path / "recipe.yaml"), "-o", str(tmp_path / "run")]
    done = run(*command, "--set", "optimizer.lr=fast", "--set", "run.sed=1")
    assert done.returncode == 1
    assert done.stderr.count("error[") == 2
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_exits_as_shells_expect(
    tmp_path: Path, number: signal.Signals
) -> None:
    kind = {**KINDS["random layers"], "schedule": {"steps": 200}}
    recipe(tmp_path, **kind, run={"checkpoint_every": 200, "evaluate_every": 200})
    command = [
        *(sys.executable, "-m", "deit_spec", "train"),
        *(str(tmp_path / "recipe.yaml"), "-o", str(tmp_path / "run")),
    ]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_heed,  # noqa: PLW1509  -- there are no threads here
    ) as child:
        metrics = tmp_path / "run" / "metrics.jsonl"
        while child.poll() is None and not (
            metrics.exists() and metrics.stat().st_size
        ):
            time.sleep(0.01)
        child.send_signal(number)
        stderr = child.communicate()[1]
    assert child.returncode == 128 + number, stderr
    assert f"stopped by {number.name} after step" in stderr
    again = run(*command[3:], "--resume")
    assert again.returncode == 0
    assert "resumed after step" in again.stderr
    assert run(*command[3:-1], str(tmp_path / "whole")).returncode == 0
    assert weights(tmp_path / "run") == weights(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGPIPE"), reason="pipes of Unix")
def test_a_run_continues_after_its_pipe_is_closed(tmp_path: Path) -> None:
    """As in `deit-spec train … 2>&1 | head -1`."""
    recipe(tmp_path)
    folder = tmp_path / "run"
    command = ["train", str(tmp_path / "recipe.yaml"), "-o", str(folder)]
    with subprocess.Popen(
        [sys.executable, "-m", "deit_spec", *command],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stderr is not None
        assert child.stderr.readline().startswith("training digits_convnet")
        child.stderr.close()
    assert child.returncode == 0
    assert [line["step"] for line in lines(folder)][-1] == 12


def test_a_run_that_stops_early_names_what_it_wrote(tmp_path: Path) -> None:
    """There are no curves of one line."""
    finished = Finished(None, tmp_path, 1, complete=False, signal=15, seconds=1.0)
    (tmp_path / "summary.md").touch()
    assert summarise_end(finished) == f"wrote {tmp_path}: summary.md"


@pytest.mark.parametrize(
    ("command", "file", "words_"),
    [
        ("train", "specs/base.yaml", "is a spec, not a recipe"),
        ("train", "recipes/digits-study.yaml", "is a study, not a recipe"),
        ("study", "recipes/digits.yaml", "is a recipe, not a study"),
        ("study", "specs/base.yaml", "is a spec, not a study"),
    ],
)
def test_another_kind_of_file_is_one_error(
    command: str, file: str, words_: str, tmp_path: Path
) -> None:
    done = run(command, str(ROOT / file), "-o", str(tmp_path / "out"))
    assert (done.returncode, done.stdout) == (2, "")
    assert words_ in done.stderr
    assert done.stderr.count("\n") == 1


def test_ctrl_c_while_it_is_imported(tmp_path: Path) -> None:
    """As soon as Python runs our own code, no traceback is shown."""
    code = (
        "import signal, sys\n"
        "class Asked:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'deit_spec.cli.output':\n"
        "            raise KeyboardInterrupt\n"
        "from deit_spec import cli\n"
        "sys.modules.pop('deit_spec.cli.output', None)\n"
        "sys.meta_path.insert(0, Asked())\n"
        "cli.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "validate"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, "")


def _heed() -> None:
    """Heed SIGINT, which shells let what they start in the background ignore."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_a_missing_package_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As without the extra `train`."""
    recipe(tmp_path)
    find = optional_packages.find_spec
    hidden = {"accelerate": None}
    monkeypatch.setattr(
        optional_packages, "find_spec", lambda name: hidden.get(name, find(name))
    )
    done = run("train", str(tmp_path / "recipe.yaml"), "-o", str(tmp_path / "run"))
    assert done.returncode == 2
    assert done.stderr == (
        'error: runs need accelerate: pip install "deit-spec[train]"\n'
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_signal_to_all_processes_saves_too(tmp_path: Path) -> None:
    """As `timeout`, Slurm and a terminal send it: to those that read images, too."""
    write_images(tmp_path / "images", "abc", 8)
    check_images(
        tmp_path,
        {"folder": "images", "workers": 2},
        augmentation={**PLAIN, "drop_path": 0.0},
        schedule={"steps": 100_000, "batch_size": 4, "warmup_steps": 1},
        run={"log_every": 2, "evaluate_every": 99_999, "checkpoint_every": 99_999},
    )
    command = [
        *(sys.executable, "-m", "deit_spec", "train"),
        *(str(tmp_path / "recipe.yaml"), "-o", str(tmp_path / "run")),
    ]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as child:
        metrics = tmp_path / "run" / "metrics.jsonl"
        while child.poll() is None and not (
            metrics.exists() and metrics.stat().st_size
        ):
            time.sleep(0.01)
        assert child.poll() is None, child.communicate()[1]
        os.killpg(child.pid, signal.SIGTERM)
        stderr = child.communicate()[1]
    assert child.returncode == 128 + signal.SIGTERM, stderr
    assert "stopped by SIGTERM after step" in stderr
    assert len(list((tmp_path / "run" / "checkpoints").iterdir())) == 1
