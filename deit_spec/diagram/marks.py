"""What differs between two graphs, marked in a drawing of both as one."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from deit_spec.cost import Cost, short
from deit_spec.diagnostics.printable import counted


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


@dataclass(frozen=True)
class Marks:
    """The marks of a merged graph by path, and what each of both models costs.

    `costs` are those of the layers in the second model, zero for removed ones. Layers
    of equal blocks are drawn as one only if their marks are equal.
    """

    layers: Mapping[str, Mark]
    costs: Mapping[str, Cost]
    before: Cost
    after: Cost

    def of(self, paths: Iterable[str]) -> Mark | None:
        """Summarize the marks of layers that are drawn as one node.

        They are added or removed if all of them are, and changed if any differs.
        """
        found = [self.layers.get(path) for path in paths]
        marks = [mark for mark in found if mark is not None]
        if not marks:
            return None
        fates = Counter(mark.fate for mark in marks)
        changes = dict.fromkeys(change for mark in marks for change in mark.changes)
        if len(fates) == 1 and len(marks) == len(found):
            return Mark(marks[0].fate, tuple(changes))
        alone = [fate for fate in (Fate.ADDED, Fate.REMOVED) if fates[fate]]
        counts = (f"{fate.value} {counted(fates[fate], 'layer')}" for fate in alone)
        return Mark(Fate.CHANGED, (*changes, *counts))

    def parameters(self) -> str:
        """Write the parameters of both models."""
        before, after = self.before.parameters, self.after.parameters
        return f"{_both(f'{before:,}', f'{after:,}')} parameters"

    def macs(self, write: Callable[[int], str] = short) -> str:
        """Write the MACs of both models for one image."""
        return f"{_both(write(self.before.macs), write(self.after.macs))} MACs"

    @property
    def legend(self) -> str:
        """The signs in use, with what they mean."""
        return "  ".join(fate.label for fate in self.fates())

    def fates(self) -> list[Fate]:
        """What happened to any layer, in a fixed order."""
        found = {mark.fate for mark in self.layers.values()}
        return [fate for fate in Fate if fate in found]


def _both(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"


def titled(title: str, mark: Mark | None) -> str:
    """Put the sign of a mark before a title."""
    return title if mark is None else f"{mark.fate.value} {title}"
