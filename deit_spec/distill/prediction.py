"""Predict the most likely classes of images."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from deit_spec.diagnostics.printable import first_line_of, reason_of
from deit_spec.distill.evaluation import Fusion, answers_of, in_float64
from deit_spec.distill.image_files import image_files, note_of_ignored
from deit_spec.model.preprocessing import Preprocessing


class RankedClass(NamedTuple):
    """The index of a class, and its probability."""

    category: int
    probability: float


class Prediction(NamedTuple):
    """The most likely classes of an image by head, most likely first.

    The heads are `cls`, `dist` and `fused`, or `cls` alone. Of equally likely classes
    the one with the lower index comes first.
    """

    image: str
    heads: dict[str, list[RankedClass]]


class UnreadableImage(NamedTuple):
    """An image that could not be read, and the reason."""

    image: str
    reason: str


def predict(  # noqa: PLR0913  -- one argument for each thing that can differ
    model: nn.Module,
    images: Iterable[str | Path],
    preprocessing: Preprocessing,
    *,
    fusion: Fusion,
    top: int = 5,
    heads: bool = False,
    batch_size: int = 64,
    device: torch.device | str = "cpu",
) -> Iterator[Prediction | UnreadableImage]:
    """Predict at most `top` classes of each image file, in order.

    The model is in evaluation mode on the device. `fusion` is the `variant.fusion` of
    its spec. With `heads` the classes of each head are given, not only of both fused.
    """
    paths = [str(path) for path in images]
    for start in range(0, len(paths), batch_size):
        part = paths[start : start + batch_size]
        inputs = [read_input(path, preprocessing) for path in part]
        pixels = [each for each in inputs if isinstance(each, Tensor)]
        batch = torch.stack(pixels).to(device) if pixels else None
        with torch.no_grad():
            output = None if batch is None else model(batch)
        answers = iter([] if output is None else most_likely(output, fusion, top))
        for path, each in zip(part, inputs, strict=True):
            if isinstance(each, UnreadableImage):
                yield each
                continue
            by_head = next(answers)
            last = list(by_head)[-1]  # fused, or the only one
            yield Prediction(path, by_head if heads else {last: by_head[last]})


def images_in(
    names: Iterable[str | Path], ignored: Counter[str] | None = None
) -> list[Path]:
    """List files, and images that are not hidden in folders, in natural order.

    Other files in the folders are counted in `ignored`, by their extensions.

    Raises:
        FileNotFoundError: A folder has no images; the message names it.
        OSError: A folder cannot be listed.
    """
    found: list[Path] = []
    for name in map(Path, names):
        if not name.is_dir():
            found.append(name)
            continue
        others = Counter[str]()
        # A broken link is listed, and reported as unreadable.
        inside = [Path(path) for path in image_files(name, others)]
        if not inside:
            note = note_of_ignored(others)
            reason = f"there is no image in {name}"
            raise FileNotFoundError(f"{reason}; {note}" if note else reason)
        found += sorted(inside, key=natural)
        if ignored is not None:
            ignored.update(others)
    return list(dict.fromkeys(found))


def natural(path: Path) -> list[int | str]:
    """A key that sorts numbers in names by their value: `9.png` before `10.png`."""
    pieces = re.split(r"(\d+)", path.as_posix())
    return [int(piece) if piece.isdecimal() else piece for piece in pieces]


def read_input(path: str, preprocessing: Preprocessing) -> Tensor | UnreadableImage:
    """Read an image as the input `[C, S, S]` of a model."""
    from PIL import UnidentifiedImageError  # noqa: PLC0415  -- of the extra `train`

    from deit_spec.model.image_transform import transform_image  # noqa: PLC0415

    try:
        return transform_image(path, preprocessing)
    except UnidentifiedImageError:
        return UnreadableImage(path, "it is not an image")
    except OSError as error:
        return UnreadableImage(path, reason_of(error))
    except Exception as error:  # noqa: BLE001  -- Pillow raises many kinds
        return UnreadableImage(path, first_line_of(error).lower())


def read_inputs(
    paths: Sequence[Path],
    preprocessing: Preprocessing,
    unreadable: list[UnreadableImage],
    *,
    batch_size: int,
    device: str,
) -> Iterator[tuple[list[str], Tensor]]:
    """Read images as inputs `[B, C, S, S]` of a model, with their names.

    Images that cannot be read are appended to `unreadable`.
    """
    for start in range(0, len(paths), batch_size):
        names, inputs = [], []
        for path in map(str, paths[start : start + batch_size]):
            found = read_input(path, preprocessing)
            if isinstance(found, Tensor):
                names.append(path)
                inputs.append(found)
            else:
                unreadable.append(found)
        if inputs:
            yield names, torch.stack(inputs).to(device)


def most_likely(
    output: Tensor | tuple[Tensor, Tensor], fusion: Fusion, top: int
) -> list[dict[str, list[RankedClass]]]:
    """The most likely classes of each image by head, from logits `[B, K]`."""
    answers = answers_of(in_float64(output), fusion)
    found: list[dict[str, list[RankedClass]]] = [{} for _ in answers["cls"]]
    for head, log_probabilities in answers.items():
        ranked = log_probabilities.exp().sort(dim=1, descending=True, stable=True)
        pairs = zip(ranked.indices.tolist(), ranked.values.tolist(), strict=True)
        for image, (classes, shares) in zip(found, pairs, strict=True):
            guesses = zip(classes[:top], shares[:top], strict=True)
            image[head] = [RankedClass(*guess) for guess in guesses]
    return found
