"""A source line as it is drawn: made visible, and cut where it is too long."""

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

from rich.cells import cell_len

from deit_spec.diagnostics.visible import visible_character

_CUT = "…"


class Window:
    """The drawn text of a line, and the cell at which each character stands.

    A line that is too wide keeps what is around the anchors, which are offsets of
    characters; each stretch that is left out becomes `…`.
    """

    def __init__(self, line: str, anchors: Iterable[int], width: int) -> None:
        shown = [visible_character(character) for character in line]
        places: list[int] = []
        parts: list[str] = []
        length = 0
        for start, end, keep in _stretches(shown, sorted(set(anchors)), width):
            stretch = shown[start:end] if keep else [_CUT] + [""] * (end - start - 1)
            for part in stretch:
                # A cut takes its room at once: all of its characters stand at it.
                places.append(length if keep or not part else length)
                parts.append(part)
                length += len(part)
        self.text = "".join(parts)
        self._places = [*places, length]

    def cell(self, offset: int) -> int:
        """Give the cell, from 0, in which a character begins."""
        # Measured as a whole: emoji and accents are narrower joined than apart.
        return cell_len(self.text[: self._places[offset]])
