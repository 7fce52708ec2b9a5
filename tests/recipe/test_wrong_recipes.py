"""Wrong recipes: what is said of each, where, and that following the helps mends it.

A recipe is a file of `invalid/`, named after what it proves, and what is printed of
it stands beside it; `--force-regen` refreshes that. The first line of a recipe says
which findings it has at which places, so that a refresh hides no moved place.
"""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pytest_regressions.file_regression import FileRegressionFixture
from support.recipes import follow, steps_of

from deit_spec.diagnostics import CATALOGUE, Diagnostic, Severity
from deit_spec.diagnostics.explanation import explanation
from deit_spec.diagnostics.text import render, summary
from deit_spec.recipe import check_recipe
from deit_spec.recipe.documents import check_any

FOLDER = Path(__file__).parent / "invalid"
RECIPES = sorted(FOLDER.glob("*.yaml"))
NOT_LITERAL = {"DS001", "DS003", "DS009", "DS203", "DS505", "DS520"}
"""What a help cannot write for its reader: a path, a text, another file."""

each = pytest.mark.parametrize(
    "path", RECIPES, ids=lambda path: path.stem, indirect=True
)


@pytest.fixture
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A wrong recipe, with students and images beside it, in a folder of its own."""
    recipe: Path = request.param
    shutil.copy(recipe, tmp_path)
    shutil.copytree(FOLDER / "students", tmp_path / "students")
    for name in ("train/robin", "train/wren", "val/robin", "val/wren"):
        (tmp_path / "images" / name).mkdir(parents=True)
    with contextlib.chdir(tmp_path):
        yield recipe


def placed(found: Diagnostic, path: Path) -> str:
    span = found.primary.span
    source = "" if span.source.name == path.name else f"{span.source.name} "
    return f"{found.code} {source}{span.line}:{span.column}"


@each
def test_codes_and_places(path: Path) -> None:
    expected = path.read_text(encoding="utf-8").partition("\n")[0]
    found = check_recipe(path.name).diagnostics
    assert f"# expect: {', '.join(placed(each, path) for each in found)}" == expected


@each
def test_what_is_printed(path: Path, file_regression: FileRegressionFixture) -> None:
    found = check_recipe(path.name).diagnostics
    text = f"{render(found, width=100).plain.rstrip()}\n\n{summary(found)}\n"
    file_regression.check(text, fullpath=path.with_suffix(".txt"), encoding="utf-8")


@each
def test_a_recipe_has_no_value_where_there_are_errors(path: Path) -> None:
    checked = check_recipe(path.name)
    errors = [d for d in checked.diagnostics if d.severity is Severity.ERROR]
    assert (checked.recipe is None) == bool(errors)


@each
def test_it_is_told_for_a_recipe(path: Path) -> None:
    """With mistakes and all, it is checked as a recipe and as nothing else."""
    if path.stem == "empty":  # an empty mapping is a fine spec
        return
    found = check_any(path.name).diagnostics
    expected = check_recipe(path.name).diagnostics
    assert [str(each) for each in found] == [str(each) for each in expected]


@each
def test_every_step_of_a_help_mends_its_finding(path: Path) -> None:
    """Each on its own: what was found is found no more."""
    checked = check_recipe(path.name)
    for found in checked.diagnostics:
        assert found.helps
        steps = steps_of(found.helps[0])
        assert steps or found.code in NOT_LITERAL | {"DS101", "DS502", "DS514"}, found
        if found.code in NOT_LITERAL or found.primary.span.source.name != path.name:
            continue
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
        for step in steps:
            mended = follow(value, found, step, Path())
            Path("mended.yaml").write_text(yaml.safe_dump(mended), encoding="utf-8")
            left = check_recipe("mended.yaml").diagnostics
            same = [
                d for d in left if (d.code, d.message) == (found.code, found.message)
            ]
            assert same == [], step


def test_there_are_enough_and_no_golden_is_left_over() -> None:
    goldens = {path.stem for path in FOLDER.glob("*.txt")}
    assert goldens == {path.stem for path in RECIPES}


def test_every_code_that_a_check_finds_is_proved() -> None:
    proved = {
        code.split()[0]
        for path in RECIPES
        for code in path.read_text(encoding="utf-8").partition("\n")[0][10:].split(", ")
    }
    checked = {
        code
        for code in CATALOGUE
        if code.startswith("DS5") and explanation(code).example[0].language == "yaml"
    }
    assert checked <= proved
