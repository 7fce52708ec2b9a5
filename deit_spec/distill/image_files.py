"""The image files in a folder, and the other files, which are counted by kind."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from deit_spec.diagnostics.printable import counted
from deit_spec.recipe.image_folder import entries_of

IDENTIFIED_ONLY = {"BUFR", "GRIB", "HDF5", "MPEG", "WMF"}
"""The formats that Pillow identifies, but does not read."""
MAX_KINDS = 5
"""The kinds of ignored files that a message lists."""


@cache
def image_extensions() -> frozenset[str]:
    """The extensions of all formats that Pillow reads, in lower case: `.png`."""
    from PIL import Image  # noqa: PLC0415  -- of the extra `train`

    known = Image.registered_extensions().items()
    readable = Image.OPEN.keys() - IDENTIFIED_ONLY
    return frozenset(extension for extension, kind in known if kind in readable)


def image_files(
    folder: Path | str, ignored: Counter[str], above: tuple[tuple[int, int], ...] = ()
) -> Iterator[str]:
    """The paths of the images in a folder and its subfolders, by name.

    Other files are counted in `ignored`, by extension. Hidden entries are left out, and
    so are links to the folders `above`, given by device and inode.
    """
    found = os.stat(folder)  # noqa: PTH116
    own = found.st_dev, found.st_ino
    if own in above:
        return
    for entry in entries_of(folder):
        if entry.is_dir():
            yield from image_files(entry.path, ignored, (*above, own))
        elif is_image(entry.name):
            yield entry.path
        else:
            ignored[kind_of(entry.name)] += 1


def is_image(name: str) -> bool:
    """Whether a file is an image by the extension of its name."""
    return os.path.splitext(name)[1].lower() in image_extensions()  # noqa: PTH122


def kind_of(name: str) -> str:
    """The extension of a file name in lower case, as messages name it."""
    return os.path.splitext(name)[1].lower() or "without an extension"  # noqa: PTH122


def note_of_ignored(ignored: Mapping[str, int]) -> str | None:
    """Say how many files were ignored, by kind; None if there are none.

    >>> note_of_ignored({".txt": 3, ".json": 1})
    'ignored 4 files that are not images: 3 .txt, 1 .json'
    """
    if not ignored:
        return None
    kinds = sorted((-count, kind) for kind, count in ignored.items())
    texts = [f"{-count:,} {kind}" for count, kind in kinds[:MAX_KINDS]]
    others = len(kinds) - MAX_KINDS
    texts += [f"and {counted(others, 'other kind')}"] if others > 0 else []
    total = sum(ignored.values())
    verb = "that is not an image" if total == 1 else "that are not images"
    return f"ignored {counted(total, 'file')} {verb}: {', '.join(texts)}"
