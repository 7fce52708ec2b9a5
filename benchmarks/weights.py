"""`deit_spec.load(…, weights=…)` against `timm.create_model(…, checkpoint_path=…)`.

    python benchmarks/weights.py [--rounds N] [--model NAME]

Both make the same model of the same file. Ours maps the file, so its numbers are
read when they are first used: each is timed, and its memory taken, once as the model
comes back and once more with an image sent through it. Times are of turns in this
process; memory is the peak of a process of its own, beyond what it had after its
imports.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from paired import COLUMNS, in_turns, show
from peers import import_timm
from torch import nn

import deit_spec
from deit_spec.weights import To, Writing, convert, make_plan, open_checkpoint

AIM = "< 1.00"
KIBIBYTE = 1024
SUFFIXES = (".pth", ".safetensors")
WHENS = ("load", "load and use")

timm = import_timm()


def ours(model: str, path: str) -> nn.Module:
    """Load with deit_spec."""
    return deit_spec.load(model, weights=path)


def theirs(model: str, path: str) -> nn.Module:
    """Load with timm."""
    made: nn.Module = timm.create_model(model, checkpoint_path=path)
    return made


WHO: dict[str, Callable[[str, str], nn.Module]] = {"ours": ours, "theirs": theirs}


def run(who: str, when: str, model: str, path: str) -> None:
    """Load once, and send an image through where that is asked for."""
    made = WHO[who](model, path).eval()
    if when == WHENS[1]:
        size = deit_spec.load_spec(model).image_size
        with torch.inference_mode():
            made(torch.zeros(1, 3, size, size))


def make_files(model: str, folder: Path) -> list[Path]:
    """Save random weights of timm with torch, and the same as safetensors."""
    first = folder / f"{model}{SUFFIXES[0]}"
    torch.save(timm.create_model(model).state_dict(), first)
    graph, checkpoint = deit_spec.compile(model).graph, open_checkpoint(first)
    second = first.with_suffix(SUFFIXES[1])
    plan = make_plan(graph, checkpoint)
    convert(graph, plan, checkpoint, Writing(second, To.TIMM))
    return [first, second]


def require_equal(model: str, path: Path) -> None:
    """See that both give the same tensors."""
    found, wanted = (make(model, str(path)).state_dict() for make in WHO.values())
    if found.keys() != wanted.keys() or not all(
        torch.equal(tensor, wanted[name]) for name, tensor in found.items()
    ):
        raise SystemExit(f"{path.name}: the two models differ")


def peak() -> int:
    """The most memory that this process has had, in bytes, as Linux tells it.

    What `resource` tells begins with the memory of the process that started this.
    """
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (size,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(size) * KIBIBYTE


def peak_of(who: str, when: str, model: str, path: Path, rounds: int) -> int:
    """The median peak of some processes that load once."""
    command = [sys.executable, __file__, "--once", who, when, model, str(path)]
    return int(
        median(
            int(subprocess.run(command, check=True, capture_output=True).stdout)
            for _ in range(rounds)
        )
    )


def once(who: str, when: str, model: str, path: str) -> None:
    """Be such a process: print how far its peak rose."""
    before = peak()
    run(who, when, model, path)
    print(peak() - before)


def compare(model: str, rounds: int, folder: Path) -> None:
    """Measure, and print the figures beside their aim."""
    times, memory = [], []
    for path in make_files(model, folder):
        require_equal(model, path)
        for when in WHENS:
            pairs = in_turns(
                lambda path=path, when=when: run("ours", when, model, str(path)),
                lambda path=path, when=when: run("theirs", when, model, str(path)),
                rounds,
            )
            label = f"{path.suffix}, {when}"
            times.append((label, *pairs.cells(AIM)))
            our, their = (peak_of(who, when, model, path, 3) for who in WHO)
            mebibytes = [f"{size / KIBIBYTE**2:,.0f} MiB" for size in (our, their)]
            memory.append((label, *mebibytes, f"{our / their:.2f}", AIM))
    show(f"{model} with weights, against timm: time", COLUMNS, times)
    columns = ("ours", "theirs", "ratio", "aim")
    show(f"{model} with weights, against timm: peak memory", columns, memory)


def main() -> None:
    """Read the command line, and compare, or be a process that loads once."""
    if sys.argv[1:2] == ["--once"]:
        once(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--model", default="deit_base_distilled_patch16_224")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compare(options.model, options.rounds, Path(folder))


if __name__ == "__main__":
    main()
