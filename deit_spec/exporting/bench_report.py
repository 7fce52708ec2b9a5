"""The results of a benchmark as a table, as JSON and as a plot."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from deit_spec.diagnostics.printable import counted
from deit_spec.distill.plot import BLACK, BLUE, GREEN, ORANGE, plot
from deit_spec.exporting.bench_candidates import RUNTIMES, Merged
from deit_spec.exporting.bench_model import Bench, Measured, Skipped, pareto_front

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEAD: Final = (
    "  runtime", "merge", "ms", "quartiles", "img/s", "MiB", "top-1", "drift",
    "peak",
)  # fmt: skip
"""The header of the table."""
LEGEND: Final = (
    "merge: patch tokens that merge in every block",
    "ms: median of the latency of a batch, and its quartiles",
    "img/s: images per second, by the median",
    "MiB: size of the files, or for torch of the weights",
    "top-1: percentage of images with the same most likely class as in eager fp32",
    "drift: largest difference of a logit from eager fp32, relative to the largest",
    "peak: MiB of memory that opening it and running a batch adds to a process",
    "*: no other one of the batch size is faster without less agreement",
)
_MEBI: Final = 1 << 20
_COLOURS: Final = (BLACK, BLUE, ORANGE, GREEN)
"""Of the runtimes."""
_MARKERS: Final = {"fp32": "o", "bf16": "s", "int8": "^"}


def merge_text(merged: Merged) -> str:
    """A number of merged patches, as it is written on the command line.

    >>> merge_text(13), merge_text((16, 16, 8))
    ('13', '16,16,8')
    """
    return str(merged) if isinstance(merged, int) else ",".join(map(str, merged))


def cells(found: Measured, *, on_front: bool) -> list[str]:
    """A row of the table; one on the Pareto front starts with a star."""
    combination, latency = found.combination, found.latency
    star = "*" if on_front else " "
    lower, median, upper = map(
        _milliseconds, (latency.lower, latency.median, latency.upper)
    )
    return [
        f"{star} {combination.runtime} {combination.precision}",
        merge_text(combination.merge_tokens),
        median,
        f"{lower}-{upper}",
        f"{found.images_per_second:,.0f}",
        f"{found.size / _MEBI:.1f}",
        f"{100 * found.agreement:.1f}",
        f"{found.comparison.largest_error:.1e}",
        "-" if found.memory is None else f"{found.memory / _MEBI:.0f}",
    ]


def _milliseconds(seconds: float) -> str:
    """A latency with three digits, but at most three decimals.

    >>> [_milliseconds(each) for each in (0.0000871, 0.0123456, 2)]
    ['0.087', '12.3', '2000']
    """
    digits = 2 - math.floor(math.log10(1000 * seconds))
    return f"{1000 * seconds:.{min(max(digits, 0), 3)}f}"


def notes(bench: Bench) -> list[str]:
    """What was measured, on what, and which combinations cannot run."""
    ran = sorted(
        {(found.device, found.combination.runtime) for found in bench.results},
        key=lambda pair: RUNTIMES.index(pair[1]),
    )
    devices: dict[str, list[str]] = {}
    for device, runtime in ran:
        devices.setdefault(device, []).append(runtime)
    places = [f"{', '.join(names)} on {device}" for device, names in devices.items()]
    versions = ", ".join(f"{name} {each}" for name, each in _versions(bench).items())
    threads, images = counted(bench.threads, "thread"), _images(bench)
    little = "; agreement on them proves little" if bench.images.is_random else ""
    return [
        f"{counted(bench.rounds, 'round')}; {'; '.join(places)}, {threads}",
        versions,
        f"outputs compared on {images}{little}",
        *(
            f"unreadable, left out: {image} ({reason})"
            for image, reason in bench.images.unreadable
        ),
        *skipped_lines(bench.skipped),
    ]


def skipped_lines(skipped: Sequence[Skipped]) -> list[str]:
    """A line for each reason why combinations cannot run."""
    by_reason: dict[str, dict[str, None]] = {}
    for each in skipped:
        combination = each.combination
        name = f"{combination.runtime} {combination.precision}"
        if combination.merge_tokens:
            name += f" with merge {merge_text(combination.merge_tokens)}"
        by_reason.setdefault(each.reason, {})[name] = None
    return [
        f"cannot run: {', '.join(names)}: {reason}"
        for reason, names in by_reason.items()
    ]


def as_json(bench: Bench) -> dict[str, Any]:
    """The results as values of JSON: seconds, bytes, and shares from 0 to 1."""
    results = bench.results
    front = pareto_front(results)
    return {
        "spec": bench.trained.name,
        "weights": str(bench.trained.weights),
        "versions": _versions(bench),
        "threads": bench.threads,
        "rounds": bench.rounds,
        "images": {
            "count": _count(bench),
            "source": _images(bench),
            "random": bench.images.is_random,
            "unreadable": [each.image for each in bench.images.unreadable],
        },
        "results": [_result(found, on_front=found in front) for found in results],
        "skipped": [
            {**asdict(each.combination), "reason": each.reason}
            for each in bench.skipped
        ],
    }


def _result(found: Measured, *, on_front: bool) -> dict[str, Any]:
    latency, error = found.latency, found.comparison.largest_error
    return {
        **asdict(found.combination),
        "device": found.device,
        "seconds": latency.median,
        "quartiles": [latency.lower, latency.upper],
        "images_per_second": found.images_per_second,
        "bytes": found.size,
        "drift": error if math.isfinite(error) else None,  # JSON has no infinity
        "agreement": found.agreement,
        "peak_memory": found.memory,
        "pareto": on_front,
    }


def _versions(bench: Bench) -> dict[str, str]:
    """The versions of the runtimes that were measured."""
    runtimes = {each.combination.runtime for each in bench.results}
    files = sorted(runtimes & {"onnxruntime", "openvino"})
    return {name: version(name) for name in ("torch", *files)}


def _count(bench: Bench) -> int:
    """The number of images that outputs are compared on."""
    return len(bench.images.names) - len(bench.images.unreadable)


def _images(bench: Bench) -> str:
    """These images in words."""
    return bench.images.describe(_count(bench))


def draw_results(bench: Bench) -> dict[str, bytes]:
    """Draw agreement against latency as PNG and SVG, a panel for each batch size."""
    results = bench.results
    panels = [
        (batch, list(group))
        for batch, group in groupby(results, key=lambda each: each.combination.batch)
    ]

    def draw(figure: "Figure") -> None:
        axes = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
        for each, (batch, found) in zip(axes, panels, strict=True):
            _draw_panel(each, found)
            images = counted(batch, "image")
            each.set_xlabel(f"median latency of {images}, ms")
        axes[0].set_ylabel("same top-1 class as eager fp32, %")
        _draw_legend(figure, results)
        figure.suptitle(
            f"{bench.trained.name}, {_images(bench)}",
            x=0.01,
            ha="left",
            parse_math=False,
        )

    size = (1.6 + 4.4 * len(panels), 4.0)
    return plot(draw, size, {"font.size": 9, "figure.titlesize": 9})


def _draw_panel(axes: "Axes", found: Sequence[Measured]) -> None:
    front = pareto_front(found)
    points = [(1000 * each.latency.median, 100 * each.agreement) for each in front]
    axes.step(*zip(*points, strict=True), where="post", color="0.8", zorder=0)
    for each in found:
        combination, latency = each.combination, each.latency
        x, y = 1000 * latency.median, 100 * each.agreement
        spread = [[x - 1000 * latency.lower], [1000 * latency.upper - x]]
        colour = _COLOURS[RUNTIMES.index(combination.runtime)]
        axes.errorbar(
            [x],
            [y],
            xerr=spread,
            color=colour,
            marker=_MARKERS[combination.precision],
            markerfacecolor=colour if each in front else "white",
            linewidth=0.8,
        )
        if combination.merge_tokens:
            label = merge_text(combination.merge_tokens)
            axes.annotate(label, (x, y), (3, 4), textcoords="offset points", size=7)
    axes.set_xlim(left=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, linewidth=0.4, alpha=0.5)


def _draw_legend(figure: "Figure", results: Sequence[Measured]) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415  -- of the extra `train`

    runtimes = {each.combination.runtime for each in results}
    precisions = {each.combination.precision for each in results}
    handles = [
        Line2D([], [], color=colour, label=runtime, linewidth=4)
        for runtime, colour in zip(RUNTIMES, _COLOURS, strict=False)
        if runtime in runtimes
    ]
    handles += [
        Line2D([], [], color="0.4", marker=marker, linewidth=0, label=precision)
        for precision, marker in _MARKERS.items()
        if precision in precisions
    ]
    if any(each.combination.merge_tokens for each in results):
        number = Line2D([], [], color="0.2", marker="$n$", linewidth=0)
        number.set_label("merged tokens")
        handles.append(number)
    front = Line2D([], [], color="0.8", marker="D", label="Pareto front")
    front.set_markerfacecolor("0.4")
    front.set_markeredgecolor("0.4")
    handles.append(front)
    figure.legend(handles=handles, loc="outside right center", frameon=False)
