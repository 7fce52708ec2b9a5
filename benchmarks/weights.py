"""`deit_spec.load(…, weights=…)` against `timm.create_model(…, checkpoint_path=…)`.

    python benchmarks/weights.py [--rounds N] [--processes N] [--model NAME]

Both make the same model of the same file. Ours maps the file, so its numbers are
read when they are first used: time and memory are taken as the model comes back, and
again when an image has been sent through it. Times are of turns in this process;
memory is the peak of a process of its own, beyond what it had after its imports.
A row is printed as soon as it is measured.
"""

import argparse
import gc
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import TypeVar

import torch
from paired import COLUMNS, Pairs
from peers import import_timm
from torch import nn

import deit_spec

AIM = "< 1.00"
KIBIBYTE = 1024
SUFFIXES = (".pth", ".safetensors")
WHENS = ("load", "load and use")
WIDTHS = (26, 11, 11, 5, 12, 6)
"""Of the columns: rows are printed before all are known."""


def ours(model: str, path: str) -> nn.Module:
    """Load with deit_spec."""
    return deit_spec.load(model, weights=path)


def theirs(model: str, path: str) -> nn.Module:
    """Load with timm."""
    made: nn.Module = import_timm().create_model(model, checkpoint_path=path)
    return made


WHO: dict[str, Callable[[str, str], nn.Module]] = {"ours": ours, "theirs": theirs}


T = TypeVar("T")


def run(who: str, model: str, path: str, read: Callable[[], T]) -> tuple[T, T]:
    """Load, and send an image through; read a meter after each."""
    made = WHO[who](model, path).eval()
    loaded = read()
    size = deit_spec.load_spec(model).image_size
    with torch.inference_mode():
        made(torch.zeros(1, 3, size, size))
    return loaded, read()


def make_files(model: str, folder: Path) -> list[Path]:
    """Save random weights with torch, and the same as safetensors."""
    from deit_spec.weights import To, Writing, convert, make_plan, open_checkpoint  # noqa: PLC0415  -- no part of a process that loads

    compiled = deit_spec.compile(model)
    first = folder / f"{model}{SUFFIXES[0]}"
    torch.save(compiled.build().state_dict(), first)
    second = first.with_suffix(SUFFIXES[1])
    checkpoint = open_checkpoint(first)
    plan = make_plan(compiled.graph, checkpoint)
    convert(compiled.graph, plan, checkpoint, Writing(second, To.TIMM))
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


def once(who: str, model: str, path: str) -> None:
    """Be a process that loads once: print how far its peak rose."""
    if who == "theirs":
        import_timm()
    before = peak()
    print(*(size - before for size in run(who, model, path, peak)))


def peaks_of(who: str, model: str, path: Path, processes: int) -> list[float]:
    """The median peaks of some such processes."""
    command = [sys.executable, __file__, "--once", who, model, str(path)]
    printed = [
        subprocess.run(command, check=True, capture_output=True).stdout.split()
        for _ in range(processes)
    ]
    return [median(map(int, sizes)) for sizes in zip(*printed, strict=True)]


def times_of(who: str, model: str, path: Path) -> list[float]:
    """Seconds from the start; garbage of earlier runs is collected first."""
    gc.collect()
    start = time.perf_counter()
    ends = run(who, model, str(path), time.perf_counter)
    return [end - start for end in ends]


def say(first: str, cells: Sequence[str]) -> None:
    """Print a row at once, whoever reads it."""
    numbers = (cell.rjust(width) for cell, width in zip(cells, WIDTHS[1:], strict=True))
    row = "  ".join([first.ljust(WIDTHS[0]), *numbers])
    print(f"  {row.rstrip()}", flush=True)


def compare_times(model: str, path: Path, rounds: int) -> None:
    """Time both in turns, when both have been warmed up, and print the rows."""
    turns = [[times_of(who, model, path) for who in WHO] for _ in range(rounds + 1)]
    for place, when in enumerate(WHENS):
        our, their = ([turn[side][place] for turn in turns[1:]] for side in (0, 1))
        say(f"{path.suffix}, {when}", Pairs(tuple(our), tuple(their)).cells(AIM))


def compare_memory(model: str, path: Path, processes: int) -> None:
    """Take both peaks, and print the rows."""
    peaks = [peaks_of(who, model, path, processes) for who in WHO]
    for when, our, their in zip(WHENS, *peaks, strict=True):
        mebibytes = [f"{size / KIBIBYTE**2:,.0f} MiB" for size in (our, their)]
        cells = [*mebibytes, f"{our / their:.2f}", "", AIM]
        say(f"{path.suffix}, {when}", cells)


def main() -> None:
    """Read the command line, and compare, or be a process that loads once."""
    if sys.argv[1:2] == ["--once"]:
        once(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="pairs for each time")
    parser.add_argument(
        "--processes", type=int, default=1, help="processes for each peak"
    )
    parser.add_argument("--model", default="deit_base_distilled_patch16_224")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = make_files(options.model, Path(folder))
        print(f"{options.model} with weights, against timm")
        say("time", COLUMNS)
        for path in paths:
            require_equal(options.model, path)
            compare_times(options.model, path, options.rounds)
        say("peak memory", COLUMNS)
        for path in paths:
            compare_memory(options.model, path, options.processes)
    print(flush=True)


if __name__ == "__main__":
    main()
