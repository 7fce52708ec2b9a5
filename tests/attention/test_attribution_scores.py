"""Insertion and deletion are the areas under curves computed one image at a time."""

import torch
from torch import Tensor

from deit_spec.attention.attribution_scores import blur, insertion_and_deletion

SIZE, PATCH, GRID = 12, 3, 4


def depends_on(row: int, column: int) -> Tensor:
    """The pixels of one patch."""
    found = torch.zeros(SIZE, SIZE, dtype=torch.bool)
    found[PATCH * row : PATCH * (row + 1), PATCH * column : PATCH * (column + 1)] = True
    return found


def test_a_model_that_sees_one_patch() -> None:
    """The curves are steps where this patch is inserted or deleted."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2, 3, SIZE, SIZE, generator=generator)
    places = [depends_on(0, 0), depends_on(2, 1)]

    def probabilities(inputs: Tensor) -> Tensor:
        """Class 1 has probability 1 if the patch of an image is as it was."""
        same = [
            bool(each[:, place].equal(image[:, place]))
            for each, image, place in zip(inputs, images, places, strict=True)
        ]
        share = torch.tensor(same, dtype=torch.float32)
        return torch.stack((1 - share, share), dim=1)

    maps = torch.arange(GRID * GRID, 0, -1.0).reshape(1, GRID, GRID).repeat(2, 1, 1)
    # The order is row by row, so the patches are changed in steps 1 and 10 of 16.
    insertion, deletion = insertion_and_deletion(
        probabilities, images, maps, torch.tensor([1, 1])
    )
    steps = GRID * GRID
    for index, step in enumerate((1, 10)):
        after = (steps - step + 0.5) / steps
        assert abs(float(insertion[index]) - after) < 1e-9
        assert abs(float(deletion[index]) - (1 - after)) < 1e-9
    other, _ = insertion_and_deletion(probabilities, images, maps, torch.tensor([0, 1]))
    assert abs(float(other[0]) - float(1 - insertion[0])) < 1e-9


def test_many_patches_change_in_49_steps() -> None:
    """The number of patches that are as they were, when it is the probability."""
    images = torch.ones(1, 1, 24, 24)
    calls = []

    def probabilities(inputs: Tensor) -> Tensor:
        calls.append(float(inputs.mean()))
        return inputs.mean(dim=(1, 2, 3))[:, None]

    maps = torch.rand(1, 24, 24, generator=torch.Generator().manual_seed(0))
    _, deletion = insertion_and_deletion(probabilities, images, maps, torch.tensor([0]))
    deleted = calls[1::2]
    counts = [round(24 * 24 * (1 - each)) for each in deleted]
    assert counts == [round(step * 24 * 24 / 49) for step in range(50)]
    assert abs(float(deletion) - 0.5) < 1e-3


def test_blur_keeps_constants_and_spreads_points() -> None:
    constant = torch.full((1, 3, 5, 5), 0.7)
    torch.testing.assert_close(blur(constant, 2), constant)
    point = torch.zeros(1, 1, 33, 33)
    point[0, 0, 16, 16] = 1.0
    found = blur(point, 3)[0, 0]
    assert abs(float(found.sum()) - 1) < 1e-5
    across = torch.arange(33.0) - 16
    assert abs(float((found.sum(0) * across**2).sum()) - 9) < 0.3
    torch.testing.assert_close(found, found.T)
