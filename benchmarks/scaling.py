"""Measure the time from spec to source per block, for different depths.

    python benchmarks/scaling.py [--rounds N] [DEPTH ...]

The time consists of a constant part and a part per block. To separate them, the time
per block is (time of a depth - time of depth 1) / (depth - 1). Each round times every
depth once, and each depth is compared with depth 12 of the same round.
"""

import argparse
from collections.abc import Sequence
from statistics import median

from paired import Pairs, milliseconds, seconds, show

from deit_spec import DeiTSpec
from deit_spec.graph import Target
from deit_spec.pipeline import compile_checked
from deit_spec.spec import Checked

DEPTHS = (12, 120, 1_200, 12_000)
BLOCKS = 360
"""Small depths are compiled repeatedly until this number of blocks is reached."""
TARGET = "≤ 1.50"
COLUMNS = ("total", "total/depth", "raw ratio", "block", "ratio", "range", "target")


def compile_time(depth: int) -> float:
    """Return the seconds from a spec to the source of a model.

    The spec is not checked again, because the limit on depth applies only to checks.
    """
    spec = DeiTSpec(depth=depth, num_classes=1000, teacher_num_classes=1000)
    checked = Checked(spec, ())
    times = max(1, BLOCKS // max(depth, 12))

    def compile_often() -> None:
        for _ in range(times):
            compile_checked(checked, Target.TRAIN)

    return seconds(compile_often) / times


def measure(depths: Sequence[int], rounds: int) -> dict[int, list[float]]:
    """Measure the seconds for each depth in each round, after a warm-up."""
    compile_time(depths[0])
    times: dict[int, list[float]] = {depth: [] for depth in depths}
    for _ in range(rounds):
        for depth in depths:
            times[depth].append(compile_time(depth))
    return times


def row(depth: int, times: dict[int, list[float]]) -> tuple[str, ...]:
    """A table row for a depth: total, per block, and compared with depth 12."""
    first = DEPTHS[0]
    each = Pairs(_per_block(depth, times), _per_block(first, times))
    raw = [
        (time / depth) / (base / first)
        for time, base in zip(times[depth], times[first], strict=True)
    ]
    total = median(times[depth])
    return (
        f"depth {depth:,}",
        milliseconds(total),
        milliseconds(total / depth),
        f"{median(raw):.2f}",
        milliseconds(median(each.ours)),
        f"{median(each.ratios):.2f}",
        f"{min(each.ratios):.2f} to {max(each.ratios):.2f}",
        TARGET,
    )


def _per_block(depth: int, times: dict[int, list[float]]) -> tuple[float, ...]:
    return tuple(
        (time - single) / (depth - 1)
        for time, single in zip(times[depth], times[1], strict=True)
    )


def main() -> None:
    """Measure all depths, and print the results next to their targets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("depths", metavar="DEPTH", type=int, nargs="*", default=DEPTHS)
    options = parser.parse_args()
    depths = sorted({1, DEPTHS[0], *options.depths})
    times = measure(depths, options.rounds)
    rows = [row(depth, times) for depth in depths if depth > 1]
    show("from spec to source, by depth", COLUMNS, rows)


if __name__ == "__main__":
    main()
