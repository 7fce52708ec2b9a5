"""Which fields of specs and recipes take a model, and how `validate` checks one."""

import shutil
from pathlib import Path

import pytest
from support.commands import run
from support.models import hf_folder

from deit_spec.recipe import check_recipe
from deit_spec.spec import check_spec

RECIPE = "data: {builtin: digits}\nloss: {kind: none}\nschedule: {steps: 20}\n"


def test_validate_checks_a_run_as_a_model(trained_run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(trained_run, folder)
    done = run("validate", str(folder))
    assert done.returncode == 0
    assert done.stdout.startswith(f"{folder}: digits, 18 tokens")
    (folder / "model.safetensors").unlink()
    done = run("validate", str(folder))
    assert done.returncode == 1
    assert "DS426" in done.stderr
    assert "the run is not finished: it has no model.safetensors" in done.stderr


def test_a_folder_of_specs_is_not_a_model(tmp_path: Path) -> None:
    for name in ("spec", "other"):
        (tmp_path / f"{name}.yaml").write_text("extends: deit_tiny_patch16_224\n")
    done = run("validate", str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "2 specs, all valid\n")


def test_the_weights_of_a_student_that_is_a_run(
    trained_run: Path, tmp_path: Path
) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(f"student: {{spec: {trained_run}}}\n{RECIPE}")
    found = [each for each in check_recipe(path).diagnostics if each.code == "DS512"]
    assert [each.message for each in found] == [
        f"the weights of {trained_run} are not used"
    ]
    assert found[0].helps == (f"`student.weights: {trained_run}`",)
    weights = f"student.weights={trained_run}"
    used = check_recipe(path, [weights])
    assert "DS512" not in [each.code for each in used.diagnostics]


@pytest.mark.parametrize("is_file", [False, True])
def test_fields_that_take_a_spec(tmp_path: Path, *, is_file: bool) -> None:
    hf_folder(tmp_path / "hf", "ViTForImageClassification")
    model = tmp_path / "hf"
    if is_file:
        model /= "model.safetensors"
    path = tmp_path / "recipe.yaml"
    path.write_text(f"student: {{spec: {model}}}\n{RECIPE}")
    (spec := tmp_path / "spec.yaml").write_text(f"extends: {model}\n")
    for field, found in (
        ("student.spec", check_recipe(path).diagnostics),
        ("extends", check_spec(spec).diagnostics),
    ):
        (each,) = (each for each in found if each.code == "DS009")
        takes = "a published name, or the path of a spec or a run folder"
        if field == "extends":
            takes = "a published name or the path of a spec"
        assert each.message == f"`{field}` takes {takes}, and {model} has no spec"
        help_ = f"`deit-spec weights inspect {model} -o spec.yaml` writes a spec"
        assert each.helps == (help_,)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0", "`device: cuda:0`"),
        ("gpu", "run.device must be `cpu`, `cuda`, `cuda:N` or `mps`"),
    ],
)
def test_devices(tmp_path: Path, value: str, text: str) -> None:
    path = tmp_path / "recipe.yaml"
    student = "student: {spec: deit_tiny_patch16_224}\n"
    path.write_text(f"{student}{RECIPE}run: {{device: {value}}}\n")
    assert text in run("validate", str(path)).stderr
