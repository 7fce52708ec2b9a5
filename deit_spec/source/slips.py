"""Slips of the pen that keep a text from being YAML, and what was meant.

They are looked for where the parser has stopped. The text is then read as it was
meant, so that one slip does not hide what else is wrong.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from deit_spec.diagnostics import Diagnostic, Edit, Fix, Label, diagnose
from deit_spec.source.positions import Patch, Positions

_TAB: Final = re.compile(r"^ *\t[ \t]*(?=[^\s#])", re.MULTILINE)
# A name, then what stands where `: ` belongs: `:`, `=` or nothing but a space.
_PAIR: Final = re.compile(
    r"^ *(?P<key>[A-Za-z_][\w-]*)(?P<sign>:(?=[^\s:])| *= *| +)"
    r"(?P<value>[^\s:#=][^\s:#]*)(?= *(?:#|\r?$))",
    re.MULTILINE,
)


class Slip(NamedTuple):
    """What to read in place of something, and how to report it."""

    patches: tuple[Patch, ...]
    start: int
    end: int
    message: str
    help: str
    title: str


def find_slips(text: str) -> list[Slip]:
    """Find what looks like a slip, in the order of the text."""
    pairs = (_pair(found) for found in _PAIR.finditer(text))
    return sorted((*_tabs(text), *pairs), key=lambda slip: slip.start)


def patches_of(slips: Iterable[Slip]) -> list[Patch]:
    """Give all the patches of some slips, in order."""
    return sorted(patch for slip in slips for patch in slip.patches)


def report_of(slips: Iterable[Slip], positions: Positions) -> list[Diagnostic]:
    """Report slips of a text; the positions are those of the text as it stands."""
    return [
        diagnose(
            "DS001",
            slip.message,
            Label(positions.span(slip.start, slip.end)),
            helps=[slip.help],
            fix=_fix(slip, positions),
        )
        for slip in slips
    ]


def _fix(slip: Slip, positions: Positions) -> Fix:
    """What was read in its place is what it is mended to."""
    edits = [
        Edit(positions.span(start, end), text) for start, end, text in slip.patches
    ]
    return Fix(slip.title, tuple(edits))


def _tabs(text: str) -> Iterator[Slip]:
    """One slip for all tabs, for an editor makes all or none."""
    found = list(_TAB.finditer(text))
    if not found:
        return
    patches = tuple(Patch(*tab.span(), " " * len(tab.group())) for tab in found)
    start = text.index("\t", found[0].start())
    message, help_ = "a line is indented with a tab", "use spaces in place of tabs"
    yield Slip(patches, start, start + 1, message, help_, "put spaces for tabs")


def _pair(found: re.Match[str]) -> Slip:
    key, sign, value = found["key"], found["sign"].strip(), found["value"]
    patch = Patch(*found.span("sign"), ": ")
    message = (
        f"there is no space after `{key}:`"
        if sign == ":"
        else (
            f"`{key}` has `{sign}` in place of `:`"
            if sign
            else f"`{key}` has no `:` after it"
        )
    )
    pair = f"`{key}: {value}`"
    place = (found.start("key"), found.end("value"))
    return Slip((patch,), *place, message, pair, f"write {pair}")
