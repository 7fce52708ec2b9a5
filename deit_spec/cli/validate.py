"""`deit-spec validate`: check specs and recipes, and fix them."""

import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from deit_spec.cli import inputs
from deit_spec.cli import output as out
from deit_spec.cli.options import OutputOption, format_option, set_option
from deit_spec.diagnostics import Diagnostic, has_errors
from deit_spec.diagnostics.formats import Format, render
from deit_spec.diagnostics.printable import reason_of, visible
from deit_spec.model.spec_or_model import (
    check_model,
    is_model_folder,
    is_model_path,
)
from deit_spec.recipe import documents
from deit_spec.spec import Checked
from deit_spec.spec.origin import REVISION
from deit_spec.yaml_source.document import FILE_BYTES

if TYPE_CHECKING:
    from deit_spec.spec.fixes import Fixed

_HIDDEN: Final = re.compile(r"(^|/)\.[^./]")
_ADJOINING_STARS: Final = re.compile(r"\*\*+(?=[^/*])|(?<=[^/*])\*\*+")


def run(  # noqa: PLR0913  -- an argument for each option
    specs: Annotated[
        list[str],
        typer.Argument(
            metavar="SPEC...",
            help="YAML specs and recipes, folders and globs of them, model folders, "
            "names of published models, or - for standard input.",
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
    format_ = format_ or out.chosen_format()
    out.choose_format(format_, collected=False)
    if output is not None and format_ is Format.TEXT:
        out.fail("-o needs an --output-format other than text")
    if overrides and (fix or diff):
        out.fail("--set cannot be combined with --fix or --diff")
    names = expand(specs)
    quiet = diff or (fix and out.STDIO in names)
    if quiet and format_ is not Format.TEXT and not out.is_file(output):
        result = "--diff" if diff else "--fix -"
        out.fail(
            f"{result} prints to standard output, so diagnostics in {format_.value} "
            "need -o FILE"
        )
    if fix or diff:
        results = list(_fix(names, diff=diff))
    else:
        results = [_Result(_check(name, overrides or ())) for name in names]
    results = [_completed(each) for each in results]
    if format_ is not Format.TEXT:
        out.emit(render(_unique(results), format_), output)
    elif len(names) == 1:
        _print_one(names[0], results[0], quiet=quiet)
    else:
        _print_several(results, quiet=quiet)
    failed = (each.changes or has_errors(each.checked.diagnostics) for each in results)
    raise typer.Exit(1 if any(failed) else 0)


class _Result(NamedTuple):
    """What was found in a file, and whether `--fix` would change it."""

    checked: documents.CheckedAny
    changes: bool = False
    start: str | None = None
    """What the student of a recipe starts from."""


def _check(name: str, overrides: Sequence[str] = ()) -> documents.CheckedAny:
    """Check a file, a published spec or standard input."""
    if name == out.STDIO:
        checked = documents.check_any_text(inputs.stdin(), out.STDIN_NAME, overrides)
    elif is_model_path(name):
        checked = check_model(name)
    elif name.startswith(REVISION):
        checked = inputs.check(name)
    else:
        checked = documents.check_any(name, overrides)
    out.protect_document(name, checked.document)
    if overrides and checked.document is not None:
        kind = documents.kind_of(checked.document)
        if kind is not documents.Kind.RECIPE:
            out.fail(f"--set needs a recipe, and {name} is a {kind.value}")
    return checked


def _completed(result: _Result) -> _Result:
    """Add the taps of a spec that the model does not have, and what weights lack."""
    checked = result.checked
    if isinstance(checked, Checked):
        if checked.spec and checked.spec.taps:
            from deit_spec.pipeline import check_taps

            return result._replace(checked=check_taps(checked))
        return result
    from deit_spec.recipe import CheckedRecipe

    if not isinstance(checked, CheckedRecipe) or checked.recipe is None:
        return result
    weights = checked.recipe.student.weights
    if weights is None or not os.path.exists(checked.place(weights)):  # noqa: PTH110
        return result
    from deit_spec.distill.warm_start import check_warm_start

    checked, start = check_warm_start(checked)
    return result._replace(checked=checked, start=start)


def _fix(names: Sequence[str], *, diff: bool) -> Iterator[_Result]:
    """Write all fixed files or print a diff; then check, as one may extend another."""
    from deit_spec.yaml_source.reader import as_if_written, is_special

    for name in names:
        if not diff and name != out.STDIO and is_special(Path(name)):
            out.fail(f"cannot fix {name}, which is not a regular file")
    fixed = {name: _fix_text(name) for name in names}
    for name, each in fixed.items():
        if diff:
            shown = out.shown_name(name)
            out.emit(out.unified_diff(shown, each.before, each.after, "fixed"), None)
        else:
            _write(name, each)
    changed = {name: each.after for name, each in fixed.items() if each.fixes}
    with as_if_written({Path(name): text for name, text in changed.items() if diff}):
        for name, each in fixed.items():
            checked = each.checked
            if len(names) > 1 and name == out.STDIO:
                checked = documents.check_any_text(each.after, out.STDIN_NAME)
            elif len(names) > 1:
                checked = _check(name)
            yield _Result(checked, changes=diff and name in changed)


def _fix_text(name: str) -> "Fixed":
    """Apply all fixes to the text of a file, and write nothing."""
    if name == out.STDIO:
        fixed = documents.fix_any_text(inputs.stdin(), out.STDIN_NAME)
    else:
        fixed = documents.fix_any(name)
    out.protect_document(name, fixed.checked.document)
    return fixed


def _write(name: str, fixed: "Fixed") -> None:
    """Write a fixed file; standard input goes to standard output."""
    from deit_spec.atomic_write import write_file

    if name == out.STDIO:
        # The end of a longer text has not been read.
        if len(fixed.after) <= FILE_BYTES:
            out.emit(fixed.after, None)
    elif fixed.fixes:
        try:
            write_file(Path(name), fixed.after)
        except OSError as error:
            out.fail(f"cannot write {name}: {reason_of(error)}")
    for fix in fixed.fixes:
        text = visible(f"fixed {out.shown_name(name)}: {fix.title}")
        typer.echo(text, err=True)


def _print_one(name: str, result: _Result, *, quiet: bool) -> None:
    """Print the diagnostics of one file, or a line that describes it."""
    checked = result.checked
    if checked.diagnostics:
        fixes = len(documents.own_fixes(checked))
        out.draw(checked.diagnostics, counted=True, fixes=fixes)
    if quiet or has_errors(checked.diagnostics):
        return
    if isinstance(checked, Checked):
        from deit_spec.cost import summarise
        from deit_spec.pipeline import finish

        text = summarise(finish(checked))
    else:
        from deit_spec.recipe.recipe_summary import summarise as summarise_recipe

        text = summarise_recipe(checked)
    typer.echo(f"{visible(out.shown_name(name))}: {text}")
    if result.start is not None:
        typer.echo(visible(result.start))


def _print_several(results: Sequence[_Result], *, quiet: bool) -> None:
    """Print the diagnostics of several files, and a line that counts the files."""
    if found := _unique(results):
        out.draw(found, counted=False)
    wrong = sum(has_errors(each.checked.diagnostics) for each in results)
    changed = sum(each.changes for each in results)
    counts = ((wrong, "with errors"), (changed, "would be fixed"))
    parts = [f"{count:,} {what}" for count, what in counts if count]
    result = f": {', '.join(parts)}" if parts else ", all valid"
    specs = all(isinstance(each.checked, Checked) for each in results)
    noun = "specs" if specs else "files"
    typer.echo(f"{len(results):,} {noun}{result}", err=quiet)


def _unique(results: Sequence[_Result]) -> list[Diagnostic]:
    """All diagnostics, once each: several files may extend the same one."""
    found = [each for result in results for each in result.checked.diagnostics]
    unique = dict[tuple[str, str, str], Diagnostic]()
    for each in found:
        unique.setdefault((each.code, each.message, str(each.primary.span)), each)
    return list(unique.values())


def expand(names: Iterable[str]) -> list[str]:
    """The files of names, folders and globs, each once, in the order of the names."""
    return list(dict.fromkeys(file for name in names for file in _expand(name)))


def _expand(name: str) -> list[str]:
    if not name:
        out.fail("the name is empty")
    if Path(name).is_dir():
        if is_model_folder(Path(name)):
            return [name]
        return _files_in(name) or out.fail(f"{name} has no .yaml or .yml files")
    if not glob.has_magic(name) or os.path.lexists(name):
        return [name]
    found = set[str]()
    for path in _matches(name):
        found.update(_files_in(str(path)) if path.is_dir() else [str(path)])
    return sorted(found) or out.fail(f"no file matches {name}")


def _matches(name: str) -> Iterator[Path]:
    """The matches of a glob, hidden ones only if the glob has a hidden part."""
    pattern = Path(_ADJOINING_STARS.sub("*", name))  # pathlib rejects `a**`
    root = Path(pattern.anchor)
    hidden_too = _HIDDEN.search(pattern.as_posix())
    for path in root.glob(str(pattern.relative_to(root))):
        if hidden_too or not _HIDDEN.search(path.as_posix()):
            yield path


def _files_in(folder: str) -> list[str]:
    """The YAML files in a folder, and subfolders that cannot be read."""
    unreadable = list[OSError]()
    found = list[str]()
    for here, folders, files in os.walk(folder, onerror=unreadable.append):
        folders[:] = [each for each in folders if not each.startswith(".")]
        found += [
            str(Path(here, file))
            for file in files
            if file.endswith((".yaml", ".yml")) and not file.startswith(".")
        ]
    # Reading these reports why they cannot be read.
    return sorted([*found, *(str(error.filename) for error in unreadable)])
