"""Slips of the pen that keep a text from being YAML, and what was meant.

The text is read as it was meant, so that one slip does not hide what else is wrong.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from deit_spec.diagnostics import Diagnostic, Edit, Fix, Label, diagnose
from deit_spec.yaml_source.document import Document
from deit_spec.yaml_source.positions import Patch, Positions

UNTAB: Final = "put spaces for tabs"


class Slip(NamedTuple):
    """What to read in place of something, and how to report it.

    `key` is the offset at which a key begins if it is one.
    """

    key: int
    patches: tuple[Patch, ...]
    start: int
    end: int
    message: str
    help: str
    title: str
    is_sure: bool = True
    is_odd: bool = False
    """Whether the value begins with a sign that may have been meant for a space."""

    @property
    def is_indent(self) -> bool:
        """Whether all that it changes is how far lines are indented."""
        return all(not patch.text.strip(" ") for patch in self.patches)

    @property
    def is_tab(self) -> bool:
        """Whether it is in the indentation."""
        return self.title == UNTAB


def patches_of(slips: Iterable[Slip]) -> list[Patch]:
    """Give all the patches of some slips, in order."""
    return sorted(patch for slip in slips for patch in slip.patches)


def report_of(slips: Sequence[Slip], positions: Positions) -> list[Diagnostic]:
    """Report slips of a text; the positions are those of the text as it stands.

    All tabs are one finding, for an editor makes all or none.
    """
    tabs = [slip for slip in slips if slip.is_tab]
    others = [[slip] for slip in slips if not slip.is_tab]
    return [_report(each, positions) for each in (tabs, *others) if each]


def doubting(
    document: Document, slips: Sequence[Slip], positions: Positions
) -> Document:
    """Doubt the values of which the first character may be the slip."""
    odd = [positions.span(slip.key, slip.key) for slip in slips if slip.is_odd]
    places = {(span.line, span.column) for span in odd}
    doubts = {
        path
        for path, entry in (document.spans.items() if odd else ())
        if (entry.key.line, entry.key.column) in places
    }
    return replace(document, doubts=document.doubts | doubts)


def _report(slips: Sequence[Slip], positions: Positions) -> Diagnostic:
    """What was read in the place of slips is what they are mended to."""
    first = slips[0]
    edits = [
        Edit(positions.span(start, end), text) for start, end, text in patches_of(slips)
    ]
    return diagnose(
        "DS001",
        first.message,
        Label(positions.span(first.start, first.end)),
        helps=[first.help],
        fix=Fix(first.title, tuple(edits)) if first.is_sure else None,
    )
