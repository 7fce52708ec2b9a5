"""The file of results: a line for each run that is done, and never a part of one."""

import errno
import json
import os
from dataclasses import asdict, dataclass
from io import FileIO
from pathlib import Path
from typing import Any

from deit_spec.distill.metrics import HeadScores

FILE = "results.jsonl"


@dataclass(frozen=True)
class Result:
    """What a run came to.

    `key` is a hash of everything that decides it; `images` are those trained on.
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
        """The scores of what `predict` says, of both heads where there are two."""
        return self.fused or self.cls


class ForeignError(Exception):
    """A file that is called like results has a line that is none."""


class Results:
    """The results in a folder, by the key of their run.

    Raises:
        ForeignError: The file there is not one of results.
        OSError: It cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.done: dict[str, Result] = {}
        if not self.path.exists():
            return
        data = self.path.read_bytes()
        # What was being written when the power went has no end.
        whole = data[: data.rfind(b"\n") + 1]
        for number, line in enumerate(whole.splitlines(), 1):
            result = self._read(line, number)
            self.done[result.key] = result
        if len(whole) < len(data):
            os.truncate(self.path, len(whole))

    def _read(self, line: bytes, number: int) -> Result:
        try:
            return _read(json.loads(line.decode()))
        except (ValueError, KeyError, TypeError) as error:
            reason = f"line {number} of {self.path} is not a result of a study"
            raise ForeignError(reason) from error

    def add(self, result: Result) -> None:
        """Append a line, and see it on the disk.

        Raises:
            OSError: It cannot be written.
        """
        line = f"{json.dumps(asdict(result))}\n".encode()
        with self.path.open("ab", buffering=0) as file:
            start = file.tell()
            try:
                _write(file, line)
            except OSError:
                file.truncate(start)
                raise
        self.done[result.key] = result


def _write(file: FileIO, line: bytes) -> None:
    if file.write(line) < len(line):  # as on a disk that is full
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(file.fileno())


def _scores(values: dict[str, float]) -> HeadScores:
    scores = HeadScores(**values)
    if not all(0 <= share <= 1 for share in (scores.top1, scores.top5, scores.ece)):
        raise ValueError("a share is from 0 to 1")
    return scores


def _read(line: dict[str, Any]) -> Result:
    heads = {
        name: _scores(line[name]) if line[name] else None
        for name in ("cls", "dist", "fused", "teacher")
    }
    return Result(**{**line, **heads})
