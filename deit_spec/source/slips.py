"""Slips of the pen that keep a text from being YAML, and what was meant.

They are looked for where the parser has stopped. The text is then read as it was
meant, so that one slip does not hide what else is wrong. A slip is one only if a
key comes of it: in a text of several lines, the same characters are no slip.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

from deit_spec.diagnostics import Diagnostic, Edit, Fix, Label, diagnose
from deit_spec.source.positions import Patch, Positions

IsKey: TypeAlias = Callable[[str], bool]
"""Tells whether a word is a key that the reader of a document knows."""

_TAB: Final = re.compile(r"^ *\t[ \t]*(?=[^\s#])", re.MULTILINE)
SCALAR: Final = r"""(?:[\w.+/~-][^\s:#,;=\[\]{}'"]*|'[^'\n]*'|"[^"\\\n]*")"""
"""A value that is one word or one closed text, and no anchor, tag or collection."""
# A name, then what stands where `: ` belongs: `:`, `=` or nothing but a space; of
# words side by side only those are a pair of which one is no word.
_PAIR: Final = re.compile(
    r"^ *(?P<key>[A-Za-z_][\w-]*)"
    r"(?P<sign>:(?=[^\s:])| *= *| +(?=\S*\d|true\b|false\b|null\b))"
    rf"(?P<value>{SCALAR})(?= +#| *\r?$)",
    re.MULTILINE,
)
_NO_TABS: Final = "use spaces in place of tabs"


class Slip(NamedTuple):
    """What to read in place of something, and how to report it.

    `key` is the offset at which a key begins if it is one.
    """

    key: int
    patch: Patch
    start: int
    end: int
    message: str
    help: str
    title: str


def knows_none(word: str) -> bool:  # noqa: ARG001  -- an IsKey
    """No word is a key: nothing is taken for a slip but a tab."""
    return False


def find_slips(text: str, is_key: IsKey) -> list[Slip]:
    """Find what looks like a slip, in the order of the text."""
    pairs = (_pair(found) for found in _PAIR.finditer(text) if is_key(found["key"]))
    return sorted((*_tabs(text), *pairs), key=lambda slip: slip.patch)


def patches_of(slips: Iterable[Slip]) -> list[Patch]:
    """Give all the patches of some slips, in order."""
    return [slip.patch for slip in slips]


def report_of(slips: Sequence[Slip], positions: Positions) -> list[Diagnostic]:
    """Report slips of a text; the positions are those of the text as it stands.

    All tabs are one finding, for an editor makes all or none.
    """
    tabs = [slip for slip in slips if slip.help == _NO_TABS]
    others = [[slip] for slip in slips if slip.help != _NO_TABS]
    return [_report(each, positions) for each in (tabs, *others) if each]


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
        fix=Fix(first.title, tuple(edits)),
    )


def _tabs(text: str) -> Iterator[Slip]:
    message = "a line is indented with a tab"
    for tab in _TAB.finditer(text):
        patch = Patch(*tab.span(), " " * len(tab.group()))
        at = text.index("\t", tab.start())
        yield Slip(
            tab.end(), patch, at, at + 1, message, _NO_TABS, "put spaces for tabs"
        )


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
    start, end = found.start("key"), found.end("value")
    return Slip(start, patch, start, end, message, pair, f"write {pair}")
