"""The specs that a command is given: files, directories, globs, published names."""

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from deit_spec.cli.output import fail

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
        # Path.glob takes no absolute pattern.
        matches = glob.glob(name, recursive=True)  # noqa: PTH207
        found = sorted(_once(spec for match in matches for spec in _matched(match)))
        return found or fail(f"no file matches {name}")
    return [name]


def _matched(path: str) -> Iterable[str]:
    """What a match of a glob stands for, which is what it does from a shell."""
    if Path(path).is_dir():
        return _below(path)
    return [path] if Path(path).is_file() else []


def _once(paths: Iterable[str]) -> Iterable[str]:
    """Name a file by its shortest path: `**` follows links, and they may be circles."""
    by_length = sorted(set(paths), key=lambda path: (-len(path), path))
    return {
        Path(path).parent.resolve() / Path(path).name: path for path in by_length
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
