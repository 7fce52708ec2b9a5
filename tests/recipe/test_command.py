"""`deit-spec validate` on recipes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import commands
from support.commands import ROOT


def test_torch_is_not_imported() -> None:
    heavy = "{'torch', 'rich', 'timm', 'accelerate', 'sklearn'}"
    code = (
        "import sys; from deit_spec.cli import main\n"
        "sys.argv = ['deit-spec', 'validate', 'recipes/digits.yaml']\n"
        f"try: main()\nexcept SystemExit: print(sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"


class TestCommand:
    def test_a_line_sums_up(self) -> None:
        done = commands.run("validate", "recipes/digits.yaml")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == (
            "recipes/digits.yaml: digits, hard distillation from digits_convnet, "
            "1,000 images of digits, 600 steps of batch 64, peak lr 0.002\n"
        )
        done = commands.run("validate", "recipes/digits-study.yaml")
        assert done.stdout == (
            "recipes/digits-study.yaml: 120 runs of digits.yaml: "
            "5 arms, 3 sizes, 8 seeds\n"
        )

    def test_recipes_and_specs_together(self) -> None:
        done = commands.run("validate", "recipes/digits.yaml", "specs/tiny.yaml")
        assert (done.returncode, done.stdout) == (0, "2 files, all valid\n")

    def test_values_are_laid_over(self) -> None:
        done = commands.run(
            "validate", "recipes/digits.yaml", "--set", "schedule.steps=900"
        )
        assert "900 steps" in done.stdout
        done = commands.run(
            "validate", "recipes/digits.yaml", "--set", "schedule.stepz=9"
        )
        assert done.returncode == 1
        assert "--> --set:1:10" in done.stderr
        assert "1 | schedule.stepz=9" in done.stderr

    def test_from_standard_input(self) -> None:
        text = "student: {spec: deit_tiny_patch16_224}\ndata: {dataset: x}\n"
        done = commands.run("validate", "-", stdin=f"{text}loss: {{kind: none}}\n")
        assert done.returncode == 0
        assert done.stdout.startswith("<stdin>: ")

    @pytest.mark.parametrize(
        "arguments",
        [
            ["specs/tiny.yaml", "--set", "a.b=1"],
            ["recipes/digits-study.yaml", "--set", "a.b=1"],
            ["recipes/digits.yaml", "--set", "a.b=1", "--fix"],
        ],
    )
    def test_set_is_for_recipes_that_stay_as_they_are(
        self, arguments: list[str]
    ) -> None:
        done = commands.run("validate", *arguments)
        assert done.returncode == 2
        assert "--set" in done.stderr

    def test_what_is_misspelt_is_mended(self, tmp_path: Path) -> None:
        recipe = tmp_path / "r.yaml"
        recipe.write_text(
            "student: {spec: deit_tiny_patch16_224}  # mine\n"
            "data: {dataset: x}\nlos:\n  kind: none\nschedule:\n  epoch: 3.0\n"
            "  warmup_epochs: 0\n"
        )
        done = commands.run("validate", "--fix", "r.yaml", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert recipe.read_text() == (
            "student: {spec: deit_tiny_patch16_224}  # mine\n"
            "data: {dataset: x}\nloss:\n  kind: none\nschedule:\n  epochs: 3\n"
            "  warmup_epochs: 0\n"
        )
