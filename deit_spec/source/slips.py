"""Slips of the pen that keep a text from being YAML, and what was meant.

They are looked for where the parser has stopped. The text is then read as it was
meant, so that one slip does not hide what else is wrong. A slip is one only if a
key comes of it: in a text of several lines, the same characters are no slip.
"""

import re
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from deit_spec.diagnostics import Diagnostic, Edit, Fix, Label, diagnose
from deit_spec.source.document import Document, IsKey
from deit_spec.source.positions import Patch, Positions
from deit_spec.source.problems import quoted

# The indentation of a line, and what stands there if it is no comment.
_TAB: Final = re.compile(r"^(?P<indent>[ \t]*)(?P<rest>[^\r\n]*)", re.MULTILINE)
SCALAR: Final = r"""(?:[\w.+/~-][^\s:#,;=\[\]{}'"]*|'[^'\n]*'|"[^"\\\n]*")"""
"""A value that is one word or one closed text, and no anchor, tag or collection."""
# A name, then what stands where `: ` belongs: `:`, `=`, `-` or nothing but a space.
_PAIR: Final = re.compile(
    r"^[ \t]*(?P<key>[A-Za-z_](?:[\w-]*\w)?)"
    r"(?P<sign>:(?:[^\S \t\r\n]+|(?=[^\s:]))| *= *| *- +| +)"
    # Python has a comma behind each of its keyword arguments.
    rf"(?P<value>{SCALAR})(?P<comma> *,)?(?= +#| *\r?$)",
    re.MULTILINE,
)
# What heads the pairs of an INI file or of TOML, and is a list to YAML.
_HEADER: Final = re.compile(
    r"^\[[\w.-]+\](?=[ \t]*(?:\r?\n[ \t]*)+[A-Za-z_])", re.MULTILINE
)
# What git leaves around the two sides of a conflict.
_CONFLICT: Final = re.compile(r"^([<=>|])\1{6}(?: [^\r\n]*)?(?=\r?$)", re.MULTILINE)
# What Markdown has around code.
_FENCE: Final = re.compile(
    r"^[ \t]*(?:`{3,}|~{3,})[\w.+-]*[ \t]*(?=\r?$)", re.MULTILINE
)
# A program that gives the mapping a name, behind comments at most.
_ASSIGNED: Final = re.compile(
    r"(?:[ \t]*(?:#[^\r\n]*)?\r?\n)*(?P<all>(?P<name>[A-Za-z_][\w.]*)[ \t]*=)[ \t]*"
    r"\{\s*(?P<key>[\"'A-Za-z_])"
)
_KEY: Final = re.compile(r"^[ \t]*([A-Za-z_])", re.MULTILINE)
# Two words side by side may be prose.
_NO_WORD: Final = re.compile(r"true|false|null|.*\d.*")
# A value that is the lines below it.
_BLOCK: Final = re.compile(r"[|>][-+0-9]*\s*(?: #.*)?\Z")
_STEP: Final = 2
"""Spaces by which a mapping stands further to the right than its key."""
_NO_TABS: Final = "use spaces in place of tabs"
_NO_TAB: Final = "remove the tab"
_UNTAB: Final = "put spaces for tabs"


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
    def is_tab(self) -> bool:
        """Whether it is in the indentation."""
        return self.title == _UNTAB


def find_slips(text: str, is_key: IsKey) -> list[Slip]:
    """Find what looks like a slip, in the order of the text."""
    pairs = (_pair(found) for found in _PAIR.finditer(text) if _is_pair(found, is_key))
    found = (*_assigned(text, is_key), *_tabs(text), *_odd_lines(text), *pairs)
    return sorted(found, key=lambda slip: slip.patches)


def patches_of(slips: Iterable[Slip]) -> list[Patch]:
    """Give all the patches of some slips, in order."""
    return [patch for slip in slips for patch in slip.patches]


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


def _tabs(text: str) -> Iterator[Slip]:
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
    help_ = _NO_TABS if width else _NO_TAB
    return Slip(key, (patch,), at, at + 1, message, help_, _UNTAB)


def _is_pair(found: re.Match[str], is_key: IsKey) -> bool:
    is_argument = found["sign"].strip() == "="
    return is_key(found["key"]) and (is_argument or not found["comma"])


def _pair(found: re.Match[str]) -> Slip:
    key, sign, value = found["key"], found["sign"].strip(), found["value"]
    patches = [Patch(*found.span("sign"), ": ")]
    if found["comma"]:
        patches.append(Patch(*found.span("comma"), ""))
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
    start = found.start("key")
    end = found.end("comma") if found["comma"] else found.end("value")
    is_sure = bool(sign in {":", "="} or _NO_WORD.fullmatch(value))
    title = f"write {pair}"
    slip = Slip(start, tuple(patches), start, end, message, pair, title, is_sure)
    return slip._replace(is_odd=sign == ":" and value[0] in "-+./~")


def _assigned(text: str, is_key: IsKey) -> Iterator[Slip]:
    """Find the name that a program gives to the whole mapping."""
    found = _ASSIGNED.match(text)
    if found and not is_key(found["name"]):
        start, end = found.span("all")
        patches = (Patch(start, end, ""),)
        message = f"{quoted(found['all'])} stands before the spec"
        at, title = found.start("key"), "remove it"
        yield Slip(at, patches, start, end, message, title, title, is_sure=False)


def _odd_lines(text: str) -> Iterator[Slip]:
    """Find lines that are there for another program."""
    keys = [key.start(1) for key in _KEY.finditer(text)]
    for pattern, words in (
        (_HEADER, "{} is a list, and heads no keys"),
        (_CONFLICT, "{} marks a conflict that is not resolved"),
        (_FENCE, "the fence of a block of code is no YAML"),
    ):
        for found in pattern.finditer(text) if keys else ():
            start, end = found.span()
            near = min(bisect(keys, start), len(keys) - 1)
            patches = (Patch(start, end, ""),)
            message = words.format(quoted(found[0]))
            title = "remove the line"
            yield Slip(
                keys[near], patches, start, end, message, title, title, is_sure=False
            )
