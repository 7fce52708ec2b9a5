"""Files and directories that are written whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(
    path: Path, *, force: bool = False, members: Collection[str] = ()
) -> Iterator[Path]:
    """A place of the same name to write to, which is moved to the path at the end.

    Where something fails nothing has changed. What is there is replaced with
    `force` alone, and a directory then only if it holds none but the `members`.

    Raises:
        OSError: The path is taken, or cannot be written.
    """
    if force:
        path = path.resolve()
    check_free(path, force=force, members=members)
    folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        place = folder / path.name
        yield place
        _move(place, path, folder / "replaced", force=force)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_free(path: Path, *, force: bool, members: Collection[str] = ()) -> None:
    """See that a path can be written to.

    Raises:
        OSError: It is taken.
    """
    if not os.path.lexists(path):
        return
    if not force:
        raise FileExistsError(None, "it is there, and only --force replaces it")
    if path.is_dir() != bool(members):
        what = "a directory" if path.is_dir() else "a file"
        raise FileExistsError(None, f"it is {what}")
    others = {each.name for each in path.iterdir()} if members else set()
    if foreign := sorted(others.difference(members)):
        raise FileExistsError(None, f"the directory holds {foreign[0]}, which is yours")


def _move(place: Path, path: Path, aside: Path, *, force: bool) -> None:
    if place.is_dir():
        _move_directory(place, path, aside)
    elif force:
        place.replace(path)
    else:
        _move_to_free(place, path)


def _move_directory(place: Path, path: Path, aside: Path) -> None:
    """Put a directory where another may be, which comes back if that fails."""
    if not path.exists():
        place.rename(path)
        return
    path.rename(aside)
    try:
        place.rename(path)
    except BaseException:
        aside.rename(path)
        raise


def _move_to_free(place: Path, path: Path) -> None:
    """Move a file to where none is, not even one that came in the meantime."""
    try:
        path.hardlink_to(place)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        check_free(path, force=False)
        place.replace(path)
