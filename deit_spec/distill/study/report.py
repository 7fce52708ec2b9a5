"""A study's table as cells, as Markdown, and for programs."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from deit_spec.distill.study.statistics import Mean
from deit_spec.distill.study.summary import Row, Summary
from deit_spec.recipe.run_files import HEADS

VERSION = 1
"""Of the JSON form; it grows when a key goes or changes its meaning."""

HEAD = ("images", "arm", *HEADS.values(), "teacher")
WORDS = ("arm", "difference")
"""The columns of words, which begin at the left."""
NOTHING = "-"


def as_json(summary: Summary) -> dict[str, Any]:
    """The table for programs: shares from 0 to 1, an error of null for one seed."""
    return {"version": VERSION, "planned": summary.planned, **asdict(summary)}


def score_cells(summary: Summary) -> list[list[str]]:
    """A line for each arm at each size, below `HEAD`."""
    return [_cells(row) for row in summary.rows]


def difference_head(summary: Summary) -> list[str]:
    """What stands above the differences."""
    return ["difference", *(f"{size:,} images" for size in summary.sizes)]


def difference_cells(summary: Summary) -> list[list[str]]:
    """A line for each pair of arms, with the difference at each size."""
    pairs = dict.fromkeys((each.arm, each.over) for each in summary.differences)
    return [
        [
            f"{arm} over {over}",
            *(
                in_points(summary.difference(arm, over, size), signed=True)
                for size in summary.sizes
            ),
        ]
        for arm, over in pairs
    ]


def notes(summary: Summary) -> list[str]:
    """What the figures are."""
    seeds = len(summary.seeds)
    several = f"mean ± standard error over {seeds} seeds" if seeds > 1 else "one seed"
    lines = [
        f"top-1 % on {summary.evaluated:,} images held out, {several}",
        "fused: what `predict` says; the differences are of it, paired by seed",
    ]
    if summary.done < summary.planned:
        lines.append(f"{summary.done} of {summary.planned} runs are done")
    if summary.failed:
        lines.append(f"failed: {'; '.join(summary.failed)}")
    return lines


def as_markdown(summary: Summary, plot: str | None = None) -> str:
    """The tables as a document, with the plot where its file is named."""
    parts = [
        f"# {summary.name}",
        "\n".join(f"- {line}" for line in notes(summary)),
        _table(HEAD, score_cells(summary)),
    ]
    if summary.differences:
        parts.append(_table(difference_head(summary), difference_cells(summary)))
    if plot:
        parts.append(f"![top-1 against the number of training images]({plot})")
    return "\n\n".join(parts) + "\n"


def in_points(mean: Mean | None, *, signed: bool = False) -> str:
    """A share in percent, with its standard error."""
    if mean is None:
        return NOTHING
    value = 100 * mean.mean
    text = f"{value:+.2f}" if signed else f"{value:.2f}"
    return text if mean.error is None else f"{text} ± {100 * mean.error:.2f}"


def _cells(row: Row) -> list[str]:
    means = (row.cls, row.dist, row.answer, row.teacher)
    return [f"{row.images:,}", row.arm, *map(in_points, means)]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rule = ["---" if title in WORDS else "---:" for title in head]
    lines = [head, rule, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
