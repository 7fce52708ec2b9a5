"""Files and directories that are written whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from deit_spec.weights.weight_findings import shown


@contextmanager
def whole(
    path: Path, *, force: bool = False, members: Collection[str] = ()
) -> Iterator[Path]:
    """A place of the same name to write to, which is moved to the path at the end.

    Where something fails nothing has changed. What is there is replaced with
    `force` alone, and a directory then only if it holds none but the `members`; an
    empty directory is no obstacle.

    A directory takes the place of another in two steps, between which the old one is
    called `NAME.old-…`. A process that is killed there leaves it under that name.

    Raises:
        OSError: The path is taken, or cannot be written.
    """
    if force or path.is_dir():  # what a link leads to is replaced, not the link
        path = path.resolve()
    check_free(path, force=force, members=members)
    folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        place = folder / path.name
        yield place
        if place.is_dir():
            _move_directory(place, path, folder.name.rpartition(".")[2])
        elif force:
            place.replace(path)
        else:
            _move_to_free(place, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_free(path: Path, *, force: bool, members: Collection[str] = ()) -> None:
    """See that a path can be written to.

    Raises:
        OSError: It is taken.
    """
    if not os.path.lexists(path):
        return
    if path.is_dir() and not members:
        raise FileExistsError(None, "it is a directory, and this format is a file")
    if path.exists() and not path.is_dir() and members:
        raise FileExistsError(None, "it is a file, and this format is a directory")
    found = {each.name for each in path.iterdir()} if path.is_dir() else None
    if found == set():
        return
    if not force:
        raise FileExistsError(None, "it is there, and only --force replaces it")
    if foreign := sorted((found or set()).difference(members)):
        raise FileExistsError(
            None, f"the directory holds {shown(foreign[0])}, which is yours"
        )


def _move_directory(place: Path, path: Path, token: str) -> None:
    """Put a directory where another may be, which comes back if that fails."""
    if not path.exists():
        place.rename(path)
        return
    aside = path.with_name(f"{path.name}.old-{token}")
    try:
        path.rename(aside)
        place.rename(path)
    except BaseException:
        if aside.exists() and not path.exists():
            aside.rename(path)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _move_to_free(place: Path, path: Path) -> None:
    """Move a file to where none is, not even one that came in the meantime."""
    try:
        path.hardlink_to(place)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        check_free(path, force=False)
        place.replace(path)
