"""Draw a figure with matplotlib, to the same bytes each time."""

from collections.abc import Callable, Collection
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLACK, BLUE, ORANGE, GREEN = "#1b1b1b", "#0072b2", "#d55e00", "#009e73"
"""Colours of Okabe and Ito, which people with colour blindness can distinguish."""


def plot(
    draw: Callable[["Figure"], None],
    size: tuple[float, float],
    settings: Any,
    kinds: Collection[str] = ("png", "svg"),
) -> dict[str, bytes]:
    """Draw a figure of `size` inches as PNG and SVG, which are deterministic."""
    # pyplot would keep the figure, and look for a display.
    import matplotlib as mpl  # noqa: PLC0415  -- of the extra `train`
    from matplotlib.figure import Figure  # noqa: PLC0415

    files = {}
    metadata = {"png": {"Software": None}, "svg": {"Date": None}}
    with mpl.rc_context(settings | {"svg.hashsalt": "deit-spec"}):
        figure = Figure(figsize=size, layout="constrained", dpi=150)
        draw(figure)
        for kind in kinds:
            buffer = BytesIO()
            figure.savefig(buffer, format=kind, metadata=metadata[kind])
            files[kind] = buffer.getvalue()
    return files
