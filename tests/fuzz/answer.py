"""Run what `deit-spec validate` does with one text, and check what must hold.

The test suite runs it on the seeds of the fuzzer, the fuzzer on many more texts.
"""

import io
from typing import Any, Final

from fuzz.texts import ROOT
from rich.console import Console

from deit_spec.cli.output import unified_diff
from deit_spec.cost import summarise
from deit_spec.diagnostics import CATALOGUE, Diagnostic, has_errors
from deit_spec.diagnostics.formats import Format, render
from deit_spec.diagnostics.text import render as draw
from deit_spec.diagnostics.text import summary
from deit_spec.pipeline import finish
from deit_spec.recipe import recipe_validation, study_validation
from deit_spec.recipe.documents import check_any_text, fix_any_text, is_key, own_fixes
from deit_spec.spec import check_text
from deit_spec.spec.origin import at
from deit_spec.yaml_source import read_bytes

NAME: Final = "fuzzed.yaml"
FORMS: Final = [form for form in Format if form is not Format.TEXT]
IN_RECIPES: Final = at(ROOT / "recipes" / NAME)
"""Where recipes and studies are, so that the files they name are found."""


def answer(data: bytes, kind: str = "specs") -> None:
    """Validate a text and print the findings; raise if an invariant does not hold."""
    checked, value = _check(data, kind)
    for found in checked.diagnostics:
        assert found.severity is CATALOGUE[found.code].severity
        assert found.code != "DS901"
    assert (value is None) == has_errors(checked.diagnostics)
    _print(checked.diagnostics, len(own_fixes(checked)))
    if kind == "specs" and value is not None:
        assert summarise(finish(checked))


def answer_every_option(data: bytes, kind: str = "specs") -> None:
    """Print the findings in the other formats, apply all fixes, and make a diff."""
    for form in FORMS:
        render(_check(data, kind)[0].diagnostics, form)
    origin = None if kind == "specs" else IN_RECIPES
    fixed = fix_any_text(data, NAME, (), origin)
    assert bool(fixed.fixes) == (fixed.after != data)
    assert bool(unified_diff(NAME, data, fixed.after, "fixed")) == bool(fixed.fixes)
    assert bool(own_fixes(check_any_text(data, NAME, (), origin))) == bool(fixed.fixes)


def _check(data: bytes, kind: str) -> tuple[Any, object]:
    """Check a text, and return what was checked and the valid spec, recipe or study."""
    if kind == "specs":
        spec = check_text(data, NAME)
        return spec, spec.spec
    read = read_bytes(data, NAME, is_key)
    if kind == "recipes":
        recipe = recipe_validation.check_read(*read, IN_RECIPES.path)
        return recipe, recipe.recipe
    study = study_validation.check_study_read(*read, IN_RECIPES.path)
    return study, study.study


def _print(diagnostics: tuple[Diagnostic, ...], fixes: int) -> None:
    console = Console(file=io.StringIO(), width=100, soft_wrap=True)
    console.print(draw(diagnostics, width=100))
    console.print(summary(diagnostics, fixes))
