"""Predict the most likely classes of images."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from deit_spec.diagnostics.printable import first_line_of, reason_of
from deit_spec.distill.evaluation import Fusion, answers_of, in_float64
from deit_spec.distill.image_files import image_files, note_of_ignored
from deit_spec.distill.losses import Outputs
from deit_spec.model.preprocessing import Preprocessing
from deit_spec.recipe.class_matching import natural_key


class RankedClass(NamedTuple):
    """The index of a class, and its probability."""

    category: int
    probability: float


class Prediction(NamedTuple):
    """The most likely classes of an image by head; there may be `cls` alone."""

    image: str
    heads: dict[str, list[RankedClass]]


class UnreadableImage(NamedTuple):
    """An image that could not be read, and the reason."""

    image: str
    reason: str


def predict(  # noqa: PLR0913  -- one argument for each thing that can differ
    model: nn.Module,
    images: Sequence[Path],
    preprocessing: Preprocessing,
    unreadable: list[UnreadableImage],
    *,
    fusion: Fusion,
    top: int = 5,
    heads: bool = False,
    batch_size: int = 64,
    device: torch.device | str = "cpu",
) -> Iterator[Prediction]:
    """Predict at most `top` classes of each image file, in order.

    The model is in evaluation mode on the device. `fusion` is the `variant.fusion` of
    its spec. With `heads` the classes of each head are given, not only of both fused.
    Images that cannot be read are appended to `unreadable`.
    """
    for names, inputs in read_inputs(
        images, preprocessing, unreadable, batch_size=batch_size, device=device
    ):
        for name, found in zip(
            names, classify(model, inputs, fusion, top), strict=True
        ):
            last = list(found)[-1]  # fused, or the only one
            yield Prediction(name, found if heads else {last: found[last]})


def classify(
    model: Callable[[Tensor], Outputs], inputs: Tensor, fusion: Fusion, top: int
) -> list[dict[str, list[RankedClass]]]:
    """The most likely classes of each input of `[B, C, S, S]` by head."""
    with torch.no_grad():
        return most_likely(model(inputs), fusion, top)


def images_in(
    names: Iterable[str | Path], ignored: Counter[str] | None = None
) -> list[Path]:
    """List files, and the images in folders that are not hidden, in natural order.

    Other files in folders are counted in `ignored`, by extension. Raises OSError if a
    folder cannot be listed, and FileNotFoundError if it has no images.
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
        found += sorted(inside, key=lambda path: natural_key(path.as_posix()))
        if ignored is not None:
            ignored.update(others)
    return list(dict.fromkeys(found))


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
    device: torch.device | str,
) -> Iterator[tuple[list[str], Tensor]]:
    """Read images as inputs `[B, C, S, S]`, with their names."""
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
