"""What a student says of images: the likeliest classes, of both heads or of each."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from deit_spec.distill.evaluation import Fusion, answers_of
from deit_spec.recipe import Recipe
from deit_spec.spec import DeiTSpec


class Guess(NamedTuple):
    """A class, by its index, and the probability that it is given."""

    category: int
    probability: float


class Prediction(NamedTuple):
    """The likeliest classes of an image, by head: `fused`, or the only one, `cls`.

    They are in falling order of probability; of equal ones the lower index first.
    """

    image: str
    heads: dict[str, list[Guess]]


class Unread(NamedTuple):
    """An image that could not be read, and why."""

    image: str
    reason: str


@dataclass(frozen=True)
class Seeing:
    """How a model sees an image.

    The shorter side is resized to `size / crop` pixels, and the central square of
    `size` is normalised, as in evaluation.
    """

    size: int
    channels: int
    mean: Sequence[float]
    std: Sequence[float]
    crop: float

    def read(self, path: str | Path) -> Tensor:
        """Read an image, `[C, S, S]`.

        Raises:
            Exception: Pillow raises what it likes where a file is no image.
        """
        # Pillow is of the extra `train`.
        from deit_spec.distill.data.pictures import read_picture  # noqa: PLC0415
        from deit_spec.distill.data.views import CentralView  # noqa: PLC0415

        seen = CentralView(self.size, self.mean, self.std, self.crop)
        return seen(read_picture(path, self.channels))


def seeing_of(spec: DeiTSpec, recipe: Recipe | None, crop: float | None) -> Seeing:
    """How a model sees an image: as the recipe it learned by has it, or ImageNet's.

    Without a word on the crop, 0.875 of the resized side is seen; digits, which are
    as small as the model takes them, are seen whole.
    """
    from deit_spec.distill.data import digits, views  # noqa: PLC0415  -- Pillow

    mean, std = views.usual_statistics(spec.in_channels)
    share = views.CROP
    if recipe is not None and recipe.data.builtin == "digits":
        mean, std, share = digits.MEAN, digits.STD, 1.0
    if recipe is not None:
        mean, std = recipe.data.mean or mean, recipe.data.std or std
    return Seeing(spec.image_size, spec.in_channels, mean, std, crop or share)


def predict(  # noqa: PLR0913  -- one word for each thing that can differ
    model: nn.Module,
    images: Iterable[str | Path],
    seeing: Seeing,
    *,
    fusion: Fusion,
    top: int = 5,
    heads: bool = False,
    batch_size: int = 64,
    device: torch.device | str = "cpu",
) -> Iterator[Prediction | Unread]:
    """Say what is in images, in their order; one that is unreadable stops no other.

    Args:
        model: In evaluation mode, on the device.
        images: Paths of files.
        seeing: How the model sees them.
        fusion: How two heads are joined, as the spec's `variant.fusion` says.
        top: How many classes to name, or all where there are fewer.
        heads: Whether each head answers too, not both together alone.
        batch_size: How many images go through the model at once.
        device: Where the model is.
    """
    paths = [str(path) for path in images]
    for start in range(0, len(paths), batch_size):
        part = paths[start : start + batch_size]
        read = [_read(path, seeing) for path in part]
        pixels = [image for image in read if isinstance(image, Tensor)]
        batch = torch.stack(pixels).to(device) if pixels else None
        answers = iter(() if batch is None else _answer(model, batch, fusion, top))
        for path, image in zip(part, read, strict=True):
            if isinstance(image, Unread):
                yield image
                continue
            said = next(answers)
            last = list(said)[-1]  # fused, or the only one
            yield Prediction(path, said if heads else {last: said[last]})


def images_in(names: Iterable[str | Path]) -> list[Path]:
    """The images that names stand for: files, and those in folders and below them.

    Files are taken whatever their names are. Of a folder those are taken that
    Pillow knows by their suffix, in natural order: `2.png` is before `10.png`.

    Raises:
        FileNotFoundError: A folder has none; the text says which.
    """
    found: list[Path] = []
    for name in map(Path, names):
        if not name.is_dir():
            found.append(name)
            continue
        inside = [path for path in name.rglob("*") if _is_image(path, name)]
        if not inside:
            raise FileNotFoundError(f"there is no image in {name}")
        found += sorted(inside, key=natural)
    return list(dict.fromkeys(found))


def natural(path: Path) -> list[tuple[int, int, str]]:
    """What puts paths in the order that a person would.

    >>> [str(path) for path in sorted([Path("10.png"), Path("9.png")], key=natural)]
    ['9.png', '10.png']
    """
    pieces = re.findall(r"\d+|\D+", path.as_posix())
    return [
        (0, int(piece), piece) if piece.isdecimal() else (1, 0, piece)
        for piece in pieces
    ]


def _is_image(path: Path, folder: Path) -> bool:
    """Whether a path below a folder is of an image, hidden in nothing there."""
    from PIL import Image  # noqa: PLC0415  -- of the extra `train`

    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    known = path.suffix.lower() in Image.registered_extensions()
    # A link that leads nowhere is one that cannot be read.
    return known and not hidden and (path.is_file() or path.is_symlink())


def _read(path: str, seeing: Seeing) -> Tensor | Unread:
    if Path(path).is_fifo():  # to open one waits for whoever writes to it
        return Unread(path, "it is a named pipe")
    try:
        return seeing.read(path)
    except Exception as error:  # noqa: BLE001  -- Pillow raises what it likes
        return Unread(path, _reason(error))


def _reason(error: Exception) -> str:
    from PIL import UnidentifiedImageError  # noqa: PLC0415  -- of the extra `train`

    if isinstance(error, UnidentifiedImageError):
        return "it is no image"
    reason = error.strerror if isinstance(error, OSError) else None
    first = (reason or str(error)).partition("\n")[0]
    return (first or type(error).__name__).lower()


@torch.no_grad()
def _answer(
    model: nn.Module, images: Tensor, fusion: Fusion, top: int
) -> list[dict[str, list[Guess]]]:
    """The likeliest classes of each image `[B, C, S, S]`, by head."""
    output = model(images)
    exact = (
        output.cpu().double()
        if isinstance(output, Tensor)
        else (output[0].cpu().double(), output[1].cpu().double())
    )
    by_head = {
        head: _likeliest(answers.exp(), top)
        for head, answers in answers_of(exact, fusion).items()
    }
    return [
        dict(zip(by_head, each, strict=True))
        for each in zip(*by_head.values(), strict=True)
    ]


def _likeliest(probabilities: Tensor, top: int) -> list[list[Guess]]:
    values, places = probabilities.sort(dim=1, descending=True, stable=True)
    return [
        [Guess(*guess) for guess in zip(row[:top], chances[:top], strict=True)]
        for row, chances in zip(places.tolist(), values.tolist(), strict=True)
    ]
