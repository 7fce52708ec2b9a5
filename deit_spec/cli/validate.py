"""`deit-spec validate`: check specs and recipes, and fix them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from deit_spec.cli import fast_imports, inputs, messages
from deit_spec.cli.inputs import shown_name
from deit_spec.cli.options import (
    OutputOption,
    format_option,
    require_name,
    set_option,
)
from deit_spec.cli.output import STDIO, emit, fail, is_file, unified_diff
from deit_spec.diagnostics import Diagnostic, has_errors
from deit_spec.diagnostics.formats import Format, render
from deit_spec.diagnostics.printable import reason_of, visible
from deit_spec.recipe.documents import (
    CheckedAny,
    check_any,
    check_any_text,
    fix_any,
    fix_any_text,
    own_fixes,
)
from deit_spec.spec import Checked
from deit_spec.yaml_source.document import FILE_BYTES

if TYPE_CHECKING:
    from deit_spec.spec.fixes import Fixed


def run(  # noqa: PLR0913  -- an argument for each option
    specs: Annotated[
        list[str],
        typer.Argument(
            metavar="SPEC...",
            parser=require_name,
            help="YAML specs and recipes, folders and globs of them, names of "
            "published models, or - for standard input.",
        ),
    ],
    output: OutputOption = None,
    *,
    overrides: Annotated[
        list[str] | None,
        set_option("Set a field of a recipe, such as optimizer.lr=1e-3."),
    ] = None,
    format_: Annotated[
        Format | None,
        format_option(
            "The format of diagnostics; all but text go to standard output.",
            "--message-format",
        ),
    ] = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Apply fixes to the files.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Print what --fix would change.")
    ] = False,
) -> None:
    """Check specs and recipes.

    Exit with 1 if there are errors or, with --diff, changes.
    """
    format_ = format_ or messages.chosen()
    text = format_ is Format.TEXT
    if output is not None and text:
        fail("-o needs an --output-format other than text")
    messages.leave_to_command(format_)
    names = inputs.expand(specs)
    if overrides and (fix or diff):
        fail("--set cannot be combined with --fix or --diff")
    quiet = diff or (fix and STDIO in names)
    if quiet and not text and not is_file(output):
        result = "--diff" if diff else "--fix -"
        fail(
            f"{result} prints to standard output, so diagnostics in {format_.value} "
            "need -o FILE"
        )
    documents = _Documents(tuple(overrides or ()))
    if diff:
        results = _diff(names, documents)
    elif fix:
        results = _fix(names, documents)
    else:
        results = (_Result(documents.check(name)) for name in names)
    if not text:
        failed = _print_document(results, format_, output)
    elif len(names) == 1:
        failed = _print_one(names[0], next(results), quiet=quiet)
    else:
        failed = _print_several(results, quiet=quiet)
    raise typer.Exit(1 if failed else 0)


class _Result(NamedTuple):
    """What was found in a file, and whether fixes would change it."""

    checked: CheckedAny
    changes: bool = False

    @property
    def failed(self) -> bool:
        """Whether the exit code is 1."""
        return has_errors(self.checked.diagnostics) or self.changes


class _Documents(NamedTuple):
    """Checks and fixes files of every kind; overrides are for recipes only."""

    overrides: tuple[str, ...]

    def check(self, name: str) -> CheckedAny:
        """Check a file, a published spec or standard input.

        Raises:
            typer.Exit: With code 2: there are overrides, and it is not a recipe.
        """
        if name == STDIO:
            data = inputs.stdin()
            checked = check_any_text(data, inputs.STDIN_NAME, self.overrides)
        else:
            checked = check_any(name, self.overrides)
        inputs.protect_document(name, checked.document)
        if self.overrides and checked.document is not None:
            from deit_spec.recipe import CheckedRecipe

            if not isinstance(checked, CheckedRecipe):
                kind = "spec" if isinstance(checked, Checked) else "study"
                fail(f"--set needs a recipe, and {name} is a {kind}")
        return checked

    def check_fixed(self, name: str, data: bytes) -> CheckedAny:
        """Check a file again; `data` is what standard input has become."""
        if name != STDIO:
            return self.check(name)
        return check_any_text(data, inputs.STDIN_NAME)

    def fix(self, name: str) -> "Fixed":
        """Apply all fixes to the text of a file, and write nothing."""
        if name == STDIO:
            fixed = fix_any_text(inputs.stdin(), inputs.STDIN_NAME)
        else:
            fixed = fix_any(name)
        inputs.protect_document(name, fixed.checked.document)
        return fixed


def _fix(names: Sequence[str], documents: _Documents) -> Iterator[_Result]:
    """Write the fixed files; standard input goes to standard output.

    All are written before any is checked again, since one may extend another.
    """
    from deit_spec.yaml_source.reader import is_special

    for name in names:
        if name != STDIO and is_special(Path(name)):
            fail(
                f"cannot fix {name}, which is not a regular file; `--fix -` writes to "
                "standard output"
            )
    fixed = [(name, _write_fixed(name, documents)) for name in names]
    for name, each in fixed:
        if len(names) == 1:
            yield _Result(each.checked)
        else:
            yield _Result(documents.check_fixed(name, each.after))


def _write_fixed(name: str, documents: _Documents) -> "Fixed":
    from deit_spec.atomic_write import write_file

    fixed = documents.fix(name)
    if name == STDIO:
        # The end of a longer text has not been read.
        if len(fixed.after) <= FILE_BYTES:
            emit(fixed.after, None)
    elif fixed.fixes:
        try:
            write_file(Path(name), fixed.after)
        except OSError as error:
            fail(f"cannot write {name}: {reason_of(error)}")
    for fix in fixed.fixes:
        shown = visible(shown_name(name))
        typer.echo(f"fixed {shown}: {visible(fix.title)}", err=True)
    return fixed


def _diff(names: Sequence[str], documents: _Documents) -> Iterator[_Result]:
    """Print what `_fix` would change, and check files as if it were written."""
    from deit_spec.yaml_source.reader import as_if_written

    fixed = [(name, documents.fix(name)) for name in names]
    for name, each in fixed:
        emit(unified_diff(shown_name(name), each.before, each.after, "fixed"), None)
    if len(names) == 1:
        yield _Result(fixed[0][1].checked, changes=bool(fixed[0][1].fixes))
        return
    with as_if_written({Path(name): each.after for name, each in fixed if each.fixes}):
        for name, each in fixed:
            checked = documents.check_fixed(name, each.after)
            yield _Result(checked, changes=bool(each.fixes))


def _print_one(name: str, result: _Result, *, quiet: bool) -> bool:
    """Print the diagnostics of one file, or a line that describes it."""
    checked = result.checked
    if checked.diagnostics:
        fixes = len(own_fixes(checked))
        messages.draw(checked.diagnostics, counted=True, fixes=fixes)
    if not quiet and not has_errors(checked.diagnostics):
        typer.echo(f"{visible(shown_name(name))}: {_summary(checked)}")
    return result.failed


def _summary(checked: CheckedAny) -> str:
    if isinstance(checked, Checked):
        with fast_imports():
            from deit_spec.cost import summarise
            from deit_spec.pipeline import finish

        return summarise(finish(checked))
    from deit_spec.recipe.recipe_summary import summarise as summarise_recipe

    return summarise_recipe(checked)


def _print_several(results: Iterator[_Result], *, quiet: bool) -> bool:
    """Print the diagnostics of several files, and a line that counts the files."""
    total = wrong = changed = 0
    noun, seen = "specs", _Seen()
    for result in results:
        total += 1
        wrong += has_errors(result.checked.diagnostics)
        changed += result.changes
        noun = noun if isinstance(result.checked, Checked) else "files"
        if new := seen.new(result.checked.diagnostics):
            messages.draw(new, counted=False)
    counts = ((wrong, "with errors"), (changed, "to be fixed"))
    parts = [f"{count:,} {what}" for count, what in counts if count]
    typer.echo(f"{total:,} {noun}, {', '.join(parts) or 'all valid'}", err=quiet)
    return bool(parts)


def _print_document(
    results: Iterator[_Result], format_: Format, output: Path | None
) -> bool:
    """Write the diagnostics of all files as one document."""
    found, failed, seen = list[Diagnostic](), False, _Seen()
    for result in results:
        found += seen.new(result.checked.diagnostics)
        failed |= result.failed
    emit(render(found, format_), output)
    return failed


class _Seen:
    """Filters diagnostics of a file that several others extend."""

    def __init__(self) -> None:
        self._keys: set[tuple[object, ...]] = set()

    def new(self, diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
        """Those that were not found before."""
        found = {_key(each): each for each in diagnostics}
        new = [each for key, each in found.items() if key not in self._keys]
        self._keys |= found.keys()
        return new


def _key(found: Diagnostic) -> tuple[object, ...]:
    span = found.primary.span
    place = (span.line, span.column, span.end_line, span.end_column)
    return found.code, found.message, span.source.name, *place
