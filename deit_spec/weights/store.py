"""Write files and directories whole or not at all."""

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
    """Give a temporary path of the same name, and move it to the path at the end.

    If anything fails, nothing has changed. Whatever is at the path is only replaced
    with `force`, and a directory only if it contains nothing but the `members`. An
    empty directory is always filled.

    A directory is replaced in two steps, between which the old one has the name
    `NAME.old-…`. A process that is killed there leaves it under that name.

    Raises:
        OSError: The path exists, or cannot be written.
    """
    if force or path.is_dir():  # replace the target of a link, not the link
        path = path.resolve()
    check_free(path, force=force, members=members)
    folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        place = folder / path.name
        yield place
        if place.is_dir():
            _move_directory(place, path, folder.name.rpartition(".")[2])
        else:
            place.replace(path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_free(path: Path, *, force: bool, members: Collection[str] = ()) -> None:
    """Check that nothing at a path prevents writing to it.

    Raises:
        OSError: Something does.
    """
    if not os.path.lexists(path):
        return
    if path.is_dir() and not members:
        raise FileExistsError(None, "it is a directory, and this format writes a file")
    if path.exists() and not path.is_dir() and members:
        raise FileExistsError(None, "it is a file, and this format writes a directory")
    found = {each.name for each in path.iterdir()} if path.is_dir() else None
    if found == set():
        return
    if not force:
        raise FileExistsError(None, "it exists; --force replaces it")
    if foreign := sorted((found or set()).difference(members)):
        raise FileExistsError(
            None, f"the directory contains another file, {shown(foreign[0])}"
        )


def _move_directory(place: Path, path: Path, token: str) -> None:
    """Move a directory to a path; the old one there is restored if that fails."""
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
