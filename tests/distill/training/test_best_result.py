"""The best evaluation is kept, and ends a run that no longer improves."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from support.runs import (
    GoneError,
    Listen,
    StopAfter,
    head,
    lines,
    recipe,
    state,
    weights,
)

from deit_spec.distill.data import open_data
from deit_spec.distill.evaluation import Scores, evaluate
from deit_spec.distill.teachers import open_teacher
from deit_spec.distill.training import Finished, RunError, train
from deit_spec.distill.training.best_result import BestResult
from deit_spec.distill.training.training_loop import TrainingLoop
from deit_spec.recipe import CheckedRecipe
from deit_spec.recipe.run_files import checkpoint_path

TOP1 = {2: 0.3, 4: 0.6, 6: 0.5, 8: 0.6, 10: 0.7, 12: 0.1}
"""Made-up scores of the evaluations, by step."""
RUN = {"evaluate_every": 2, "checkpoint_every": 5}


def scores(fused: float) -> Scores:
    """Scores of which only the fused ones are this good."""
    return Scores(head(0.9), head(0.8), head(fused), images=100, seconds=0.5)


@pytest.fixture(autouse=True)
def _made_up_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluate_model = TrainingLoop._evaluate

    def made_up(loop: TrainingLoop, model: torch.nn.Module, fusion: str) -> Scores:
        if model is loop.training.teacher:
            return evaluate_model(loop, model, fusion)
        return scores(TOP1[loop.done])

    monkeypatch.setattr(TrainingLoop, "_evaluate", made_up)


def trained(checked: CheckedRecipe, folder: Path, *stops: int) -> Finished:
    """Train, with an end after some steps from which the run is resumed."""
    for step in stops:
        with pytest.raises(GoneError):
            train(checked, folder, resume=True, reporter=StopAfter(step))
    return train(checked, folder, resume=True)


def test_the_best_of_equal_results_is_the_first() -> None:
    best, weight = BestResult([torch.zeros(2)]), torch.zeros(2)

    def result() -> Iterator[torch.Tensor]:
        yield weight

    assert (best.scores, best.step, best.misses) == (None, 0, 0)
    seen = []
    for step, top1 in TOP1.items():
        weight.fill_(step)
        best.update(step, scores(top1), result())
        best.update(step, scores(1.0), result())  # compared before
        seen.append((best.step, best.misses, best.weights[0][0].item()))
    assert seen == [
        (2, 0, 2),
        (4, 0, 4),
        (4, 1, 4),
        (4, 2, 4),
        (10, 0, 10),
        (10, 1, 10),
    ]
    assert best.scores == scores(0.7)


def test_one_head_has_no_fused_scores() -> None:
    best, alone = BestResult(), Scores(head(0.4), None, None, images=7, seconds=1.0)
    best.update(1, alone, ())
    assert best.scores == alone


def test_the_weights_of_the_best_evaluation_are_the_result(tmp_path: Path) -> None:
    """They are those that the same run has after ten steps."""
    checked = recipe(tmp_path, run={**RUN, "keep": "best"})
    finished = trained(checked, tmp_path / "best")
    assert (finished.step, finished.scores) == (12, scores(0.7))
    stop = StopAfter(10, 15)
    train(recipe(tmp_path, run=RUN), tmp_path / "ten", reporter=stop)
    assert weights(tmp_path / "best") == weights(tmp_path / "ten")
    summary = (tmp_path / "best" / "summary.md").read_text()
    assert "with the weights of step 10, the best evaluation:" in summary
    assert "| fused | 70.00 %" in summary


@pytest.mark.parametrize("keep", ["best", pytest.param("last", marks=pytest.mark.slow)])
def test_a_resumed_run_keeps_and_ends_as_one_that_never_stopped(
    tmp_path: Path, keep: str
) -> None:
    """Two evaluations, after steps 6 and 8, are not better than that after step 4."""
    checked = recipe(tmp_path, run={**RUN, "keep": keep, "patience": 2})
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    finished = trained(checked, whole)
    assert (finished.complete, finished.step) == (True, 8)
    assert finished.scores == scores(0.6)
    assert "ended early after 8 of 12 steps" in (whole / "summary.md").read_text()
    again = trained(checked, stopped, 3, 5, 7)
    assert weights(stopped) == weights(whole)
    assert (again.step, again.scores) == (finished.step, finished.scores)
    assert lines(stopped) == lines(whole)
    assert all(
        torch.equal(value.nan_to_num(), state(whole)[name].nan_to_num())
        for name, value in state(stopped).items()
    )
    assert checkpoint_path(whole, 8).exists()
    again = train(checked, whole, resume=True)  # it stays as it is
    assert (again.complete, again.step, again.scores) == (True, 8, scores(0.6))
    assert weights(whole) == weights(stopped)
    assert lines(whole) == lines(stopped)


def test_a_run_made_longer_keeps_its_best_evaluation(tmp_path: Path) -> None:
    """That after step 10 is one that the longer run has too, so the two are equal."""
    run = {**RUN, "keep": "best", "patience": 3}
    constant = {"min_lr": 2e-3, "warmup_lr": 1e-4}
    short, longer = (
        recipe(tmp_path / str(steps), schedule={**constant, "steps": steps}, run=run)
        for steps in (10, 12)
    )
    train(short, tmp_path / "run")
    again = train(longer, tmp_path / "run", resume=True)
    whole = train(longer, tmp_path / "whole")
    assert (again.step, again.scores) == (12, scores(0.7))
    assert (whole.step, whole.scores) == (12, scores(0.7))
    assert weights(tmp_path / "run") == weights(tmp_path / "whole")
    for name, value in state(tmp_path / "run").items():
        expected = state(tmp_path / "whole")[name]
        assert torch.equal(value.nan_to_num(), expected.nan_to_num()), name


def test_more_steps_do_not_continue_a_run_that_stopped_early(tmp_path: Path) -> None:
    """It says so, unless it stopped at its last step."""
    folder, listen, again = tmp_path / "run", Listen(), Listen()
    run = {**RUN, "patience": 2}
    constant = {"min_lr": 2e-3, "warmup_lr": 1e-4}
    short, longer = (
        recipe(tmp_path / str(steps), schedule={**constant, "steps": steps}, run=run)
        for steps in (8, 12)
    )
    train(short, folder)
    train(short, folder, resume=True, reporter=listen)
    assert listen.messages == []
    finished = train(longer, folder, resume=True, reporter=again)
    assert (finished.complete, finished.step) == (True, 8)
    (message,) = again.messages
    assert message == (
        "the run stopped early after step 8: top-1 has not improved for 2 "
        "evaluations, since step 4; more steps do not continue it"
    )


def test_evaluations_that_decide_cannot_change(tmp_path: Path) -> None:
    trained(recipe(tmp_path, run={**RUN, "patience": 9}), tmp_path / "run")
    other = recipe(tmp_path, run={**RUN, "patience": 9, "evaluate_every": 3})
    with pytest.raises(RunError) as caught:
        train(other, tmp_path / "run", resume=True)
    assert [each.code for each in caught.value.diagnostics] == ["DS535"]


def test_the_teacher_is_scored_on_the_held_out_images(tmp_path: Path) -> None:
    checked, folder = recipe(tmp_path, run=RUN), tmp_path / "run"
    finished = train(checked, folder)
    data = open_data(checked)
    teacher = open_teacher(checked, data, folder=folder)
    assert teacher is not None
    right = sum(
        int((teacher(images).argmax(1) == labels).sum())
        for images, labels in data.val(7)
    )
    assert finished.teacher is not None
    assert finished.teacher.top1 == right / 100
    expected = evaluate(teacher, data.val(16), fusion="cls").cls
    assert finished.teacher == expected
    row = f"| teacher | {right:.2f} % | {100 * expected.top5:.2f} % |"
    assert row in (folder / "summary.md").read_text()
