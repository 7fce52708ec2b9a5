"""`metrics.jsonl`: a line of JSON for each measurement of a run; see `MetricsLine`."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from deit_spec.atomic_write import write_file
from deit_spec.distill.evaluation import Scores, heads_of
from deit_spec.recipe.run_files import METRICS
from deit_spec.recipe.run_records import Lines, MetricsLine, read_lines


class MetricsLog:
    """Appends lines; a resumed run keeps those up to its step, and warns of damage."""

    def __init__(self, folder: Path, step: int) -> None:
        self.path = folder / METRICS
        found = read_metrics(folder)
        self.warning = found.warning
        kept = [line for line in found.records if line.step <= step]
        self.seconds = max((line.seconds for line in kept), default=0.0)
        self._scored = {line.step for line in kept if line.cls}
        answers = ((line.step, line.fused or line.cls) for line in kept)
        scored = [(step, answer.top1) for step, answer in answers if answer]
        self.best = max(scored, key=lambda each: each[1], default=None)
        self.unreadable = [name for line in kept for name in line.unreadable]
        written = zip(found.records, found.texts, strict=True)
        write_file(self.path, b"".join(t for line, t in written if line.step <= step))

    def add(self, line: Mapping[str, Any]) -> None:
        """Append a line."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(dict(line), allow_nan=False) + "\n")

    def has_scores(self, step: int) -> bool:
        """Whether the log had an evaluation of this step when it was opened."""
        return step in self._scored


def read_metrics(folder: Path) -> Lines[MetricsLine]:
    """The lines of a run folder, without those that are incomplete or damaged."""
    return read_lines(folder / METRICS, MetricsLine)


def score_fields(scores: Scores) -> dict[str, Any]:
    """The fields of an evaluation line."""
    return {
        **{name: asdict(each) for name, each in heads_of(scores).items()},
        "images": scores.images,
        "evaluation_seconds": round(scores.seconds, 3),
    }
