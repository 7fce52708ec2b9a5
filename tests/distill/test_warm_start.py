"""Students that start from weights: what they take, and what they refuse."""

from pathlib import Path
from typing import Any

import pytest
import torch
from support.commands import run
from support.recipes import SPECS
from support.runs import NAMES, make_run, recipe, save_weights

import deit_spec
from deit_spec.diagnostics import Diagnostic
from deit_spec.distill.training import train
from deit_spec.distill.training.trainer import open_student
from deit_spec.distill.warm_start import check_warm_start, plan_warm_start
from deit_spec.recipe import CheckedRecipe
from deit_spec.weights import WeightsError, safetensors_file

ALONE: dict[str, Any] = {"teacher": None, "loss": {"kind": "none"}}
NO_TOKEN = str(SPECS / "digits-undistilled.yaml")


def test_a_student_may_begin_from_weights_of_another_size(tmp_path: Path) -> None:
    """And of other classes: positions are resampled, and heads initialised."""
    spec = (SPECS / "digits.yaml").read_text()
    other = {"image_size: 8": "image_size: 16", "classes: 10": "classes: 3"}
    for old, new in other.items():
        assert old in spec
        spec = spec.replace(old, new)
    (tmp_path / "wide.yaml").write_text(spec)
    file = save_weights(tmp_path / "wide.yaml", tmp_path / "wide.safetensors")
    student = {"spec": str(SPECS / "digits.yaml"), "weights": str(file)}
    checked = recipe(tmp_path, student={**student, "allow": ["heads", "resample"]})
    start = plan_warm_start(checked, NAMES)
    assert start is not None
    begun = open_student(checked, start).state_dict()
    heads = "head.weight, head.bias, head_dist.weight, head_dist.bias"
    assert list(start.messages()) == [
        "pos_embed resampled: 8×8 → 4×4, bicubic; 2 prefix tokens kept",
        f"{heads} re-initialised: 3 → 10 classes",
    ]
    given = safetensors_file.read(file, file.name)
    assert begun.keys() == given.keys()
    assert begun["pos_embed"].shape == (1, 2 + 4 * 4, 48)
    assert torch.equal(begun["pos_embed"][:, :2], given["pos_embed"][:, :2])
    for name in begun.keys() - {"pos_embed"}:
        if name.startswith("head"):
            assert len(begun[name]) == 10
            assert not torch.equal(begun[name][:3], given[name])
        else:
            assert torch.equal(begun[name], given[name])
    assert train(checked, tmp_path / "run").complete


def test_a_student_takes_the_heads_of_a_run_by_class_name(
    tmp_path: Path, trained_run: Path
) -> None:
    """The classes of the data are in another order, or others."""
    weights = str(trained_run / "model.safetensors")
    spec = trained_run / "spec.yaml"
    student = {"spec": str(spec), "weights": weights, "allow": ["heads"]}
    checked = recipe(tmp_path, student=student)
    images = torch.randn(3, 1, 8, 8)
    model = deit_spec.load(spec, weights=weights).eval()
    order = [3, 1, 4, 0, 5, 9, 2, 6, 8, 7]
    start = plan_warm_start(checked, [str(each) for each in order])
    student = open_student(checked, start).eval()
    for found, logits in zip(student(images), model(images), strict=True):
        torch.testing.assert_close(found, logits[:, order])
    start = plan_warm_start(checked, list("abcdefghij"))
    assert start is not None
    assert start.plan.counts()["re-initialised"] == 4
    begun = open_student(checked, start).state_dict()
    for name, value in model.state_dict().items():
        assert torch.equal(begun[name], value) == (not name.startswith("head")), name


def findings(checked: CheckedRecipe) -> tuple[Diagnostic, ...]:
    return check_warm_start(checked)[0].diagnostics


def place(found: Diagnostic, checked: CheckedRecipe) -> str:
    """The text of the recipe that a finding is about."""
    span = found.primary.span
    assert checked.path is not None
    assert span.source.name == str(checked.path)
    line = checked.path.read_text().splitlines()[span.line - 1]
    return line[span.column - 1 : span.end_column - 1]


@pytest.fixture
def five(tmp_path: Path) -> Path:
    """The weights of a student of five classes without a distillation token."""
    spec = tmp_path / "five.yaml"
    spec.write_text(f"extends: {NO_TOKEN}\nnum_classes: 5\nimage_size: 16\n")
    return save_weights(spec, tmp_path / "five.safetensors")


def test_each_change_has_to_be_allowed(tmp_path: Path, five: Path) -> None:
    student = {"spec": NO_TOKEN, "weights": five.name, "allow": ["drop"]}
    checked = recipe(tmp_path, student=student, **ALONE)
    positions, heads = findings(checked)
    assert (heads.code, positions.code) == ("DS414", "DS414")
    assert {place(each, checked) for each in (heads, positions)} == {five.name}
    assert heads.message == "2 tensors would need `heads`, which is not allowed"
    assert heads.primary.text == "5 → 10 classes"
    assert [each.text for each in heads.secondary] == ["without `heads`", "here"]
    assert heads.helps == ("`student.allow: [resample, heads, drop]`",)
    assert positions.primary.text == "8×8 → 4×4, bicubic; 1 prefix token kept"
    with pytest.raises(WeightsError):
        train(checked, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_linear_probe_of_a_head_with_other_classes(
    tmp_path: Path, five: Path
) -> None:
    """By mistake of the class count, all that learns would be new."""
    student = {"spec": NO_TOKEN, "weights": five.name, "train": "heads"}
    checked = recipe(tmp_path, student=student, **ALONE)
    (found,) = findings(checked)
    assert (found.code, found.primary.text) == ("DS414", "5 → 10 classes")
    student |= {"allow": ["heads", "resample"]}
    assert findings(recipe(tmp_path, student=student, **ALONE)) == ()


def test_positions_are_resampled_by_default(tmp_path: Path, five: Path) -> None:
    student = {"spec": NO_TOKEN, "weights": str(five), "num_classes": 5}
    data = {"builtin": "digits"}
    checked = recipe(tmp_path, student=student, data=data, **ALONE)
    assert {each.code for each in checked.diagnostics} == {"DS509"}
    student["num_classes"] = 10
    checked = recipe(tmp_path, student=student, data=data, **ALONE)
    assert [each.message for each in findings(checked)] == [
        "2 tensors would need `heads`, which is not allowed"
    ]


def test_weights_of_another_structure(tmp_path: Path, five: Path) -> None:
    spec = tmp_path / "deep.yaml"
    spec.write_text(f"extends: {NO_TOKEN}\ndepth: 2\n")
    student = {"spec": str(spec), "weights": str(five)}
    checked = recipe(tmp_path, student=student, **ALONE)
    (found,) = findings(checked)
    assert found.code == "DS411"
    assert found.message == "depth is 3 in the checkpoint and 2 in the spec"
    assert found.secondary[-1].span == checked.span("student.weights")


def test_weights_of_as_many_other_classes(tmp_path: Path) -> None:
    """The heads of a run have class names, so they are not taken by index."""
    names = [f"letter {each}" for each in NAMES]
    folder = make_run(tmp_path / "letters", "run.seed=1", classes=names)
    student: dict[str, Any] = {"spec": str(folder), "weights": str(folder)}
    checked = recipe(tmp_path, student=student)
    (found,) = findings(checked)
    assert (found.code, place(found, checked)) == ("DS414", str(folder))
    assert found.primary.text == "the weights have other classes"
    assert found.secondary == ()  # the number of classes is the same
    assert "the classes of the data are 0, 1" in found.notes[-2]
    assert "the classes of the weights are letter 0" in found.notes[-1]
    student["allow"] = ["heads"]
    start = plan_warm_start(recipe(tmp_path, student=student), NAMES)
    assert start is not None
    assert start.plan.counts() == {"taken": 43, "re-initialised": 4, "dropped": 4}


def test_a_new_head_that_is_used_and_not_trained(tmp_path: Path) -> None:
    """Weights usually have a distillation head, and this one is of other classes."""
    folder = make_run(tmp_path / "run", "run.seed=1", classes=list("abcdefghij"))
    student = {"spec": str(folder), "weights": str(folder), "allow": ["heads"]}
    checked = recipe(tmp_path, student=student, **ALONE)
    assert [each.code for each in checked.diagnostics] == []
    assert [each.code for each in findings(checked)] == ["DS529"]


def test_validate_says_what_the_student_starts_from(tmp_path: Path, five: Path) -> None:
    student = {"spec": NO_TOKEN, "weights": five.name, "allow": ["heads", "resample"]}
    checked = recipe(tmp_path, student=student, **ALONE)
    done = run("validate", str(checked.path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1] == (
        "starts from five.safetensors: 41 taken, 1 resampled (8×8 → 4×4, bicubic; 1 "
        "prefix token kept), 2 re-initialised (5 → 10 classes), 2 dropped"
    )
    done = run("validate", str(checked.path), "--set", "student.allow=[]")
    assert done.returncode == 1
    assert "DS414" in done.stderr


def test_permissions_without_weights_have_no_effect(tmp_path: Path) -> None:
    student = {"spec": NO_TOKEN, "allow": ["heads"]}
    (found,) = recipe(tmp_path, student=student, **ALONE).diagnostics
    assert (found.code, found.helps) == ("DS512", ("leave `student.allow` out",))


def test_weights_that_are_not_there(tmp_path: Path) -> None:
    student = {"spec": NO_TOKEN, "weights": "away.pth"}
    checked = recipe(tmp_path, student=student, **ALONE)
    assert [each.code for each in checked.diagnostics] == ["DS520"]
    with pytest.raises(WeightsError) as caught:
        train(checked, tmp_path / "run")
    (found,) = caught.value.diagnostics
    assert found.code == "DS401"
    assert found.secondary[-1].span == checked.span("student.weights")
