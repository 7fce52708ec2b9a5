"""Run what `deit-spec validate` does with one text, and check what must hold.

The test suite runs it on the seeds of the fuzzer, the fuzzer on many more texts.
"""

import io
from typing import Final

from rich.console import Console

from deit_spec.cli.output import unified_diff
from deit_spec.cost import summarise
from deit_spec.diagnostics import CATALOGUE, has_errors
from deit_spec.diagnostics.formats import Format, render
from deit_spec.diagnostics.text import render as draw
from deit_spec.diagnostics.text import summary
from deit_spec.pipeline import finish
from deit_spec.recipe.documents import fix_any_text, own_fixes
from deit_spec.spec import Checked, check_text

NAME: Final = "fuzzed.yaml"
FORMS: Final = [form for form in Format if form is not Format.TEXT]


def answer(data: bytes) -> None:
    """Validate a text and print the findings; raise if an invariant does not hold."""
    checked = check_text(data, NAME)
    for found in checked.diagnostics:
        assert found.severity is CATALOGUE[found.code].severity
        assert found.code != "DS901"
    assert (checked.spec is None) == has_errors(checked.diagnostics)
    _print(checked)
    if checked.spec is not None:
        assert summarise(finish(checked))


def answer_every_option(data: bytes) -> None:
    """Print the findings in the other formats, apply all fixes, and make a diff."""
    checked = check_text(data, NAME)
    for form in FORMS:
        render(checked.diagnostics, form)
    fixed = fix_any_text(data, NAME)
    assert bool(fixed.fixes) == (fixed.after != data)
    assert bool(own_fixes(checked)) == bool(fixed.fixes)
    assert bool(unified_diff(NAME, data, fixed.after, "fixed")) == bool(fixed.fixes)


def _print(checked: Checked) -> None:
    console = Console(file=io.StringIO(), width=100, soft_wrap=True)
    console.print(draw(checked.diagnostics, width=100))
    console.print(summary(checked.diagnostics, len(own_fixes(checked))))
