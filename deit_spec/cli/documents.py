"""What `validate` is given: specs, recipes and studies, told apart by their keys."""

from collections.abc import Iterable
from pathlib import Path

from deit_spec.cli.output import STDIN, STDIN_NAME, fail, made_from_document, stdin
from deit_spec.diagnostics import has_errors
from deit_spec.recipe.documents import (
    CheckedAny,
    check_any,
    check_any_read,
    check_any_text,
    checker,
    is_key,
)
from deit_spec.spec import Checked, Count
from deit_spec.spec.fix_loop import Mended, count_as, mend_as, mend_text_as
from deit_spec.spec.origin import locate
from deit_spec.yaml_source import read_bytes


class Documents:
    """The files of a command, checked as what they are; `overrides` are for recipes.

    `check` and `mend` exit with 2 where there are overrides and a file is no recipe.
    """

    def __init__(self, overrides: Iterable[str] = ()) -> None:
        self.overrides = tuple(overrides)

    def check(self, name: str) -> CheckedAny:
        """Check a file, a published spec, or standard input."""
        if name == STDIN:
            checked = check_any_text(stdin(), STDIN_NAME, self.overrides)
        else:
            checked = check_any(name, self.overrides)
        made_from_document(name, checked.document)
        return self._require_recipe(name, checked) if self.overrides else checked

    def again(self, name: str, data: bytes) -> CheckedAny:
        """Check a file again; of standard input, which is read, this is the text."""
        if name != STDIN:
            return self.check(name)
        read = read_bytes(data, STDIN_NAME, is_key)
        return check_any_read(*read, None, self.overrides)

    def mend(self, name: str) -> Mended[CheckedAny]:
        """Apply every fix to a file, or to standard input. Nothing is written."""
        as_any = checker(self.overrides)
        if name == STDIN:
            mended = mend_text_as(as_any, stdin(), STDIN_NAME)
        else:
            mended = mend_as(as_any, name)
        made_from_document(name, mended.checked.document)
        return mended

    def count_fixes(self, name: str, checked: CheckedAny) -> Count:
        """How many mistakes `--fix` fixes, one behind another."""
        origin = None if name == STDIN else locate(name, Path())
        return count_as(checker(self.overrides), checked, origin)

    def _require_recipe(self, name: str, checked: CheckedAny) -> CheckedAny:
        from deit_spec.recipe import CheckedRecipe

        if checked.document is not None and not isinstance(checked, CheckedRecipe):
            kind = "spec" if isinstance(checked, Checked) else "study"
            fail(f"--set is for recipes, and {name} is a {kind}")
        return checked


def summarise(checked: CheckedAny) -> str | None:
    """Say in a line what a document without errors describes."""
    if has_errors(checked.diagnostics):
        return None
    if isinstance(checked, Checked):
        from deit_spec.cost import summarise as of_graph
        from deit_spec.pipeline import finish

        return of_graph(finish(checked))
    from deit_spec.recipe.recipe_summary import summarise as of_training

    return of_training(checked)
