"""Compare `deit_spec.load(…, weights=…)` with `timm.create_model(…)`.

    python benchmarks/weights.py [--rounds N] [--processes N] [--model NAME]

Both load the same model from the same file (`checkpoint_path` in timm). Ours maps the
file into memory, so its values are read on first use. Time and memory are therefore
measured twice: after loading, and after running an image through the model. Times are
measured alternately in this process. Memory is the increase of the peak after the
imports, in a separate process. Each row is printed as soon as it is measured.
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

TARGET = "< 1.00"
KIBIBYTE = 1024
SUFFIXES = (".pth", ".safetensors")
WHENS = ("load", "load and use")
WIDTHS = (26, 11, 11, 5, 12, 6)
"""Column widths, fixed because rows are printed one by one."""


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
    """Load a model and run an image through it; call `read` after each step."""
    made = WHO[who](model, path).eval()
    loaded = read()
    size = deit_spec.load_spec(model).image_size
    with torch.inference_mode():
        made(torch.zeros(1, 3, size, size))
    return loaded, read()


def make_files(model: str, folder: Path) -> list[Path]:
    """Save random weights with torch, and the same weights as safetensors."""
    from deit_spec.weights import To, Writing, convert, make_plan, open_checkpoint  # noqa: PLC0415  -- not needed in processes that only load

    compiled = deit_spec.compile(model)
    first = folder / f"{model}{SUFFIXES[0]}"
    torch.save(compiled.build().state_dict(), first)
    second = first.with_suffix(SUFFIXES[1])
    checkpoint = open_checkpoint(first)
    plan = make_plan(compiled.graph, checkpoint)
    convert(compiled.graph, plan, checkpoint, Writing(second, To.TIMM))
    return [first, second]


def require_equal(model: str, path: Path) -> None:
    """Check that both load the same tensors."""
    found, wanted = (make(model, str(path)).state_dict() for make in WHO.values())
    if found.keys() != wanted.keys() or not all(
        torch.equal(tensor, wanted[name]) for name, tensor in found.items()
    ):
        raise SystemExit(f"{path.name}: the two models differ")


def peak() -> int:
    """Return the peak memory of this process in bytes, as reported by Linux.

    The value of `resource` would include the memory of the parent process.
    """
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (size,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(size) * KIBIBYTE


def once(who: str, model: str, path: str) -> None:
    """Load once, and print by how much the peak memory rose."""
    if who == "theirs":
        import_timm()
    before = peak()
    print(*(size - before for size in run(who, model, path, peak)))


def peaks_of(who: str, model: str, path: Path, processes: int) -> list[float]:
    """Return the median peaks of several processes."""
    command = [sys.executable, __file__, "--once", who, model, str(path)]
    printed = [
        subprocess.run(command, check=True, capture_output=True).stdout.split()
        for _ in range(processes)
    ]
    return [median(map(int, sizes)) for sizes in zip(*printed, strict=True)]


def times_of(who: str, model: str, path: Path) -> list[float]:
    """Return the seconds until each measurement, after collecting garbage."""
    gc.collect()
    start = time.perf_counter()
    ends = run(who, model, str(path), time.perf_counter)
    return [end - start for end in ends]


def say(first: str, cells: Sequence[str]) -> None:
    """Print a row and flush stdout."""
    numbers = (cell.rjust(width) for cell, width in zip(cells, WIDTHS[1:], strict=True))
    row = "  ".join([first.ljust(WIDTHS[0]), *numbers])
    print(f"  {row.rstrip()}", flush=True)


def compare_times(model: str, path: Path, rounds: int) -> None:
    """Time both alternately after a warm-up, and print the rows."""
    turns = [[times_of(who, model, path) for who in WHO] for _ in range(rounds + 1)]
    for place, when in enumerate(WHENS):
        our, their = ([turn[side][place] for turn in turns[1:]] for side in (0, 1))
        say(f"{path.suffix}, {when}", Pairs(tuple(our), tuple(their)).cells(TARGET))


def compare_memory(model: str, path: Path, processes: int) -> None:
    """Measure both peaks, and print the rows."""
    peaks = [peaks_of(who, model, path, processes) for who in WHO]
    for when, our, their in zip(WHENS, *peaks, strict=True):
        mebibytes = [f"{size / KIBIBYTE**2:,.0f} MiB" for size in (our, their)]
        cells = [*mebibytes, f"{our / their:.2f}", "", TARGET]
        say(f"{path.suffix}, {when}", cells)


def main() -> None:
    """Parse the command line and compare, or load once with `--once`."""
    if sys.argv[1:2] == ["--once"]:
        once(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="pairs per time")
    parser.add_argument("--processes", type=int, default=1, help="processes per peak")
    parser.add_argument("--model", default="deit_base_distilled_patch16_224")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = make_files(options.model, Path(folder))
        print(f"{options.model} with weights, compared with timm")
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
