"""Lines that are indented with a tab, and how far they should be."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from deit_spec.yaml_source.positions import Patch
from deit_spec.yaml_source.slips import UNTAB, Slip
from deit_spec.yaml_source.yaml_findings import WITHOUT_TABS

# The indentation of a line, and what stands there if it is no comment.
_TAB: Final = re.compile(r"^(?P<indent>[ \t]*)(?P<rest>[^\r\n]*)", re.MULTILINE)
# A value that is the lines below it.
_BLOCK: Final = re.compile(r"[|>][-+0-9]*\s*(?: #.*)?\Z")
_STEP: Final = 2
"""Spaces by which a mapping stands further to the right than its key."""
_NO_TAB: Final = "remove the tab"


def find_tabs(text: str) -> Iterator[Slip]:
    """Find lines that are indented with a tab, and how far they should be."""
    lines = list(_TAB.finditer(text))
    tabbed = dict(_tabbed(lines))
    above, opens, block = None, False, None
    voids = list[re.Match[str]]()
    for line, below in zip(lines, _widths_below(lines), strict=True):
        width = len(line["indent"])
        is_spaced = not _is_void(line) and "\t" not in line["indent"]
        if is_spaced and block is not None and width <= block:
            block = None
        is_free = block is None and not _is_void(line)
        if (key := tabbed.get(line.start())) is not None:
            if is_free:
                width = _width(above, below, opens=opens)
            if _is_void(line):
                voids.append(line)
                continue
            yield _tab(line, width, key)
        if not _is_void(line):
            # A comment stands as the key does that it is above.
            yield from (_tab(each, width, tabbed[each.start()]) for each in voids)
            voids.clear()
        if is_free:
            above = width
            rest = line["rest"].partition(" #")[0].rstrip()
            opens = rest.endswith(":") or rest == "-" or rest.startswith("- ")
            block = width if _BLOCK.search(line["rest"]) else None


def _tabbed(lines: Sequence[re.Match[str]]) -> Iterator[tuple[int, int]]:
    """Where lines with a tab begin, and the key that makes them such.

    A blank line or a comment is one if the next key is, and stands no further to
    the left than that tab: it is in no block scalar then. Nor is it in quotes if
    none of the lines before the key has any.
    """
    key, width = None, 0
    for line in reversed(lines):
        indent, rest = line["indent"], line["rest"]
        if not _is_void(line):
            key, width = line.start("rest"), len(indent)
        elif "'" in rest or '"' in rest:
            key = None
        spaces = len(indent) - len(indent.lstrip(" "))
        is_outside = _is_void(line) and spaces > width
        if "\t" in indent and key is not None and not is_outside:
            yield line.start(), key


def _widths_below(lines: Sequence[re.Match[str]]) -> list[int | None]:
    """For each line, how far the next one is indented that has spaces alone."""
    widths: list[int | None] = []
    below: int | None = None
    for line in reversed(lines):
        widths.append(below)
        if not _is_void(line) and "\t" not in line["indent"]:
            below = len(line["indent"])
    return widths[::-1]


def _width(above: int | None, below: int | None, *, opens: bool) -> int:
    """How far a line belongs: below a key that opens a mapping, or beside others."""
    if above is None:
        return below or 0
    if not opens:
        return above
    return below if below is not None and below > above else above + _STEP


def _is_void(line: re.Match[str]) -> bool:
    """Whether there is a comment at most."""
    return line["rest"][:1] in {"", "#"}


def _tab(line: re.Match[str], width: int, key: int) -> Slip:
    start, end = line.span("indent")
    patch = Patch(start, end, " " * width if line["rest"] else "")
    at = start + line["indent"].index("\t")
    message = "a line is indented with a tab"
    help_ = WITHOUT_TABS if width else _NO_TAB
    return Slip(key, (patch,), at, at + 1, message, help_, UNTAB)
