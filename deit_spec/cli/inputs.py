"""Reads the spec of an argument: a file, a model, a published one or standard input."""

import sys
from pathlib import Path
from typing import Final

import typer

from deit_spec.cli import output
from deit_spec.model.spec_or_model import check_spec_or_model
from deit_spec.recipe.documents import Kind, kind_of, own_fixes
from deit_spec.spec import Checked, check_text, with_merge_tokens
from deit_spec.spec.origin import REVISION
from deit_spec.yaml_source import Document
from deit_spec.yaml_source.document import FILE_BYTES

_HINTS: Final = {
    (Kind.RECIPE, Kind.SPEC): "; its student.spec names one",
    (Kind.SPEC, Kind.RECIPE): "; name it in a recipe, as `student.spec`",
    (Kind.STUDY, Kind.RECIPE): "; `deit-spec study` runs it",
    (Kind.RECIPE, Kind.STUDY): "; `deit-spec train` runs it",
}


def stdin() -> bytes:
    """Read standard input, up to the limit of a spec's size."""
    if sys.stdin is None:
        output.fail("standard input is closed")
    return sys.stdin.buffer.read(FILE_BYTES + 1)


def check(name: str) -> Checked:
    """Check a spec; exit with 2 if it is a recipe or a study."""
    if not name:  # as that of an unset variable
        output.fail("the name is empty")
    if name == output.STDIO:
        checked = check_text(stdin(), output.STDIN_NAME)
    elif name.startswith(REVISION):
        from deit_spec.compare import check_compared

        checked = check_compared(name)
    else:
        checked = check_spec_or_model(name)
    if checked.spec is None:
        require_kind(name, checked.document, Kind.SPEC)
    output.protect_document(name, checked.document)
    output.protect_folder(Path(name))
    return checked


def check_and_report(name: str) -> Checked:
    """Check a spec as `check` does, and report all diagnostics."""
    checked = check(name)
    if checked.diagnostics:
        output.report(checked.diagnostics, fixes=len(own_fixes(checked)))
    return checked


def read(name: str, merge_tokens: int | tuple[int, ...] | None = None) -> Checked:
    """Check a spec, report all diagnostics, and exit if there are errors.

    `merge_tokens` replaces `variant.merge_tokens`, unless it is None.
    """
    checked = check_and_report(name)
    if checked.spec is None:
        raise typer.Exit(1)
    merging = with_merge_tokens(checked, merge_tokens)
    if merging.spec is None:
        output.report(merging.diagnostics)
        raise typer.Exit(1)
    return merging


def require_kind(name: str, document: Document | None, wanted: Kind) -> None:
    """Exit with 2 if a document that has errors is of another kind."""
    kind = kind_of(document)
    if document is not None and document.value and kind is not wanted:
        hint = _HINTS.get((kind, wanted), "")
        name = output.shown_name(name)
        output.fail(f"{name} is a {kind.value}, not a {wanted.value}{hint}")
