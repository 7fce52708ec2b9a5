"""From spec to source: what a block costs, however many there are.

    python benchmarks/scaling.py [--rounds N] [DEPTH ...]

The cost of a model is a part that does not depend on its depth and a part for each
block. A model of one block tells the two apart: a block costs what a depth takes
beyond depth 1, divided by the blocks beyond the first. Each round times every depth
in turn, and a depth is compared with depth 12 of the same round.
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
"""A small depth is compiled as often as it takes to make so many blocks."""
AIM = "≤ 1.50"
COLUMNS = ("total", "total/depth", "raw ratio", "block", "ratio", "range", "aim")


def compile_time(depth: int) -> float:
    """Seconds from a spec to the source of a model.

    The spec counts as checked: the limit of depth is that of reading files.
    """
    spec = DeiTSpec(depth=depth, num_classes=1000, teacher_num_classes=1000)
    checked = Checked(spec, ())
    times = max(1, BLOCKS // max(depth, 12))

    def compile_often() -> None:
        for _ in range(times):
            compile_checked(checked, Target.TRAIN)

    return seconds(compile_often) / times


def measure(depths: Sequence[int], rounds: int) -> dict[int, list[float]]:
    """Seconds of each depth, round by round, after a warm-up."""
    compile_time(depths[0])
    times: dict[int, list[float]] = {depth: [] for depth in depths}
    for _ in range(rounds):
        for depth in depths:
            times[depth].append(compile_time(depth))
    return times


def row(depth: int, times: dict[int, list[float]]) -> tuple[str, ...]:
    """What a depth costs, as a whole and a block, beside depth 12."""
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
        AIM,
    )


def _per_block(depth: int, times: dict[int, list[float]]) -> tuple[float, ...]:
    return tuple(
        (time - single) / (depth - 1)
        for time, single in zip(times[depth], times[1], strict=True)
    )


def main() -> None:
    """Measure, and print the figures beside their aim."""
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
