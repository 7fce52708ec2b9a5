"""The metrics log and the checkpoint files of a run that is resumed."""

from pathlib import Path

from deit_spec.distill.training import log
from deit_spec.distill.training.names import find_last, path_of
from deit_spec.recipe.run_files import METRICS


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
    folder = path_of(tmp_path, 0).parent
    folder.mkdir()
    for step in (9, 10_000_000, 200):
        path_of(tmp_path, step).touch()
    (folder / "step-0000300.safetensors.unfinished").touch()
    assert find_last(tmp_path) == path_of(tmp_path, 10_000_000)
