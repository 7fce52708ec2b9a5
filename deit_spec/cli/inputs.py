"""Reads what the arguments name: files, folders, globs and standard input."""

import glob
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from deit_spec.cli import messages
from deit_spec.cli.output import STDIO, fail, protect
from deit_spec.recipe.documents import Kind, kind_of, own_fixes
from deit_spec.spec import Checked, check_spec, check_text
from deit_spec.yaml_source import Document
from deit_spec.yaml_source.document import FILE_BYTES

STDIN_NAME = "<stdin>"

_HINTS: Final = {
    (Kind.RECIPE, Kind.SPEC): "its student.spec names one",
    (Kind.SPEC, Kind.RECIPE): "a recipe has it as its student.spec",
    (Kind.STUDY, Kind.RECIPE): "`deit-spec study` runs it",
    (Kind.RECIPE, Kind.STUDY): "`deit-spec train` runs it",
}


def shown_name(name: str) -> str:
    """The name of an argument in messages."""
    return STDIN_NAME if name == STDIO else name


def stdin() -> bytes:
    """Read standard input, up to the limit of a spec's size.

    Raises:
        typer.Exit: With code 2: it is closed.
    """
    if sys.stdin is None:
        fail("standard input is closed")
    return sys.stdin.buffer.read(FILE_BYTES + 1)


def check(name: str) -> Checked:
    """Check a spec: a file, a published one or standard input.

    Raises:
        typer.Exit: With code 2: it is a recipe or a study.
    """
    checked = check_text(stdin(), STDIN_NAME) if name == STDIO else check_spec(name)
    if checked.spec is None:
        require_kind(name, checked.document, Kind.SPEC)
    protect_document(name, checked.document)
    return checked


def read(name: str) -> Checked:
    """Check a spec as `check` does, and report all diagnostics."""
    checked = check(name)
    if checked.diagnostics:
        messages.report(checked.diagnostics, fixes=len(own_fixes(checked)))
    return checked


def require_kind(name: str, document: Document | None, wanted: Kind) -> None:
    """Check the kind of a document that has errors.

    Raises:
        typer.Exit: With code 2: it is of another kind.
    """
    kind = kind_of(document)
    if document is None or kind is wanted or not document.value:
        return
    hint = _HINTS.get((kind, wanted))
    more = f"; {hint}" if hint else ""
    fail(f"{shown_name(name)} is a {kind.value}, not a {wanted.value}{more}")


def protect_document(name: str, document: Document | None) -> None:
    """Protect a file, and those that its document extends, from being overwritten."""
    spans = () if document is None else document.spans.values()
    protect(name, *{entry.source.name for entry in spans})


def expand(names: Iterable[str]) -> list[str]:
    """The files of all names in the order given, each once.

    A folder stands for its YAML files at any depth, sorted; hidden files and folders
    are left out. Globs that the shell has not expanded are expanded.

    Raises:
        typer.Exit: With code 2: a folder or a glob has no files.
    """
    return list(dict.fromkeys(file for name in names for file in _expand(name)))


def _expand(name: str) -> list[str]:
    if Path(name).is_dir():
        return sorted(_files_in(name)) or fail(f"{name} has no .yaml or .yml files")
    if not glob.has_magic(name) or os.path.lexists(name):
        return [name]
    found: dict[Path, str] = {}
    for path in sorted(_matches(name), key=lambda path: len(str(path))):
        if path.is_dir():
            files = list(_files_in(str(path)))
        else:
            files = [str(path)] if path.is_file() and name[-1] != os.sep else []
        for file in files:  # links may lead to a file on several paths
            folder = os.path.realpath(Path(file).parent)
            found.setdefault(Path(folder, Path(file).name), file)
    return sorted(found.values()) or fail(f"no file matches {name}")


def _matches(pattern: str) -> Iterator[Path]:
    """The matches of a glob; `**` follows no links, which may lead in a circle."""
    given = Path(pattern)
    parts = [
        part if part == "**" else re.sub(r"\*+", "*", part)
        for part in given.relative_to(given.anchor).parts
    ]
    if parts[-1] == "**":
        parts.append("*")  # up to Python 3.12, `**` matches folders only
    hidden_too = any(map(_is_hidden, parts))
    for path in Path(given.anchor).glob("/".join(parts)):
        if hidden_too or not any(map(_is_hidden, path.parts)):
            yield path


def _is_hidden(part: str) -> bool:
    return part.startswith(".") and part not in {".", ".."}


def _files_in(folder: str) -> Iterator[str]:
    """The YAML files in a folder, and subfolders that cannot be read."""
    unreadable = list[OSError]()
    for here, folders, files in os.walk(folder, onerror=unreadable.append):
        folders[:] = [each for each in folders if not _is_hidden(each)]
        for file in files:
            if file.endswith((".yaml", ".yml")) and not _is_hidden(file):
                yield str(Path(here, file))
    # Reading these reports why they cannot be read.
    yield from (str(error.filename) for error in unreadable)
