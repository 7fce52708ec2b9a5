"""Several processes on the CPU do what one does; a killed process loses nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import launch
from support.recipes import SPECS
from support.runs import HARD, KINDS, GoneError, StopAfter, lines, recipe

from deit_spec.distill.training import train

STEPS = 50
TESTS = Path(__file__).parents[2]
KILLS = 20
MIXED = {"augmentation": {**HARD, "drop_path": 0.0, "cutmix": 0.5}}


@pytest.mark.slow
@pytest.mark.parametrize(
    "run",
    [
        {"parallel": "ddp"},
        {"parallel": "ddp", "accumulate": 2, "ema": 0.9},
        {"parallel": "fsdp2", "accumulate": 2, "ema": 0.9},
        {"parallel": "ddp", "gradient_checkpointing": True},
        {"parallel": "fsdp2", "gradient_checkpointing": True},
    ],
    ids=["ddp", "ddp accumulated", "fsdp2", "ddp frozen", "fsdp2 frozen"],
)
def test_two_follow_one(tmp_path: Path, run: dict[str, object]) -> None:
    """Also if parts are frozen, which is tested with LAMB and recomputed blocks."""
    fine_tuning = KINDS["everything"] if "gradient_checkpointing" in run else {}
    checked = recipe(
        tmp_path,
        **MIXED,
        schedule={"steps": STEPS},
        student=fine_tuning.get("student", {"spec": str(SPECS / "digits.yaml")}),
        optimizer={"clip": 1.0, **fine_tuning.get("optimizer", {})},
        run={**run, "log_every": 1, "evaluate_every": 25, "checkpoint_every": 25},
    )
    train(checked, tmp_path / "one")
    done = launch("train", tmp_path / "recipe.yaml", "-o", tmp_path / "two")
    assert done.returncode == 0, done.stderr
    assert "50 steps of 16 images on cpu, 2 processes" in done.stderr
    assert done.stderr.count("wrote ") == 1  # the main process alone speaks
    one, two = lines(tmp_path / "one"), lines(tmp_path / "two")
    assert len(one) == len(two) == STEPS + 2
    for ours, theirs in zip(one, two, strict=True):
        assert ours.keys() == theirs.keys()
        for key in ("loss", "labels", "teacher", "grad_norm"):
            assert ours.get(key, 0) == pytest.approx(theirs.get(key, 0), rel=1e-4)
        assert ours["step"] == theirs["step"]
        assert ours.get("images") == theirs.get("images")
    # One process goes on with what two have saved, and is at its end.
    again = train(checked, tmp_path / "two", resume=True)
    assert again.scores is not None
    assert again.scores.answer.nll == pytest.approx(two[-1]["fused"]["nll"], rel=1e-6)


@pytest.mark.slow
def test_a_batch_that_processes_cannot_share_is_refused_once(tmp_path: Path) -> None:
    recipe(tmp_path, schedule={"batch_size": 15}, run={"checkpoint_every": 1})
    done = launch("train", tmp_path / "recipe.yaml", "-o", tmp_path / "run")
    assert done.returncode == 1
    assert done.stderr.count("error[DS513]") == 1
    assert "a batch of 15 images is not divisible by 2 processes" in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_two_resume_after_one_was_killed(tmp_path: Path) -> None:
    """A checkpoint does not depend on the number of processes."""
    checked = recipe(
        tmp_path, **MIXED, schedule={"steps": 16}, run={"parallel": "fsdp2"}
    )
    train(checked, tmp_path / "one")
    with pytest.raises(GoneError):
        train(checked, tmp_path / "two", reporter=StopAfter(9))
    done = launch("train", tmp_path / "recipe.yaml", "-o", tmp_path / "two", "--resume")
    assert done.returncode == 0, done.stderr
    assert "resumed after step 8" in done.stderr
    one, two = lines(tmp_path / "one"), lines(tmp_path / "two")
    assert [line["step"] for line in one] == [line["step"] for line in two]
    assert one[-2]["loss"] == pytest.approx(two[-2]["loss"], rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("code", [0, 1, 143])
def test_a_process_of_a_group_exits_with_its_code(tmp_path: Path, code: int) -> None:
    """After what it wrote and its exit handlers, without ending the interpreter."""
    program = f"""
import atexit, sys
from torch import distributed
from deit_spec.distill.training import processes

class Last:
    def __del__(self):
        print("the interpreter ended")

last = Last()
processes.exit_from_group({code})  # there is no group yet
distributed.init_process_group(
    "gloo", rank=0, world_size=1, store=distributed.FileStore({str(tmp_path / "f")!r})
)
atexit.register(print, "handler")
sys.stdout.write("output ")
processes.exit_from_group({code})
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(TESTS.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, "output handler\n"), done.stderr


@pytest.mark.slow
def test_an_error_of_one_process_is_reported(tmp_path: Path) -> None:
    """And an error of both is reported once."""
    for name, ranks in (("second", "1"), ("both", "01")):
        recipe(tmp_path, teacher={"python": f"teacher_of_{name}:make"})
        (tmp_path / f"teacher_of_{name}.py").write_text(
            "import os\n"
            "from torch import nn\n"
            "def make(classes):\n"
            f"    if os.environ['RANK'] in '{ranks}':\n"
            "        raise RuntimeError('no eyes')\n"
            "    return nn.Sequential(nn.Flatten(), nn.Linear(64, classes))\n"
        )
        folder = tmp_path / name
        done = launch("train", tmp_path / "recipe.yaml", "-o", folder, "--allow-code")
        assert done.returncode == 1
        assert done.stderr.count("error[DS527]") == 1, done.stderr
        assert "no eyes" in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_a_run_killed_at_any_moment_resumes_to_the_same_result(tmp_path: Path) -> None:
    program = TESTS / "support" / "killing.py"
    result = subprocess.run(
        [sys.executable, "-W", "error", program, tmp_path, str(KILLS)],
        env={**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith(f"killed {KILLS} times\n")


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_accelerate_that_starts_one_process_for_several(
    tmp_path: Path, processes: int
) -> None:
    """With `--cpu` it always starts one, which is noticed if more were asked for."""
    recipe(tmp_path, schedule={"steps": 2, "warmup_steps": 0})
    done = subprocess.run(
        [
            *(sys.executable, "-m", "accelerate.commands.launch", "--cpu"),
            *("--num_processes", str(processes), "-m", "deit_spec", "train"),
            *(tmp_path / "recipe.yaml", "-o", tmp_path / "run"),
        ],
        env={**os.environ, "PYTHONPATH": str(TESTS.parent), "HF_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "on cpu, 2 processes" not in done.stderr
    assert ("warning[DS550]" in done.stderr) == (processes > 1)
