"""`results.jsonl`: a line for each run of a study that is done."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deit_spec.distill.evaluation import HeadScores

RESULTS = "results.jsonl"


@dataclass(frozen=True)
class Result:
    """The result of a run.

    `key` is a hash of everything that it depends on; `images` is the number of
    training images.
    """

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


class ForeignError(Exception):
    """The file of results has a line that is not a result."""


class Results:
    """The results in a folder, by the key of their run.

    An incomplete last line is removed; a power cut may leave one.

    Raises:
        ForeignError: The file is not one of results.
        OSError: It cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / RESULTS
        self.done: dict[str, Result] = {}
        if not self.path.exists():
            return
        data = self.path.read_bytes()
        complete = data[: data.rfind(b"\n") + 1]
        for number, line in enumerate(complete.splitlines(), 1):
            try:
                result = _parsed(json.loads(line.decode()))
            except (ValueError, KeyError, TypeError) as error:
                reason = f"line {number} of {self.path} is not a result of a study"
                raise ForeignError(reason) from error
            self.done[result.key] = result
        if len(complete) < len(data):
            os.truncate(self.path, len(complete))

    def add(self, result: Result) -> None:
        """Append a line and flush it to the disk.

        Raises:
            OSError: It cannot be written.
        """
        with self.path.open("ab") as file:
            file.write(f"{json.dumps(asdict(result))}\n".encode())
            file.flush()
            os.fsync(file.fileno())
        self.done[result.key] = result


def _parsed(line: dict[str, Any]) -> Result:
    heads = {
        name: HeadScores(**line[name]) if line[name] else None
        for name in ("cls", "dist", "fused", "teacher")
    }
    return Result(**{**line, **heads})
