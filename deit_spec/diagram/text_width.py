"""The width of text in a proportional and in a monospaced font.

The widths are those of Helvetica or of DejaVu Sans, whichever is wider, so that a text
also fits if a viewer has only one of them. A character that is not in the tables counts
as wider than almost all.
"""

from typing import Final

_REGULAR: Final = (
    *(318, 401, 460, 838, 637, 951, 780, 275, 391, 391, 500, 838, 318, 361, 318, 337),
    *(637, 637, 637, 637, 637, 637, 637, 637, 637, 637, 337, 337, 838, 838, 838, 556),
    *(1015, 685, 687, 722, 771, 667, 611, 778, 752, 295, 500, 667, 558, 863, 749, 788),
    *(667, 788, 722, 667, 611, 732, 685, 989, 686, 667, 686, 391, 337, 391, 838, 556),
    *(500, 613, 635, 550, 635, 616, 353, 635, 634, 278, 278, 580, 278, 975, 634, 612),
    *(635, 635, 412, 521, 393, 634, 592, 818, 592, 592, 525, 637, 337, 637, 838),
)
"""Thousandths of the size of the font, for the printable characters of ASCII."""
_BOLD: Final = (
    *(349, 457, 521, 838, 696, 1002, 873, 307, 458, 458, 523, 838, 380, 416, 380, 366),
    *(696, 696, 696, 696, 696, 696, 696, 696, 696, 696, 400, 400, 838, 838, 838, 611),
    *(1000, 774, 763, 734, 831, 684, 684, 821, 837, 373, 556, 775, 638, 996, 837, 851),
    *(733, 851, 771, 721, 683, 813, 774, 1104, 771, 725, 726, 458, 366, 458, 838, 556),
    *(500, 675, 716, 593, 716, 679, 436, 716, 712, 343, 343, 666, 343, 1042, 712, 688),
    *(716, 716, 494, 596, 479, 712, 652, 924, 646, 652, 583, 712, 366, 712, 838),
)
_SYMBOLS: Final = {
    **dict.fromkeys("×→▶", 838),
    **dict.fromkeys("–√", 667),  # noqa: RUF001  -- the dash of ranges
    **dict.fromkeys("ᵀ·²", 440),
    "…": 1000,
}
_OTHER: Final = 1400
_MONO: Final = 603


def text_width(
    text: str, size: float, *, bold: bool = False, mono: bool = False
) -> float:
    """Return the width of a text, in the unit of the size of its font.

    >>> text_width("qkv", 10), text_width("[B, N]", 10, mono=True)
    (18.07, 36.18)
    """
    table = _BOLD if bold else _REGULAR
    total = 0
    for character in text:
        place = ord(character) - ord(" ")
        if mono:
            total += _MONO if 0 <= place < len(table) else _OTHER
        elif 0 <= place < len(table):
            total += table[place]
        else:
            total += _SYMBOLS.get(character, _OTHER)
    return round(total * size / 1000, 3)
