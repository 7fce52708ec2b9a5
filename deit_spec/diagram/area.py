"""How the width of a figure is divided."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from deit_spec.diagram.graph_view import View
from deit_spec.diagram.items import Item

_NARROW_BOX = 16
_SCOPE_BOX = 30
_FRAME = 46
_LANE = 2
_MOST_LANES = 4
_STREAM = 4
"""The width of a line with a margin on both sides."""


@dataclass(frozen=True)
class Area:
    """The columns from `left` up to `right`; the main line is in column `trunk`."""

    left: int
    right: int
    trunk: int

    @property
    def width(self) -> int:
        """The number of columns."""
        return self.right - self.left

    @property
    def lanes(self) -> int:
        """The number of rails that fit to the left of the main line and its boxes."""
        beside = (self.trunk - self.left - _STREAM) // 2
        spare = (self.width - _NARROW_BOX - _LANE) // 2
        return max(0, min(_MOST_LANES, beside, spare))

    def around(self, width: int, ports: Collection[int]) -> "Area":
        """Return a part of this width around the main line that includes all ports."""
        left = self.trunk - width // 2
        left = max(self.left, min(left, self.right - width))
        right = min(self.right, left + width)
        left = min([left, *(x - 2 for x in ports)])
        right = max([right, *(x + 3 for x in ports)])
        return replace(self, left=left, right=right)

    def for_items(self, items: Collection[Item], view: View) -> "Area":
        """Move the main line so that the labels to the right of it fit."""
        labels = [len(view.shape(item.value)) for item in items]
        rightmost = self.right - _STREAM + 1 - max(labels, default=0)
        trunk = min((self.left + self.right) // 2, rightmost)
        return replace(self, trunk=max(self.left + 3, trunk))


def halves(area: Area) -> tuple[Area, Area]:
    """Return the areas to the left and to the right of the main line."""
    left = Area(area.left, area.trunk - 1, 0)
    right = Area(area.trunk + 2, area.right, 0)
    return left, right


def split(area: Area, parts: int) -> list[Area]:
    """Split an area into parts of equal width, one column apart."""
    if not parts:
        return []
    width = share_of(area.width, parts)
    starts = [area.left + place * (width + 1) for place in range(parts)]
    return [Area(start, start + width, start + width // 2) for start in starts]


def share_of(width: int, parts: int) -> int:
    """Return the width of each part if the parts are one column apart."""
    return (width - parts + 1) // parts


def fits_beside(chains: Collection[list[Item]], area: Area, view: View) -> bool:
    """Return whether chains fit beside the main line, half of them on each side."""
    half = (len(chains) + 1) // 2
    room = min(side.width for side in halves(area)) - _LANE
    return max(needed(chain, view) + 1 for chain in chains) * half <= room


def fits_across(parts: Collection[list[Item]], room: int, view: View) -> bool:
    """Return whether branches fit side by side."""
    share = share_of(room - _LANE, len(parts))
    return all(needed(part, view) <= share for part in parts)


def needed(items: Collection[Item], view: View) -> int:
    """Return the smallest width in which items can be drawn."""
    widths = [_STREAM + len(view.shape(item.value)) for item in items]
    for item in items:
        least = _SCOPE_BOX if item.scopes else _NARROW_BOX
        widths.append(_FRAME if item.is_frame else max(len(item.title) + 6, least))
    return max(widths)
