"""Line glyphs by the arms that they have, and their likeness in ASCII."""

from typing import Final

UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8

SOLID: Final = {
    UP: "│",
    DOWN: "│",
    UP | DOWN: "│",
    LEFT: "─",
    RIGHT: "─",
    LEFT | RIGHT: "─",
    DOWN | RIGHT: "╭",
    DOWN | LEFT: "╮",
    UP | RIGHT: "╰",
    UP | LEFT: "╯",
    UP | DOWN | RIGHT: "├",
    UP | DOWN | LEFT: "┤",
    DOWN | LEFT | RIGHT: "┬",
    UP | LEFT | RIGHT: "┴",
    UP | DOWN | LEFT | RIGHT: "┼",
}
DASHED: Final = {
    UP: "╎",
    DOWN: "╎",
    UP | DOWN: "╎",
    LEFT: "╌",
    RIGHT: "╌",
    LEFT | RIGHT: "╌",
}

INTO_TOP: Final = "▼"
INTO_LEFT: Final = "▶"
INTO_RIGHT: Final = "◀"
SUM: Final = "⊕"
CUT: Final = "…"
TO: Final = "–"  # noqa: RUF001  -- from 0 to 11

_ASCII: Final = {
    **dict.fromkeys("│╎", "|"),
    **dict.fromkeys(f"─╌{TO}", "-"),
    **dict.fromkeys("╭╮", "."),
    **dict.fromkeys("╰╯", "'"),
    **dict.fromkeys("├┤┬┴┼", "+"),
    "╎": ":",
    INTO_TOP: "v",
    INTO_LEFT: ">",
    INTO_RIGHT: "<",
    SUM: "O",
    CUT: "~",
    "→": ">",
    "×": "x",
    "·": "*",
    "√": "V",
    "ᵀ": "T",
    "²": "2",
}


def ascii_of(text: str) -> str:
    """Write a text in ASCII, one character for one.

    >>> ascii_of("╭─ softmax(q·kᵀ/√D)·v ─╮")
    '.- softmax(q*kT/VD)*v -.'
    """
    if text.isascii():
        return text
    return "".join(c if c.isascii() else _ASCII.get(c, "?") for c in text)


def glyph(arms: int, *, dashed: bool = False) -> str:
    """The line that reaches out where `arms` says; `dashed` where straight."""
    if dashed and arms in DASHED:
        return DASHED[arms]
    return SOLID[arms]
