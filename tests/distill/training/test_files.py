"""Whole or not at all, and lines that are taken up where a run goes on."""

import errno
from pathlib import Path
from typing import BinaryIO

import pytest

from deit_spec.distill.files import write_text, write_whole
from deit_spec.distill.training import log
from deit_spec.distill.training.names import find_last, path_of
from deit_spec.recipe.run_files import METRICS


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "first")

    def fill(file: BinaryIO) -> None:
        file.write(b"sec")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_whole(path, fill)
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_lines_after_the_step_and_half_lines_are_dropped(tmp_path: Path) -> None:
    text = '{"step": 2}\n{"step": 4, "cls": {}, "seconds": 1.5}\n{"step": 6}\n{"st'
    (tmp_path / METRICS).write_text(text)
    taken_up = log.Log(tmp_path, 4)
    taken_up.add({"step": 6})
    assert [line["step"] for line in log.read(tmp_path)] == [2, 4, 6]
    assert taken_up.seconds == 1.5
    assert taken_up.has_scores(4)
    assert not taken_up.has_scores(2)


def test_the_last_checkpoint_is_that_of_the_highest_step(tmp_path: Path) -> None:
    assert find_last(tmp_path) is None
    for step in (9, 10_000_000, 200):
        write_text(_made(path_of(tmp_path, step)), "")
    _made(tmp_path / "checkpoints" / "step-0000300.safetensors.unfinished").touch()
    assert find_last(tmp_path) == path_of(tmp_path, 10_000_000)


def _made(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    return path
