"""SVG converted to PDF and PNG."""

import re
from typing import Final

_PNG_SCALE: Final = 300 / 96
"""Pixels of a PNG per pixel of the figure, so that it has 300 in an inch."""
_MOST_PIXELS: Final = 32_000
"""Cairo draws up to 32,767 pixels."""


def convert_svg(text: str, name: str) -> bytes:
    """Convert a document to `pdf` or `png`.

    Raises:
        ImportError, OSError: CairoSVG or the library Cairo is not installed.
    """
    import cairosvg  # noqa: PLC0415  -- optional

    data = text.encode()
    if name == "pdf":
        found: bytes = cairosvg.svg2pdf(data)
    else:
        scale = min(_PNG_SCALE, _MOST_PIXELS / _pixels_high(text))
        found = cairosvg.svg2png(data, scale=scale)
    return found


def _pixels_high(text: str) -> float:
    """Return the height of a document, which its first line has."""
    number, unit = re.findall(r' height="([\d.]+)(mm)?"', text)[0]
    return float(number) * (96 / 25.4 if unit else 1.0)
