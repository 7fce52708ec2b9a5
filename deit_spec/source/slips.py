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

# The indentation of a line, and what stands there if it is no comment.
_TAB: Final = re.compile(r"^(?P<indent>[ \t]*)(?P<rest>[^\r\n]*)", re.MULTILINE)
SCALAR: Final = r"""(?:[\w.+/~-][^\s:#,;=\[\]{}'"]*|'[^'\n]*'|"[^"\\\n]*")"""
"""A value that is one word or one closed text, and no anchor, tag or collection."""
# A name, then what stands where `: ` belongs: `:`, `=`, `-` or nothing but a space.
_PAIR: Final = re.compile(
    r"^[ \t]*(?P<key>[A-Za-z_](?:[\w-]*\w)?)"
    r"(?P<sign>:(?=[^\s:])| *= *| *- +| +)"
    rf"(?P<value>{SCALAR})(?= +#| *\r?$)",
    re.MULTILINE,
)
# Two words side by side may be prose.
_NO_WORD: Final = re.compile(r"true|false|null|.*\d.*")
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
    is_sure: bool = True


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
        fix=Fix(first.title, tuple(edits)) if first.is_sure else None,
    )


def _tabs(text: str) -> Iterator[Slip]:
    """Find lines that are indented with a tab, from the last to the first.

    A blank line or a comment is one if the next key is, and stands no further to
    the left than that tab: it is in no block scalar then. Nor is it in quotes if
    none of the lines before the key has any.
    """
    key, width = None, 0
    for line in reversed(list(_TAB.finditer(text))):
        indent, rest = line["indent"], line["rest"]
        is_void = rest[:1] in {"", "#"}
        if not is_void:
            key, width = line.start("rest"), len(indent)
        elif "'" in rest or '"' in rest:
            key = None
        spaces = len(indent) - len(indent.lstrip(" "))
        if "\t" in indent and key is not None and not (is_void and spaces > width):
            yield _tab(line, spaces, key)


def _tab(line: re.Match[str], spaces: int, key: int) -> Slip:
    start, end = line.span("indent")
    patch = Patch(start, end, " " * (end - start) if line["rest"] else "")
    at = start + spaces
    message, title = "a line is indented with a tab", "put spaces for tabs"
    return Slip(key, patch, at, at + 1, message, _NO_TABS, title)


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
    is_sure = bool(sign in {":", "="} or _NO_WORD.fullmatch(value))
    return Slip(start, patch, start, end, message, pair, f"write {pair}", is_sure)
