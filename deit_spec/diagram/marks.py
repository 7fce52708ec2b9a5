"""What differs between two graphs, marked in a drawing of both as one."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from deit_spec.cost import Cost, short
from deit_spec.graph import LayerGraph


class Fate(Enum):
    """What happened to a layer, with the sign for it."""

    ADDED = "+"
    REMOVED = "−"  # noqa: RUF001  -- the sign, as wide as the plus
    CHANGED = "~"

    @property
    def label(self) -> str:
        """The sign and its meaning."""
        return f"{self.value} {self.name.lower()}"


@dataclass(frozen=True, slots=True)
class Mark:
    """What happened to a layer; `changes` are such as `N 197 → 577`."""

    fate: Fate
    changes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ", ".join((self.fate.label, *self.changes))


@dataclass(frozen=True)
class Marks:
    """The marks of a merged graph by path, and what each of both models costs.

    `layers` are the marks of single layers. In `alike`, what changes alike in equal
    blocks has one mark, with numbers that differ as a range; layers of blocks are drawn
    as one only if these are equal. `costs` are those of the layers in the second model,
    zero for removed ones, and `second` is its graph.
    """

    layers: Mapping[str, Mark]
    alike: Mapping[str, Mark]
    costs: Mapping[str, Cost]
    before: Cost
    after: Cost
    second: LayerGraph

    def of(self, paths: Iterable[str]) -> Mark | None:
        """Summarize the marks of layers that are drawn as one node.

        They are added or removed if all of them are, and changed if any differs; the
        changes then name those that are added or removed.
        """
        found = {path: self.layers.get(path) for path in paths}
        marks = [mark for mark in found.values() if mark is not None]
        if not marks:
            return None
        changes = dict.fromkeys(change for mark in marks for change in mark.changes)
        fates = {mark.fate for mark in marks}
        if len(fates) == 1 and len(marks) == len(found):
            return Mark(fates.pop(), tuple(changes))
        for fate in (Fate.ADDED, Fate.REMOVED):
            alone = (path for path, mark in found.items() if mark and mark.fate is fate)
            names = dict.fromkeys(path.rpartition(".")[2] for path in alone)
            changes |= {f"{fate.value} {', '.join(names)}": None} if names else {}
        return Mark(Fate.CHANGED, tuple(changes))

    def parameters(self) -> str:
        """Write the parameters of both models."""
        before, after = self.before.parameters, self.after.parameters
        return f"{_both(f'{before:,}', f'{after:,}')} parameters"

    def macs(self, write: Callable[[int], str] = short) -> str:
        """Write the MACs of both models for one image."""
        return f"{_both(write(self.before.macs), write(self.after.macs))} MACs"


def _both(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"


LEGEND: Final = "  ".join(fate.label for fate in Fate)


def titled(title: str, mark: Mark | None) -> str:
    """Put the sign of a mark before a title."""
    return title if mark is None else f"{mark.fate.value} {title}"
