"""`metrics.jsonl`: a line of JSON for each measurement of a run.

A training line has `loss`, the mean since the previous line; an evaluation line has
`cls`, and `dist` and `fused` if there are two heads. Both have `step`, the number of
steps done, and `epoch`. A line with `unreadable` names skipped images, each once in a
file.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from deit_spec.atomic_write import write_file
from deit_spec.distill.evaluation import Scores, heads_of
from deit_spec.recipe.run_files import METRICS


class MetricsLog:
    """Appends lines; a run that is resumed keeps the lines up to its step."""

    def __init__(self, folder: Path, step: int) -> None:
        self.path = folder / METRICS
        kept = [line for line in read_metrics(folder) if line["step"] <= step]
        self.seconds: float = max((line.get("seconds", 0) for line in kept), default=0)
        self._scored = {line["step"] for line in kept if "cls" in line}
        self.unreadable = [name for line in kept for name in line.get("unreadable", ())]
        write_file(self.path, "".join(map(_line, kept)))

    def add(self, line: Mapping[str, Any]) -> None:
        """Append a line."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(_line(line))

    def has_scores(self, step: int) -> bool:
        """Whether the log had an evaluation of this step when it was opened."""
        return step in self._scored


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run folder, without those that are incomplete or damaged."""
    try:
        data = (folder / METRICS).read_bytes()
    except FileNotFoundError:
        return []
    complete = data[: data.rfind(b"\n") + 1].splitlines()
    return [line for line in map(_parsed, complete) if line is not None]


def score_fields(scores: Scores) -> dict[str, Any]:
    """The fields of an evaluation line."""
    return {
        **{name: asdict(each) for name, each in heads_of(scores).items()},
        "images": scores.images,
        "evaluation_seconds": round(scores.seconds, 3),
    }


def _parsed(text: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(text.decode())
    except ValueError:
        return None
    is_line = isinstance(line, dict) and isinstance(line.get("step"), int)
    return line if is_line else None


def _line(line: Mapping[str, Any]) -> str:
    return json.dumps(dict(line), allow_nan=False) + "\n"
