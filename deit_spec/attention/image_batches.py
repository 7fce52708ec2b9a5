"""Batches of image files, without those that cannot be read."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from deit_spec.distill.prediction import UnreadableImage, read_input
from deit_spec.model.preprocessing import Preprocessing


def read_batches(
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
