"""SVG converted to PDF and PNG."""

from typing import Final

_PNG_SCALE: Final = 2
"""Pixels of a PNG per pixel of the figure, for dense screens."""


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
        found = cairosvg.svg2png(data, scale=_PNG_SCALE)
    return found
