"""Maps are drawn where the model saw the image."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from deit_spec.attention.heat_map import (
    Panel,
    difference,
    draw_heat_maps,
    draw_sheet,
)
from deit_spec.model.image_transform import CentralCrop
from deit_spec.model.preprocessing import Preprocessing

GRID = 4


def pixels(png: bytes) -> Any:
    return np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(int)


@pytest.mark.parametrize("sides", [(240, 120), (90, 200), (80, 80)])
@pytest.mark.parametrize("patch", [(0, 3), (2, 1)])
def test_a_patch_is_drawn_where_it_is_in_the_original(
    sides: tuple[int, int], patch: tuple[int, int]
) -> None:
    """Bright in the map, or painted into the image: the same pixels change."""
    region = CentralCrop(Preprocessing(32, crop=0.8)).region(sides)
    left, top, right, bottom = region
    across, down = (right - left) / GRID, (bottom - top) / GRID
    row, column = patch
    corner = left + column * across, top + row * down
    black = Image.new("RGB", sides)
    painted = black.copy()
    end = corner[0] + across - 1, corner[1] + down - 1
    ImageDraw.Draw(painted).rectangle((*corner, *end), fill="white")
    zeros = np.zeros((GRID, GRID))
    bright = zeros.copy()
    bright[patch] = 1.0
    base, mapped, wanted = (
        pixels(draw_heat_maps(image, region, [Panel("map", values)], "caption"))
        for image, values in ((black, zeros), (black, bright), (painted, zeros))
    )
    changed, expected = (
        (np.abs(each - base) > 60).any(axis=2) for each in (mapped, wanted)
    )
    assert (changed & expected).sum() > 0.93 * (changed | expected).sum() > 100


def test_a_sheet_has_a_map_for_each_block_head_and_token() -> None:
    """Of one bright map, only its cell changes."""
    image, region = Image.new("L", (60, 40)), (10.0, 0.0, 50.0, 40.0)
    areas = []
    for block, head, token in [(0, 0, "cls"), (1, 2, "cls"), (1, 2, "dist")]:
        maps = {name: np.zeros((2, 3, GRID, GRID)) for name in ("cls", "dist")}
        base = pixels(draw_sheet(image, region, maps, "caption"))
        maps[token][block, head] = 1.0
        found = pixels(draw_sheet(image, region, maps, "caption"))
        rows, columns = np.nonzero((found != base).any(axis=2))
        height, width = rows.max() - rows.min(), columns.max() - columns.min()
        assert abs(height - width) <= 2
        areas.append((rows.min(), columns.min()))
    (top, left), (low, middle), (other, right) = areas
    assert top < low == other
    assert left < middle < right


def test_differences_are_those_of_shares() -> None:
    one, other = np.array([[1.0, 3.0]]), np.array([[10.0, 10.0]])
    assert difference(one, other).tolist() == [[0.25, -0.25]]
    assert difference(0 * one, other).tolist() == [[0.5, 0.5]]


def test_names_are_not_formulas() -> None:
    panels = [Panel("$x^2$", np.eye(2))]
    image = Image.new("RGB", (8, 8))
    assert draw_heat_maps(image, (0, 0, 8, 8), panels, r"$\broken$ _{")


def test_a_long_caption_is_not_cut_off() -> None:
    image, region, caption = Image.new("L", (8, 8)), (0, 0, 8, 8), "class · " * 40
    maps = np.zeros((1, 1, GRID, GRID))
    for png in (
        draw_heat_maps(image, region, [Panel("map", maps[0, 0])], caption),
        draw_sheet(image, region, {"cls": maps}, caption),
    ):
        found = pixels(png)
        assert (found[:, [0, -1]] == 255).all()
