"""`metrics.jsonl`: a line of JSON for each measurement of a run.

A training line has `loss`, the mean since the previous line; an evaluation line has
`cls`, and `dist` and `fused` if there are two heads. Both have `step`, the number of
steps done, and `epoch`. A line with `unreadable` names skipped images, each once in a
file. `MetricsLine` is the schema of all lines.
"""

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
    """Appends lines; a run that is resumed keeps the lines up to its step.

    `warning` is set if some of the earlier lines are damaged; they are removed.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self.path = folder / METRICS
        found = read_metrics(folder)
        self.warning = found.warning
        kept = [line for line in found.records if line.step <= step]
        self.seconds = max((line.seconds for line in kept), default=0.0)
        self._scored = {line.step for line in kept if line.cls}
        self.unreadable = [name for line in kept for name in line.unreadable]
        written = zip(found.records, found.texts, strict=True)
        write_file(self.path, b"".join(t for line, t in written if line.step <= step))

    def add(self, line: Mapping[str, Any]) -> None:
        """Append a line."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(_line(line))

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


def _line(line: Mapping[str, Any]) -> str:
    return json.dumps(dict(line), allow_nan=False) + "\n"
