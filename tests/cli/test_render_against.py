"""`render --against`: the differences between two models as one drawing."""

from pathlib import Path

import pytest
from pytest_regressions.file_regression import FileRegressionFixture
from support.commands import run
from support.model_pairs import LARGE, PAIRS, TINY, write_specs

FIGURES = {**PAIRS, "shallower": (LARGE, "shallow.yaml")}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with the specs of the pairs."""
    write_specs(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("pair", "form"),
    [
        *((pair, "figure") for pair in FIGURES),
        ("shallower", "svg"),
        ("deit3", "tree"),
    ],
)
def test_goldens(
    pair: str, form: str, files: Path, file_regression: FileRegressionFixture
) -> None:
    a, b = FIGURES[pair]
    done = run("render", a, "--against", b, "--output-format", form, cwd=files)
    assert (done.returncode, done.stderr) == (0, "")
    extension = ".svg" if form == "svg" else ".txt"
    file_regression.check(done.stdout, extension=extension, encoding="utf-8")


@pytest.mark.parametrize(
    "arguments",
    [
        ("-", "--against", "-"),
        (TINY, "--against", TINY, "--heat", "macs", "-o", "a.svg"),
        (TINY, "--against", TINY, "--output-format", "figure", "--detail", "overview"),
        (TINY, "--against", ""),
        (TINY, "--against", TINY, "-o", TINY, "--output-format", "svg"),
        (TINY, "--against", TINY, "-o", "nowhere/a.svg"),
        (TINY, "--against", "recipes/digits.yaml"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    done = run("render", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("form", ["json", "mermaid", "dot", "d2"])
def test_formats_without_marks(form: str) -> None:
    done = run("render", TINY, "--against", TINY, "--output-format", form)
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        f"--against needs figure, tree, svg, pdf, png or html, not {form}"
        in done.stderr
    )


def test_errors_of_either_side() -> None:
    for names in (("-", "--against", TINY), (TINY, "--against", "-")):
        done = run("render", *names, stdin="num_heads: 7\n")
        assert (done.returncode, done.stdout) == (1, "")
        assert "DS203" in done.stderr
    done = run("render", TINY, "--against", "git:none:specs/tiny.yaml")
    assert (done.returncode, done.stdout) == (1, "")
    assert "DS313" in done.stderr


def test_options_of_passes_apply_to_both(tmp_path: Path) -> None:
    """Both end at block 1, and only the first has layer scale there."""
    (tmp_path / "scaled.yaml").write_text(f"extends: {LARGE}\ndepth: 3\n")
    spec = f"extends: {LARGE}\ndepth: 3\nvariant: {{layer_scale: null}}\n"
    (tmp_path / "plain.yaml").write_text(spec)
    options = ("--until", "blocks.1", "--tap", "blocks.0", "--merge-tokens", "8")
    models = ("scaled.yaml", "--against", "plain.yaml")
    done = run("render", *models, *options, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\N{MINUS SIGN} ls1" in done.stdout
    assert "blocks.2" not in done.stdout
    assert "Linear 1024 → 1000" not in done.stdout
