"""How the width of a figure is shared out."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from deit_spec.diagram.items import Item
from deit_spec.diagram.view import View

_NARROW_BOX = 16
_SCOPE_BOX = 30
_FRAME = 46
_LANE = 2
_MOST_LANES = 4
_STREAM = 4
"""The columns that a line with an edge on each side takes."""


@dataclass(frozen=True)
class Area:
    """Columns from `left` to before `right`; `trunk` is the one of the stream."""

    left: int
    right: int
    trunk: int

    @property
    def width(self) -> int:
        """How many columns there are."""
        return self.right - self.left

    @property
    def lanes(self) -> int:
        """How many rails have room beside the stream and what stands in it."""
        beside = (self.trunk - self.left - _STREAM) // 2
        spare = (self.width - _NARROW_BOX - _LANE) // 2
        return max(0, min(_MOST_LANES, beside, spare))

    def around(self, width: int, ports: Collection[int]) -> "Area":
        """A part of this width about the stream, wide enough for every port."""
        left = self.trunk - width // 2
        left = max(self.left, min(left, self.right - width))
        right = min(self.right, left + width)
        left = min([left, *(x - 2 for x in ports)])
        right = max([right, *(x + 3 for x in ports)])
        return replace(self, left=left, right=right)

    def for_items(self, items: Collection[Item], view: View) -> "Area":
        """The same columns, the stream where there is room for its labels."""
        labels = [len(view.shape(item.value)) for item in items if item.value]
        rightmost = self.right - _STREAM + 1 - max(labels, default=0)
        trunk = min((self.left + self.right) // 2, rightmost)
        return replace(self, trunk=max(self.left + 3, trunk))


def halves(area: Area) -> tuple[Area, Area]:
    """What is left and right of the stream."""
    left = Area(area.left, area.trunk - 1, 0)
    right = Area(area.trunk + 2, area.right, 0)
    return left, right


def split(area: Area, parts: int) -> list[Area]:
    """Cut an area into parts of one width, a column apart."""
    if not parts:
        return []
    width = share_of(area.width, parts)
    starts = [area.left + place * (width + 1) for place in range(parts)]
    return [Area(start, start + width, start + width // 2) for start in starts]


def share_of(width: int, parts: int) -> int:
    """The width of each of some parts that are a column apart."""
    return (width - parts + 1) // parts


def fits_beside(chains: Collection[list[Item]], area: Area, view: View) -> bool:
    """Whether chains have room beside the stream, half of them on each side."""
    half = (len(chains) + 1) // 2
    room = min(side.width for side in halves(area)) - _LANE
    return max(needed(chain, view) + 1 for chain in chains) * half <= room


def fits_across(parts: Collection[list[Item]], room: int, view: View) -> bool:
    """Whether branches have room side by side."""
    share = share_of(room - _LANE, len(parts))
    return all(needed(part, view) <= share for part in parts)


def needed(items: Collection[Item], view: View) -> int:
    """The least width in which items can be drawn."""
    return max(_needed(item, view) for item in items)


def _needed(item: Item, view: View) -> int:
    label = len(view.shape(item.value)) + _STREAM if item.value else 0
    if item.is_frame:
        return max(label, _FRAME)
    box = max(len(item.title) + 6, _SCOPE_BOX if item.scopes else _NARROW_BOX)
    return max(label, box)
