"""Wrong recipes: what is reported of each, where, and what its fixes do.

A recipe is a file of `invalid/`, named after what it proves; next to it is what is
printed of it, refreshed by `--force-regen`. The first line of a recipe lists its
findings with their places, so that a refresh hides no moved place.
"""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_regressions.file_regression import FileRegressionFixture
from support.findings import check_recipe_text, placed

from deit_spec.diagnostics import CATALOGUE, Severity, apply_fixes
from deit_spec.diagnostics.explanation import explanation
from deit_spec.diagnostics.text import render, summary
from deit_spec.recipe import check_recipe
from deit_spec.recipe.documents import check_any

FOLDER = Path(__file__).parent / "invalid"
RECIPES = sorted(FOLDER.glob("*.yaml"))

each = pytest.mark.parametrize(
    "path", RECIPES, ids=lambda path: path.stem, indirect=True
)


@pytest.fixture
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A wrong recipe, in a folder with students and images."""
    recipe: Path = request.param
    shutil.copy(recipe, tmp_path)
    shutil.copytree(FOLDER / "students", tmp_path / "students")
    for name in ("train/robin", "train/wren", "val/robin", "val/wren"):
        (tmp_path / "images" / name).mkdir(parents=True)
    with contextlib.chdir(tmp_path):
        yield recipe


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
def test_it_is_recognised_as_a_recipe(path: Path) -> None:
    """Despite its mistakes it is checked as a recipe."""
    if path.stem == "empty":  # an empty mapping is a valid spec
        return
    found = check_any(path.name).diagnostics
    expected = check_recipe(path.name).diagnostics
    assert [str(each) for each in found] == [str(each) for each in expected]


@each
def test_each_fix_removes_its_finding(path: Path) -> None:
    """By itself, as an editor applies it; every finding has a help."""
    before = check_recipe(path.name).diagnostics
    for found in before:
        assert found.helps
        if found.fix is None or found.fix.source.name != path.name:
            continue
        text, applied = apply_fixes([found.fix], found.fix.source)
        assert applied == [found.fix]
        after = check_recipe_text(
            text.encode(), path.name, path=Path(path.name)
        ).diagnostics
        assert (found.code, found.message) not in [(d.code, d.message) for d in after]
        assert len(after) <= len(before)


def test_no_golden_is_left_over() -> None:
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
