"""`deit-spec diff`: its output, and its exit codes."""

import io
import json
import sys
from pathlib import Path

import pytest
import torch
from pytest_regressions.file_regression import FileRegressionFixture
from support.commands import ROOT, run
from support.model_pairs import LARGE, PAIRS, TINY, write_specs

import deit_spec
from deit_spec.cli.difference_text import layout
from deit_spec.compare import ComparedModel, check_compared, compare


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with the specs of the pairs."""
    write_specs(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("pair", "form"),
    [
        *((pair, "text") for pair in PAIRS),
        ("deeper", "json"),
        ("reordered", "json"),
        ("deit3", "markdown"),
    ],
)
def test_goldens(
    pair: str, form: str, files: Path, file_regression: FileRegressionFixture
) -> None:
    done = run("diff", *PAIRS[pair], "--output-format", form, cwd=files)
    assert (done.returncode, done.stderr) == (0, "")
    extension = {"text": ".txt", "markdown": ".md"}.get(form, f".{form}")
    file_regression.check(done.stdout, extension=extension, encoding="utf-8")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("width", [80, 120])
def test_on_a_terminal(
    width: int,
    monkeypatch: pytest.MonkeyPatch,
    file_regression: FileRegressionFixture,
) -> None:
    """No line is too long, and a file has what a pipe has."""
    names = "deit_base_patch16_224", "deit_base_distilled_patch16_384"
    models = [ComparedModel.of(name, check_compared(name)) for name in names]
    found = compare(*models)
    piped = layout(found, to_file=True).plain
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("COLUMNS", str(width))
    text = layout(found).plain
    assert max(map(len, text.splitlines())) <= width
    assert text.split() == piped.split()
    file_regression.check(f"{text}\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("pair", "what", "code"),
    [
        ("reordered", "fields", 1),
        ("reordered", "graph", 0),
        ("reordered", "cost", 0),
        ("reordered", "weights", 0),
        ("larger_images", "weights", 1),
        ("deit3", "weights", 1),
        ("larger_images", "fields", 1),
        ("larger_images", "graph", 1),
        ("larger_images", "cost:1000%", 0),
        ("larger_images", "cost:200%", 1),
        ("larger_images", "COST", 1),
    ],
)
def test_what_to_fail_on(pair: str, what: str, code: int, files: Path) -> None:
    models = PAIRS[pair]
    assert run("diff", *models, "--fail-on", what, cwd=files).returncode == code
    several = ("--fail-on", "cost:99999%", "--fail-on", what)
    assert run("diff", *models, *several, cwd=files).returncode == code
    assert run("diff", models[0], models[0], "--fail-on", what, cwd=files).stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("-", "-"),
        (TINY,),
        (TINY, TINY, "--fail-on", "names"),
        (TINY, TINY, "--fail-on", "cost:5"),
        (TINY, TINY, "--fail-on", "fields:5%"),
        (TINY, "recipes/digits.yaml"),
        (TINY, TINY, "-o", "nowhere/difference.txt"),
        (TINY, TINY, "-o", TINY),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    done = run("diff", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_errors_of_either_side() -> None:
    for names in (("-", TINY), (TINY, "-")):
        done = run("diff", *names, stdin="num_heads: 7\n")
        assert (done.returncode, done.stdout) == (1, "")
        assert "DS203" in done.stderr
    done = run("diff", TINY, "git:none:specs/tiny.yaml")
    assert (done.returncode, done.stdout) == (1, "")
    assert "DS313" in done.stderr


@pytest.fixture
def checkpoint(tmp_path: Path) -> str:
    """A checkpoint without a spec."""
    torch.save(deit_spec.load(ROOT / TINY).state_dict(), tmp_path / "tiny.pth")
    return str(tmp_path / "tiny.pth")


def test_a_checkpoint_that_does_not_fit_is_an_error(checkpoint: str) -> None:
    assert run("diff", checkpoint, TINY, "--fail-on", "weights").returncode == 0
    done = run("diff", checkpoint, "-", stdin=f"extends: {TINY}\ndepth: 4\n")
    assert done.returncode == 1
    assert "DS411  depth is 3 in the first and 4 in the second" in done.stdout
    assert "error[DS411]" in done.stderr


def test_other_numbers_of_two_checkpoints(checkpoint: str, tmp_path: Path) -> None:
    state = torch.load(checkpoint)
    for name in ("blocks.0.norm1.weight", "blocks.1.norm1.weight"):
        state[name] *= 1.25
    state["norm.bias"] += 1
    torch.save(state, tmp_path / "other.pth")
    options = ("--fail-on", "graph", "--fail-on", "cost")
    done = run("diff", checkpoint, str(tmp_path / "other.pth"), *options)
    assert done.returncode == 0
    assert "note[DS423]" in done.stderr  # what the shapes do not show
    words = [line.split() for line in done.stdout.splitlines()]
    changed = "~ blocks.0-1.norm1.weight relative 0.25 cosine 1.0"
    assert changed.split() in words
    assert ["~", "norm.bias", "relative", "undefined", "cosine", "undefined"] in words
    assert ["weights:", "44", "equal,", "3", "changed"] in words
    again = run("diff", checkpoint, str(tmp_path / "other.pth"), "--fail-on", "weights")
    assert again.returncode == 1


def test_a_file_has_what_is_printed(tmp_path: Path) -> None:
    printed = run("diff", TINY, LARGE).stdout
    done = run("diff", TINY, LARGE, "-o", str(tmp_path / "difference.txt"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "difference.txt").read_text(encoding="utf-8") == printed


def test_the_target_applies_to_both_graphs() -> None:
    options = ("--target", "inference", "--output-format", "json")
    found = json.loads(run("diff", TINY, LARGE, *options).stdout)
    assert found["cost"]["training_bytes"]["a"] == 0
