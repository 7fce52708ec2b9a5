"""`metrics.jsonl`: what a run says of itself, a line each time.

A line of training has `loss`, the mean since the line before; a line of evaluation
has `cls`, and `dist` and `fused` where there are two heads. Both have `step`, the
steps done, and `epoch`. One with `unreadable` names images that were skipped, each
once in a file.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from deit_spec.atomic_write import write_file
from deit_spec.distill.evaluation import Scores, heads_of
from deit_spec.recipe.run_files import METRICS


class Log:
    """Appends lines, each at once on its way to the disk.

    A run that goes on from a step takes up what is there up to that step, so no
    step stands twice. A line that a killed run left unfinished is dropped, as is one
    that is damaged; `damaged` counts these.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self.path = folder / METRICS
        lines, self.damaged = _read(folder)
        kept = [line for line in lines if line["step"] <= step]
        self.seconds: float = max((line.get("seconds", 0) for line in kept), default=0)
        self._scored = {line["step"] for line in kept if "cls" in line}
        self.unreadable = [name for line in kept for name in line.get("unreadable", ())]
        write_file(self.path, "".join(map(_line, kept)))

    def add(self, line: Mapping[str, Any]) -> None:
        """Append a line.

        Raises:
            OSError: It cannot be written.
        """
        with self.path.open("a", encoding="utf-8") as file:
            file.write(_line(line))

    def has_scores(self, step: int) -> bool:
        """Whether a line of evaluation stood there before."""
        return step in self._scored


def read(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run folder that are whole; none where there is no such file."""
    return _read(folder)[0]


def _read(folder: Path) -> tuple[list[dict[str, Any]], int]:
    """The lines, and how many are damaged: a power cut may leave zeros, say."""
    try:
        data = (folder / METRICS).read_bytes()
    except FileNotFoundError:
        return [], 0
    found = [_parsed(line) for line in data[: data.rfind(b"\n") + 1].splitlines()]
    lines = [line for line in found if line is not None]
    return lines, len(found) - len(lines)


def _parsed(text: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(text.decode())
    except ValueError:
        return None
    is_line = isinstance(line, dict) and isinstance(line.get("step"), int)
    return line if is_line else None


def of_scores(scores: Scores) -> dict[str, Any]:
    """What a line has of an evaluation."""
    named = {name: asdict(each) for name, each in heads_of(scores).items()}
    return {
        **named,
        "images": scores.images,
        "evaluation_seconds": round(scores.seconds, 3),
    }


def _line(line: Mapping[str, Any]) -> str:
    return json.dumps(dict(line), allow_nan=False) + "\n"
