"""Fixes applied until none is left: what `validate --fix` writes."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from deit_spec.diagnostics import Diagnostic, Fix
from deit_spec.diagnostics.edits import apply
from deit_spec.source import contents, read_bytes, read_text
from deit_spec.source.limits import FINDINGS
from deit_spec.spec.check import Checked
from deit_spec.spec.origin import Origin, locate
from deit_spec.spec.reading import check_read, check_spec, told
from deit_spec.spec.vocabulary import SPEC

_COUNTED: Final = 8
"""Rounds that are counted: mistakes of a person are seldom more behind one another."""
_A_BYTE: Final = 2
"""Fixes that no text has more of, a byte.

A fix takes a slip, an unknown key, a second key or a wrong value out of a text, and
brings none of these in. So a key has four at most, and three bytes at least.
"""


@dataclass(frozen=True)
class Mended:
    """A text before and after its fixes, which these are, and what is found then."""

    before: bytes
    after: bytes
    fixes: tuple[Fix, ...]
    checked: Checked


class Count(NamedTuple):
    """How many fixes there are; `is_all` is false where there may be more."""

    fixes: int
    is_all: bool


class _Round(NamedTuple):
    """A text with some fixes applied, and what is found in it then."""

    text: str
    fixes: list[Fix]
    checked: Checked


def mend(reference: str) -> Mended:
    """Apply every fix to the file of a spec. Nothing is written.

    A published spec, and a file that cannot be read, stay as they are.
    """
    origin = locate(reference, Path())
    if origin.path is None:
        return Mended(b"", b"", (), check_spec(reference))
    try:
        data = contents(origin.path)
    except (OSError, ValueError):
        return Mended(b"", b"", (), check_spec(reference))
    return mend_text(data, origin.shown, origin)


def mend_text(data: bytes, name: str, origin: Origin | None = None) -> Mended:
    """Apply every fix to a text, and to what is found after that.

    All outside the edits stays as it is, byte for byte. A spec that this one
    extends is not changed; `origin` is where relative names begin.
    """
    checked = check_read(*read_bytes(data, name, SPEC.is_key), _stem(origin), origin)
    last, fixes = None, list[Fix]()
    for last in _rounds(checked, origin):
        fixes += last.fixes
    if last is None:
        return Mended(data, data, (), told(checked))
    after = _marks(data) + last.text.encode()
    return Mended(data, after, tuple(fixes), told(last.checked))


def count(checked: Checked, origin: Origin | None = None) -> Count:
    """Count the fixes of what was checked, and those behind them.

    Where that would take long, they are those of the findings that are told.
    """
    if len(checked.diagnostics) > FINDINGS:
        return Count(len(_own_fixes(checked)), is_all=False)
    rounds = islice(_rounds(checked, origin), _COUNTED + 1)
    fixes = [len(each.fixes) for each in rounds]
    return Count(sum(fixes), is_all=len(fixes) <= _COUNTED)


def is_own(fix: Fix, checked: Checked) -> bool:
    """Whether a fix is of the text that was checked, not of what that extends."""
    # Where no document was made of the text, it extends nothing.
    return checked.document is None or fix.source is checked.document.source


def _rounds(checked: Checked, origin: Origin | None) -> Iterator[_Round]:
    """Apply what can be applied at once, check again, and so on to the end."""
    left = None
    while own := _own_fixes(checked):
        source = own[0].source
        left = _A_BYTE * len(source.text) if left is None else left
        text, fixes = apply(own, source)
        read = read_text(text, source.name, SPEC.is_key)
        rechecked = check_read(*read, _stem(origin), origin)
        left -= len(fixes)
        if _reads_worse(rechecked, checked) or left < 0:
            return
        checked = rechecked
        yield _Round(text, fixes, checked)


def _own_fixes(checked: Checked) -> list[Fix]:
    """The fixes of the text itself, not of what it extends, that go together.

    Those of how the text reads go first: of equal lines that are each wrong, one is
    left to be put right.
    """
    fixes = [
        (_is_misread(found), found.fix)
        for found in checked.diagnostics
        if found.fix and is_own(found.fix, checked)
    ]
    reading = [fix for is_misread, fix in fixes if is_misread]
    return reading or [fix for _, fix in fixes]


def _reads_worse(after: Checked, before: Checked) -> bool:
    """Whether less of a text can be read than before."""
    is_lost = before.document is not None and after.document is None
    # What comes after very many mistakes was not looked at before.
    was_read_whole = _misread(before) <= FINDINGS
    return is_lost or (was_read_whole and _misread(after) > _misread(before))


def _misread(checked: Checked) -> int:
    return sum(map(_is_misread, checked.diagnostics))


def _is_misread(found: Diagnostic) -> bool:
    """Whether it tells of what is no YAML, or not what it seems to be."""
    return found.code.startswith("DS0")


def _marks(data: bytes) -> bytes:
    """The marks of byte order, after which a source begins."""
    text = data.decode()
    return text[: len(text) - len(text.lstrip("\ufeff"))].encode()


def _stem(origin: Origin | None) -> str:
    return "deit" if origin is None else origin.stem
