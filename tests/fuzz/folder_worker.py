"""One process that damages folders at random; `run.py` starts several.

    python tests/fuzz/folder_worker.py KIND FIGURES SECONDS

It damages a copy of a folder and runs a command on it. It stops at an internal error,
at a command that takes a second longer than on the undamaged folder, or a minute in
all, and leaves the folder and the command next to FIGURES.
"""

import faulthandler
import json
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

import torch
from fuzz.damage import damage
from fuzz.folders import FOLDERS, Command, answer

MORE: Final = 1.0
"""The most seconds of CPU time beyond those of the command on an undamaged folder."""
HANGS: Final = 60.0
"""After how many seconds a command is taken to hang."""


def main() -> None:
    """Damage folders until the time is over."""
    kind, figures, seconds = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    torch.set_num_threads(1)
    make, commands_of = FOLDERS[kind]
    source = Random(int(figures.stem) + 1)
    with tempfile.TemporaryDirectory() as name:
        whole, copy = Path(name) / "whole", Path(name) / "copy"
        whole.mkdir()
        make(whole)
        usual = _times(whole, copy, commands_of)
        state = {"inputs": 0, "timed_again": 0, "longest": 0.0}
        began = time.monotonic()
        broken = figures.with_suffix(".broken")
        while time.monotonic() - began < seconds:
            _copy(whole, copy)
            commands = commands_of(copy)
            index = source.randrange(len(commands))
            done = damage(copy, source)
            _keep(copy, broken, f"{' '.join(commands[index])}\n{done}\n")
            took = _timed(commands[index])
            state["inputs"] += 1
            more = took - usual[index]
            if more > MORE:  # the machine may have been busy
                state["timed_again"] += 1
                _copy(broken / "folder", copy)
                more = _timed(commands[index]) - usual[index]
            state["longest"] = max(state["longest"], more)
            assert more <= MORE, f"{more:.1f} s more: {commands[index]}, {done}"
            _write(figures, state, time.monotonic() - began)
        shutil.rmtree(broken)


def _times(
    whole: Path, copy: Path, commands_of: Callable[[Path], list[Command]]
) -> list[float]:
    """The seconds of each command on the undamaged folder, with all imports done."""
    times = []
    for _ in range(2):
        times = []
        for index in range(len(commands_of(copy))):
            _copy(whole, copy)
            times.append(_timed(commands_of(copy)[index]))
    return times


def _timed(command: Command) -> float:
    faulthandler.dump_traceback_later(HANGS, exit=True)
    began = time.process_time()
    answer(command)
    took = time.process_time() - began
    faulthandler.cancel_dump_traceback_later()
    return took


def _copy(whole: Path, copy: Path) -> None:
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(whole, copy)


def _keep(folder: Path, place: Path, text: str) -> None:
    """Keep a damaged folder and the command, in case the command ends badly."""
    _copy(folder, place / "folder")
    (place / "command.txt").write_text(text)


def _write(path: Path, state: dict[str, float], seconds: float) -> None:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    figures = {**state, "seconds": round(seconds, 1), "memory": memory}
    path.write_text(json.dumps(figures), encoding="utf-8")


main()
