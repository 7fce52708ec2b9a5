"""The results of a study: `results.jsonl`, mean scores, and differences of arms."""

import json
import math
import os
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from deit_spec.distill.evaluation import HeadScores
from deit_spec.distill.runtime_errors import OTHER_FOLDER
from deit_spec.recipe.run_records import ResultLine, damaged_file, read_lines
from deit_spec.recipe.study_validation import Study

RESULTS = "results.jsonl"
ROW_HEADS = ("cls", "dist", "answer", "teacher")


@dataclass(frozen=True)
class Result:
    """The result of a run on `images` images; `key` is that of its `PlannedRun`."""

    key: str
    arm: str
    images: int
    seed: int
    cls: HeadScores
    dist: HeadScores | None
    fused: HeadScores | None
    teacher: HeadScores | None
    evaluated: int
    seconds: float

    @property
    def answer(self) -> HeadScores:
        """The scores of the output of `predict`."""
        return self.fused or self.cls


class Results:
    """The results in a folder, by run; an incomplete last line of a crash is removed.

    `warning` is set if some lines are damaged; their runs are not done. A RunFileError
    if all are.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / RESULTS
        found = read_lines(self.path, ResultLine)
        if found.damaged and not found.records:
            reason = "no line of it is a result of a study"
            raise damaged_file(self.path, reason, OTHER_FOLDER)
        self.warning = found.warning
        self.done = {line.key: _result(line) for line in found.records}
        if self.path.exists() and found.size < self.path.stat().st_size:
            os.truncate(self.path, found.size)

    def add(self, result: Result) -> None:
        """Append a line."""
        with self.path.open("ab") as file:
            file.write(f"{json.dumps(asdict(result))}\n".encode())
        self.done[result.key] = result


def _result(line: ResultLine) -> Result:
    values: dict[str, Any] = line.model_dump()
    for name in ("cls", "dist", "fused", "teacher"):
        values[name] = HeadScores(**values[name]) if values[name] else None
    return Result(**values)


@dataclass(frozen=True)
class Mean:
    """A mean of `count` numbers, and its standard error; None for one number."""

    mean: float
    error: float | None
    count: int


def mean_of(numbers: Iterable[float]) -> Mean | None:
    """The mean and its standard error: the standard deviation (n - 1) over √n."""
    values = list(numbers)
    if not (count := len(values)):
        return None
    error = statistics.stdev(values) / math.sqrt(count) if count > 1 else None
    return Mean(statistics.fmean(values), error, count)


def paired(one: Mapping[int, float], other: Mapping[int, float]) -> Mean | None:
    """The mean difference of two arms over the seeds that both have."""
    return mean_of(value - other[seed] for seed, value in one.items() if seed in other)


@dataclass(frozen=True)
class Row:
    """An arm at a number of training images: top-1 over the seeds."""

    arm: str
    images: int
    cls: Mean | None
    dist: Mean | None
    answer: Mean | None
    teacher: Mean | None


@dataclass(frozen=True)
class Difference:
    """By how much the answers of `arm` are better than those of `over`."""

    arm: str
    over: str
    images: int
    top1: Mean | None


@dataclass(frozen=True)
class Summary:
    """The results of a study so far."""

    name: str
    arms: tuple[str, ...]
    sizes: tuple[int, ...]
    seeds: tuple[int, ...]
    evaluated: int
    rows: tuple[Row, ...]
    differences: tuple[Difference, ...]
    done: int
    failed: tuple[str, ...] = ()
    """The titles of the runs that ended with an error."""

    @property
    def planned(self) -> int:
        """The number of runs of the whole study."""
        return len(self.arms) * len(self.sizes) * len(self.seeds)

    def difference(self, arm: str, over: str, images: int) -> Mean | None:
        """The difference of two arms at a number of images."""
        return next(
            each.top1
            for each in self.differences
            if (each.arm, each.over, each.images) == (arm, over, images)
        )


def summarise(
    name: str, study: Study, results: Mapping[tuple[str, int, int], Result]
) -> Summary:
    """Summarise results; each arm is compared with the baseline and earlier arms."""
    arms, baseline = tuple(study.arms), study.baseline or next(iter(study.arms))
    sizes = tuple(dict.fromkeys(study.train_images))
    groups: dict[tuple[str, int], dict[int, Result]] = {
        (arm, size): {} for size in sizes for arm in arms
    }
    for (arm, size, seed), each in results.items():
        groups[arm, size][seed] = each
    top1 = {
        group: {seed: run.answer.top1 for seed, run in runs.items()}
        for group, runs in groups.items()
    }
    return Summary(
        name=name,
        arms=arms,
        sizes=sizes,
        seeds=tuple(dict.fromkeys(study.seeds)),
        evaluated=max((each.evaluated for each in results.values()), default=0),
        rows=tuple(
            Row(*group, *(_mean_top1(runs.values(), head) for head in ROW_HEADS))
            for group, runs in groups.items()
        ),
        differences=tuple(
            Difference(arm, over, size, paired(top1[arm, size], top1[over, size]))
            for over, arm in combinations(sorted(arms, key=baseline.__ne__), 2)
            for size in sizes
        ),
        done=len(results),
    )


def _mean_top1(runs: Iterable[Result], head: str) -> Mean | None:
    heads: Iterable[HeadScores | None] = (getattr(run, head) for run in runs)
    return mean_of(scores.top1 for scores in heads if scores)
