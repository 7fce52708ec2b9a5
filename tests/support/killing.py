"""Kill runs at random moments and resume them: a program that a test runs.

    python killing.py FOLDER KILLS

Each run is a child forked from a process that has imported everything, so that it
spends its time training and writing. Prints a line for each finished run.
"""

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import accelerate  # noqa: F401  -- what runs import when they need it
import matplotlib.figure  # noqa: F401
import sklearn.datasets  # noqa: F401

from deit_spec.distill.training import train
from deit_spec.recipe.run_files import checkpoint_step, last_checkpoint
from deit_spec.weights import safetensors_file
from support.runs import KINDS, recipe, weights

STEPS = 20


def main(folder: Path, kills: int) -> None:
    """Kill runs that many times, with as many runs as that needs."""
    every_step = {
        "checkpoint_every": 1,
        "evaluate_every": 5,
        "log_every": 2,
        "ema": 0.9,
    }
    checked = recipe(
        folder,
        **{**KINDS["random layers"], "run": every_step},
        schedule={"steps": STEPS},
    )
    began = time.monotonic()
    child(lambda: train(checked, folder / "whole"), None)
    whole = time.monotonic() - began
    source, done, number = random.Random(0), 0, 0
    while done < kills:
        run = folder / f"run-{number}"
        life = source.uniform(0, whole) if done < kills else None
        killed = child(lambda run=run: train(checked, run, resume=True), life)
        see_whole(run)
        done += killed
        if not killed:
            assert weights(run) == weights(folder / "whole")
            print(f"run {number} is equal, after {done} kills in all", flush=True)  # noqa: T201
            number += 1
    child(lambda: train(checked, run, resume=True), None)
    assert weights(run) == weights(folder / "whole")
    print(f"killed {done} times")  # noqa: T201


def child(call: Callable[[], object], life: float | None) -> bool:
    """Run a call in a child for up to `life` seconds; return whether it was killed."""
    process = os.fork()
    if process == 0:
        try:
            call()
        except BaseException:  # noqa: BLE001  -- the child ends here
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    ends = None if life is None else time.monotonic() + life
    while ends is None or time.monotonic() < ends:
        gone, status = os.waitpid(process, 0 if ends is None else os.WNOHANG)
        if gone:
            assert status == 0, f"the run failed: {status}"
            return False
        time.sleep(0.001)
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    return os.WIFSIGNALED(status)


def see_whole(run: Path) -> None:
    """Check that every file with the name of a checkpoint is complete."""
    for path in run.glob("checkpoints/*"):
        if checkpoint_step(path) is not None:
            tensors = safetensors_file.read(path, path.name)
            assert tensors["run.step"].item() == checkpoint_step(path)
    last = last_checkpoint(run)
    if last is not None:
        assert all(value.isfinite().all() for value in tensors.values())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
