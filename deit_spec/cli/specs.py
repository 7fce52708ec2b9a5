"""The specs that a command is given: files, directories, globs, published names."""

import glob
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from deit_spec.cli.output import fail
from deit_spec.yaml_source.files import real

_SUFFIXES = (".yaml", ".yml")


def expand(names: Iterable[str]) -> list[str]:
    """Name every spec once, in the order given; those of a directory sorted.

    A directory stands for the YAML files in it and below it, but hidden ones. A
    glob that the shell has left is expanded, `**` too.

    Raises:
        typer.Exit: A directory or a glob has none, code 2.
    """
    return list(dict.fromkeys(spec for name in names for spec in _expand(name)))


def _expand(name: str) -> list[str]:
    if Path(name).is_dir():
        found = sorted(_below(name))
        return found or fail(f"there is no .yaml or .yml file in {name}")
    if glob.has_magic(name) and not os.path.lexists(name):
        of_folders = name.endswith(os.sep)
        matches = (x for x in _matches(name) if Path(x).is_dir() or not of_folders)
        found = sorted(_once(spec for match in matches for spec in _matched(match)))
        return found or fail(f"no file matches {name}")
    return [name]


def _matches(pattern: str) -> Iterator[str]:
    """What a glob matches from a shell: `**` leads through no link, `*` to no dot.

    `glob.glob` would follow links, which two that lead back make endless.
    """
    given = Path(pattern)
    parts = [
        part if part == "**" else re.sub(r"\*+", "*", part)
        for part in given.relative_to(given.anchor).parts
    ]
    if parts[-1] == "**":
        parts.append("*")  # files too, as from Python 3.13 on
    asked = any(map(_is_hidden, parts))
    for path in Path(given.anchor).glob("/".join(parts)):
        if asked or not any(map(_is_hidden, path.parts)):
            yield str(path)


def _is_hidden(part: str) -> bool:
    return part.startswith(".") and part not in {".", ".."}


def _matched(path: str) -> Iterable[str]:
    """What a match of a glob stands for, which is what it does from a shell."""
    if Path(path).is_dir():
        return _below(path)
    return [path] if Path(path).is_file() else []


def _once(paths: Iterable[str]) -> Iterable[str]:
    """Name a file by its shortest path: links may lead to it on another."""
    by_length = sorted(set(paths), key=lambda path: (-len(path), path))
    return {
        real(Path(path).parent) / Path(path).name: path for path in by_length
    }.values()


def _below(folder: str) -> Iterator[str]:
    unreadable = list[OSError]()
    for here, folders, files in os.walk(folder, onerror=unreadable.append):
        folders[:] = [each for each in folders if not each.startswith(".")]
        for file in files:
            if file.endswith(_SUFFIXES) and not file.startswith("."):
                yield str(Path(here, file))
    # To read one as a spec tells why it cannot be looked into.
    yield from (str(error.filename) for error in unreadable)
