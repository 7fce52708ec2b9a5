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
    if name and Path(name).is_dir():
        found = sorted(_below(name))
        return found or _none(f"there is no .yaml or .yml file in {name}")
    if glob.has_magic(name) and not os.path.lexists(name):
        # Path.glob takes no absolute pattern.
        matches = glob.glob(name, recursive=True)  # noqa: PTH207
        found = sorted(filter(os.path.isfile, matches))
        return found or _none(f"no file matches {name}")
    return [name]


def _below(folder: str) -> Iterator[str]:
    for here, folders, files in os.walk(folder):
        folders[:] = [each for each in folders if not each.startswith(".")]
        for file in files:
            if file.endswith(_SUFFIXES) and not file.startswith("."):
                yield str(Path(here, file))


def _none(message: str) -> list[str]:
    fail(message)
    return []
