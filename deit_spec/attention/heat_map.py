"""Draw attention maps over their images, with matplotlib."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from textwrap import wrap
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from PIL import Image

Region: TypeAlias = tuple[float, float, float, float]
"""Left, top, right and bottom of what a model sees, in pixels of the image."""

SIDE = 3.2
"""The longer side of a panel, in inches."""
CHARACTER, LINE = 0.07, 0.15
"""The usual width and height of a character of a caption, in inches."""
CELL = 0.8
"""The side of a map on a sheet, in inches."""
DPI = 150
OPACITY = 0.6


@dataclass(frozen=True)
class Panel:
    """A map `[h, w]` with its title. A difference has values above and below 0."""

    title: str
    values: "NDArray[Any]"
    is_difference: bool = False


def difference(one: "NDArray[Any]", other: "NDArray[Any]") -> "NDArray[Any]":
    """The second map less the first, each divided by its sum."""
    shares = [each / (each.sum() or 1.0) for each in (one, other)]
    return np.subtract(shares[1], shares[0])


def draw_heat_maps(
    image: "Image.Image", region: Region, panels: Sequence[Panel], caption: str
) -> bytes:
    """Draw maps over an image, side by side, as PNG.

    The image keeps its aspect ratio, and a map covers the region that the model saw.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415  -- of the extra `train`

    scale = SIDE / max(image.size)
    width, height = (max(side * scale, SIDE / 3) for side in image.size)
    across = len(panels) * (width + 0.6)
    caption, more = _wrapped(caption, across)
    size = (across, height + 0.8 + more)
    figure = Figure(figsize=size, layout="constrained", dpi=DPI)
    grid = figure.subplots(1, len(panels), squeeze=False)
    for axes, panel in zip(grid[0], panels, strict=True):
        _draw_panel(axes, image, region, panel)
        axes.set_title(panel.title, fontsize=9, parse_math=False)
        bar = figure.colorbar(axes.images[-1], ax=axes, shrink=0.8, pad=0.02)
        bar.ax.tick_params(labelsize=6)
        if bar.solids is not None:
            bar.solids.set_alpha(1)  # it would be paler than a map over black
    figure.suptitle(caption, fontsize=9, parse_math=False)
    return _png(figure)


def draw_sheet(
    image: "Image.Image",
    region: Region,
    maps: "Mapping[str, NDArray[Any]]",
    caption: str,
) -> bytes:
    """Draw the maps `[L, H, h, w]` of all blocks and heads of some tokens, as PNG.

    A row for each block, a column for each head, and the tokens side by side. Each map
    covers what the model saw of the image, and has its own scale, from 0.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415  -- of the extra `train`

    seen = _seen(image, region)
    blocks, heads = next(iter(maps.values())).shape[:2]
    columns = len(maps) * (heads + 1) - 1
    caption, more = _wrapped(caption, CELL * columns + 0.8)
    size = (CELL * columns + 0.8, CELL * blocks + 0.9 + more)
    figure = Figure(figsize=size, layout="constrained", dpi=DPI)
    axes = figure.subplots()
    ticks: dict[float, str] = {}
    for place, (title, values) in enumerate(maps.items()):
        first = place * (heads + 1)
        for block, head in np.ndindex(blocks, heads):
            left, top = first + head + 0.03, block + 0.03
            extent = (left, left + 0.94, top + 0.94, top)
            axes.imshow(seen, extent=extent, **_grey(seen))
            _overlay(axes, values[block, head], extent)
        ticks |= {first + head + 0.5: str(head) for head in range(heads)}
        middle = first + heads / 2
        axes.text(middle, -0.1, title, ha="center", fontsize=9, parse_math=False)
    axes.set_xlim(0, columns)
    axes.set_ylim(blocks, -0.4)
    axes.set_aspect("equal")
    axes.set_xticks(list(ticks), list(ticks.values()), fontsize=7)
    rows = [block + 0.5 for block in range(blocks)]
    axes.set_yticks(rows, [str(block) for block in range(blocks)], fontsize=7)
    axes.set_xlabel("head", fontsize=8)
    axes.set_ylabel("block", fontsize=8)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.suptitle(caption, fontsize=9, parse_math=False)
    return _png(figure)


def _wrapped(caption: str, width: float) -> tuple[str, float]:
    """Wrap a caption to a width; also return the height of all but two lines."""
    # The wrapping of matplotlib would parse formulas.
    at_most = max(1, int(width / CHARACTER))
    lines = [part for line in caption.split("\n") for part in wrap(line, at_most)]
    return "\n".join(lines), LINE * max(0, len(lines) - 2)


def _seen(image: "Image.Image", region: Region) -> "Image.Image":
    """The region of an image, as large as it is drawn on a sheet."""
    from PIL import Image  # noqa: PLC0415  -- of the extra `train`

    side = round(CELL * DPI)
    left, top, right, bottom = region
    # Rounding may have moved the region out of the image by less than a pixel.
    box = max(left, 0), max(top, 0), min(right, image.width), min(bottom, image.height)
    return image.resize((side, side), Image.Resampling.BOX, box)


def _draw_panel(
    axes: "Axes", image: "Image.Image", region: Region, panel: Panel
) -> None:
    from matplotlib.patches import Rectangle  # noqa: PLC0415  -- as above

    width, height = image.size
    left, top, right, bottom = region
    axes.imshow(image, extent=(0, width, height, 0), **_grey(image))
    _overlay(
        axes,
        panel.values,
        (left, right, bottom, top),
        is_difference=panel.is_difference,
    )
    frame = Rectangle(
        (left, top), right - left, bottom - top, fill=False, color="white"
    )
    axes.add_patch(frame)
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_axis_off()


def _overlay(
    axes: "Axes",
    values: "NDArray[Any]",
    extent: tuple[float, float, float, float],
    *,
    is_difference: bool = False,
) -> None:
    """Draw a map over a part of an image: its first row is at the top."""
    largest = float(np.abs(values).max()) or 1.0
    axes.imshow(
        values,
        extent=extent,
        cmap="RdBu_r" if is_difference else "inferno",
        vmin=-largest if is_difference else 0,
        vmax=largest,
        alpha=OPACITY,
        interpolation="nearest",
    )


def _grey(image: "Image.Image") -> dict[str, Any]:
    """How to draw grey images, which have no colours of their own."""
    return {"cmap": "gray", "vmin": 0, "vmax": 255} if image.mode == "L" else {}


def _png(figure: "Figure") -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
