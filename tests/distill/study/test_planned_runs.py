"""Which runs are the same run, and which learn from the same teacher."""

import pickle
from pathlib import Path

import pytest

from deit_spec.distill.study.planned_runs import (
    PlannedRun,
    plan_runs,
    with_trained_teacher,
)
from deit_spec.recipe.study_validation import check_study

ROOT = Path(__file__).parents[3]
STUDY = ROOT / "recipes" / "digits-study.yaml"
SMALL = """\
recipe: {recipe}
seeds: [0, 1]
train_images: [100, 300]
arms:
  none:
    student.spec: students/digits-undistilled.yaml
    teacher: null
    loss.kind: none
  hard: {{}}
"""


def planned(
    tmp_path: Path, text: str = SMALL
) -> dict[tuple[str, int, int], PlannedRun]:
    path = tmp_path / "study.yaml"
    path.write_text(text.format(recipe=ROOT / "recipes" / "digits.yaml"))
    checked = check_study(path)
    assert checked.study is not None, checked.diagnostics
    return {
        (each.arm, each.images, each.seed): each
        for each in plan_runs(checked, checked.study)
    }


def test_the_study_of_the_recipes() -> None:
    checked = check_study(STUDY)
    assert checked.study is not None
    found = plan_runs(checked, checked.study)
    assert len(found) == len({each.key for each in found}) == 5 * 3 * 8
    teachers = {each.teacher for each in found if each.teacher}
    assert len(teachers) == 3 * 8
    for each in found:
        assert each.trains_teacher == (each.arm in {"soft", "hard", "hard_no_token"})
        assert (each.teacher is None) == (each.arm in {"none", "true_labels"})


def test_another_process_knows_where_things_are(tmp_path: Path) -> None:
    for each in planned(tmp_path).values():
        sent = pickle.loads(pickle.dumps(each)).recipe
        assert sent.recipe == each.recipe.recipe
        assert sent.place(sent.recipe.student.spec).is_file()
        assert str(sent.span("run.seed")) == str(each.recipe.span("run.seed"))


def test_weights_of_a_teacher_that_was_trained(tmp_path: Path) -> None:
    each = planned(tmp_path)["hard", 100, 0]
    weights = tmp_path / "teacher.safetensors"
    weights.touch()
    taught = with_trained_teacher(each, weights).recipe
    assert taught is not None
    assert taught.teacher is not None
    assert taught.teacher.weights == str(weights)
    assert taught.teacher.builtin == "digits_convnet"
    assert taught.run.seed == 0
    assert taught.data.train_images == 100


def test_another_version_decides_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = planned(tmp_path)
    monkeypatch.setattr("deit_spec.distill.study.planned_runs.__version__", "9.9.9")
    for place, other in planned(tmp_path).items():
        assert one[place].key != other.key
        assert one[place].teacher is None or one[place].teacher != other.teacher


def test_name_of_an_arm_decides_nothing(tmp_path: Path) -> None:
    one = planned(tmp_path)
    other = planned(tmp_path, SMALL.replace("hard:", "taught:"))
    assert one["hard", 100, 0].key == other["taught", 100, 0].key


@pytest.mark.parametrize(
    ("change", "decides"),
    [
        ("run.log_every: 7", False),
        ("run.evaluate_every: 7", False),
        ("run.checkpoint_every: 7", False),
        ("data.workers: 0", False),
        ("optimizer.lr: 1.0e-4", True),
        ("loss.alpha: 0.4", True),
        ("data.split_seed: 1", True),
        ("teacher.steps: 7", True),
        ("augmentation.drop_path: 0.1", True),
    ],
)
def test_what_decides_a_run(tmp_path: Path, change: str, decides: bool) -> None:  # noqa: FBT001
    one = planned(tmp_path)
    other = planned(tmp_path, SMALL.replace("hard: {{}}", f"hard: {{{{{change}}}}}"))
    place = "hard", 300, 1
    assert (one[place].key != other[place].key) == decides
    about_teacher = change.startswith(("data.split", "teacher"))
    assert (one[place].teacher != other[place].teacher) == about_teacher
    assert one["none", 300, 1] == other["none", 300, 1]


def test_evaluations_decide_where_the_best_is_kept(tmp_path: Path) -> None:
    text = SMALL.replace("hard: {{}}", "hard: {{run.patience: 3}}")
    every = "hard: {{run.patience: 3, run.evaluate_every: 7}}"
    other = SMALL.replace("hard: {{}}", every)
    place = "hard", 100, 0
    assert planned(tmp_path, text)[place].key != planned(tmp_path, other)[place].key


def test_contents_of_weights_decide(tmp_path: Path) -> None:
    weights = tmp_path / "teacher.safetensors"
    text = SMALL.replace("hard: {{}}", f"hard: {{{{teacher.weights: {weights}}}}}")
    weights.write_bytes(b"one")
    one = planned(tmp_path, text)
    weights.write_bytes(b"other")
    other = planned(tmp_path, text)
    assert one["hard", 100, 0].key != other["hard", 100, 0].key
    # One teacher for all seeds and sizes: none is trained.
    found = {each.teacher for each in one.values() if each.teacher}
    assert len(found) == 1
    assert not any(each.trains_teacher for each in one.values())


def test_contents_of_the_run_that_a_student_starts_from_decide(tmp_path: Path) -> None:
    weights = tmp_path / "run" / "model.safetensors"
    weights.parent.mkdir()
    run = f"hard: {{{{student.weights: {weights.parent}}}}}"
    text = SMALL.replace("hard: {{}}", run)
    keys = set()
    for content in (b"one", b"other"):
        weights.write_bytes(content)
        keys.add(planned(tmp_path, text)["hard", 100, 0].key)
    assert len(keys) == 2
