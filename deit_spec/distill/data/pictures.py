"""Images that are read when they are wanted, and their labels."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from PIL import Image

MODES = {1: "L", 3: "RGB"}
"""How Pillow calls images of so many channels."""


class Pictures(Protocol):
    """A list of labelled images."""

    labels: Sequence[int]
    """Class indices, one for each image."""

    def name(self, place: int) -> str:
        """What messages call an image."""

    def open(self, place: int) -> Image.Image:
        """Begin to read an image; Pillow raises what it likes where it cannot."""


class Parts(NamedTuple):
    """The images of a source; without a `val` some of `train` are held out."""

    classes: tuple[str, ...]
    train: Pictures
    val: Pictures | None


class FilePictures:
    """Images in files."""

    def __init__(self, paths: Sequence[str], labels: Sequence[int]) -> None:
        self.paths = paths
        self.labels = labels

    def name(self, place: int) -> str:
        """The path."""
        return self.paths[place]

    def open(self, place: int) -> Image.Image:
        """Open the file."""
        return Image.open(self.paths[place])


class RowPictures:
    """Images in the rows of a dataset of Hugging Face, not yet decoded.

    `column` holds for each row `bytes`, or the `path` of a file.
    """

    def __init__(self, rows: Any, column: str, labels: Sequence[int]) -> None:
        self.rows = rows
        self.column = column
        self.labels = labels

    def name(self, place: int) -> str:
        """The part of the dataset and the row."""
        return f"{self.rows.split or 'train'}[{place}]"

    def open(self, place: int) -> Image.Image:
        """Open what the row holds."""
        held = self.rows[place][self.column]
        return Image.open(BytesIO(held["bytes"]) if held["bytes"] else held["path"])


def decode(picture: Image.Image, channels: int) -> Image.Image:
    """Read a picture to its end, as grey (1 channel) or as red, green and blue (3).

    An orientation that a camera noted is not looked at, as in timm and torchvision.
    Grey of 16 bits is scaled to 8, which Pillow would cut off.

    Raises:
        ValueError: The pixels are numbers of which nobody says what is white.
    """
    with picture:
        if picture.mode.startswith("I;16"):
            picture = _of_16_bits(picture)
        elif picture.mode in {"I", "F"}:
            kind = "integers of 32 bits" if picture.mode == "I" else "floats"
            raise ValueError(f"its pixels are {kind}, and nothing says what is white")
        return picture.convert(MODES[channels])


def _of_16_bits(picture: Image.Image) -> Image.Image:
    """Scale from 65,535 to 255."""
    import numpy as np  # noqa: PLC0415  -- for the few that are so

    deep = np.asarray(picture).astype(np.uint32)
    return Image.fromarray(((deep + 128) // 257).astype(np.uint8))


def read_picture(path: Path | str, channels: int) -> Image.Image:
    """Read the image of a file.

    Raises:
        Exception: Pillow raises what it likes where a file is no image, or broken.
    """
    return decode(Image.open(path), channels)


if TYPE_CHECKING:
    _: tuple[type[Pictures], ...] = (FilePictures, RowPictures)
