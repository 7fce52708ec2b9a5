"""Fixes applied until none is left: what `validate --fix` writes."""

from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from deit_spec.diagnostics import Diagnostic, Fix
from deit_spec.diagnostics.edits import apply
from deit_spec.spec.field_names import SPEC
from deit_spec.spec.origin import UNREADABLE, Origin, locate
from deit_spec.spec.spec_validation import Checked, check_read, told
from deit_spec.yaml_source import Document, contents, read_bytes, read_text
from deit_spec.yaml_source.document import FILE_BYTES, FINDINGS, IsKey

_COUNTED: Final = 8
"""Rounds that are counted: mistakes of a person are seldom more behind one another."""
_TRIED: Final = FILE_BYTES
"""Bytes that are read to try fixes by themselves, where all together do harm."""
_A_BYTE: Final = 2
"""Fixes that no text has more of, a byte.

A fix takes a slip, an unknown key, a second key or a wrong value out of a text, and
brings none of these in. So a key has four at most, and three bytes at least.
"""


class Found(Protocol):
    """A document that was checked, of whatever kind."""

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Every finding, in source order."""

    @property
    def document(self) -> Document | None:
        """What was read."""


C = TypeVar("C", bound=Found)


@dataclass(frozen=True)
class Checker(Generic[C]):
    """How a kind of document is checked once it is read; `is_key` helps to read it."""

    is_key: IsKey
    check: Callable[[Document | None, list[Diagnostic], Origin | None], C]
    told: Callable[[C], C]


@dataclass(frozen=True)
class Mended(Generic[C]):
    """A text before and after its fixes, which these are, and what is found then."""

    before: bytes
    after: bytes
    fixes: tuple[Fix, ...]
    checked: C


class Count(NamedTuple):
    """How many fixes there are; `is_all` is false where there may be more."""

    fixes: int
    is_all: bool


@dataclass(frozen=True)
class _Round(Generic[C]):
    """A text with some fixes applied, and what is found in it then."""

    text: str
    fixes: list[Fix]
    checked: C


def mend(reference: str) -> Mended[Checked]:
    """Apply every fix to the file of a spec. Nothing is written.

    A published spec, and a file that cannot be read, stay as they are.
    """
    return mend_as(SPECS, reference)


def mend_text(data: bytes, name: str, origin: Origin | None = None) -> Mended[Checked]:
    """Apply every fix to the text of a spec."""
    return mend_text_as(SPECS, data, name, origin)


def count(checked: Checked, origin: Origin | None = None) -> Count:
    """Count the fixes of a spec that was checked, and those behind them."""
    return count_as(SPECS, checked, origin)


def mend_as(checker: Checker[C], reference: str) -> Mended[C]:
    """Apply every fix to a file of some kind. Nothing is written."""
    origin = locate(reference, Path())
    try:
        data = contents(origin.path) if origin.path else None
    except (OSError, ValueError):
        data = None
    if data is None:
        checked = checker.check(*origin.read(checker.is_key), origin)
        return Mended(b"", b"", (), checker.told(checked))
    return mend_text_as(checker, data, origin.shown, origin)


def mend_text_as(
    checker: Checker[C], data: bytes, name: str, origin: Origin | None = None
) -> Mended[C]:
    """Apply every fix to a text, and to what is found after that.

    All outside the edits stays as it is, byte for byte. A spec that this one
    extends is not changed; `origin` is where relative names begin.
    """
    checked = checker.check(*read_bytes(data, name, checker.is_key), origin)
    last, fixes = None, list[Fix]()
    room = FILE_BYTES - len(_marks(data))
    for last in _rounds(checker, checked, origin, room):
        fixes += last.fixes
    if last is None:
        return Mended(data, data, (), checker.told(checked))
    after = _marks(data) + last.text.encode()
    return Mended(data, after, tuple(fixes), checker.told(last.checked))


def count_as(checker: Checker[C], checked: C, origin: Origin | None = None) -> Count:
    """Count the fixes of what was checked, and those behind them.

    Where that would take long, they are those of the findings that are told.
    """
    if len(checked.diagnostics) > FINDINGS:
        own = _own_fixes(checked)
        return Count(len(apply(own, own[0].source)[1]) if own else 0, is_all=False)
    rounds = islice(_rounds(checker, checked, origin), _COUNTED + 1)
    fixes = [len(each.fixes) for each in rounds]
    return Count(sum(fixes), is_all=len(fixes) <= _COUNTED)


def is_own(fix: Fix, checked: Found) -> bool:
    """Whether a fix is of the text that was checked, not of what that extends."""
    # Where no document was made of the text, it extends nothing.
    return checked.document is None or fix.source is checked.document.source


def _rounds(
    checker: Checker[C], checked: C, origin: Origin | None, room: int = FILE_BYTES
) -> Iterator[_Round[C]]:
    """Apply what can be applied at once, check again, and so on to the end.

    The text never grows past `room`, the bytes that it may have to be read.
    """
    left, tries = None, 0
    while own := _own_fixes(checked):
        if left is None:
            size = len(own[0].source.text)
            left, tries = _A_BYTE * size, _TRIED // size
        step = partial(_step, checker, checked, origin, room)
        found = step(own)
        if found is None:
            alone, tries = own[:tries], max(tries - len(own), 0)
            found = step([fix for fix in alone if step([fix])])
        if found is None:
            return
        left -= len(found.fixes)
        if left < 0:
            return
        checked = found.checked
        yield found


def _step(
    checker: Checker[C],
    checked: C,
    origin: Origin | None,
    room: int,
    fixes: list[Fix],
) -> _Round[C] | None:
    """Apply fixes and check again.

    None where there is no room for one, or less of the text can be read then.
    """
    if not fixes:
        return None
    source = fixes[0].source
    text, applied = apply(fixes, source, room)
    if not applied:
        return None
    read = read_text(text, source.name, checker.is_key)
    rechecked = checker.check(*read, origin)
    is_worse = _reads_worse(rechecked, checked)
    return None if is_worse else _Round(text, list(applied), rechecked)


def _own_fixes(checked: Found) -> list[Fix]:
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


def _reads_worse(after: Found, before: Found) -> bool:
    """Whether less of a text can be read than before."""
    is_lost = before.document is not None and after.document is None
    # What comes after very many mistakes was not looked at before.
    was_read_whole = _misread(before) <= FINDINGS
    return is_lost or (
        was_read_whole
        and (_misread(after, before) > _misread(before) or _breaks_off(after, before))
    )


def _breaks_off(after: Found, before: Found) -> bool:
    """Whether a text that was read to its end is so no more."""
    was, is_now = before.document, after.document
    if was is None or is_now is None:
        return False
    return was.is_whole and not is_now.is_whole


def _misread(checked: Found, before: Found | None = None) -> int:
    """How many mistakes there are in how the text itself reads.

    Those alone that are no further down than before, where the text broke off there.
    """
    lines = _misread_lines(checked)
    if before is None or before.document is None or before.document.is_whole:
        return len(lines)
    last = max(_misread_lines(before), default=0)
    return sum(line <= last for line in lines)


def _misread_lines(checked: Found) -> list[int]:
    own = checked.document and checked.document.source
    return [
        found.primary.span.line
        for found in checked.diagnostics
        if _is_misread(found) and (own is None or found.primary.span.source is own)
    ]


def _is_misread(found: Diagnostic) -> bool:
    """Whether it tells of what is no YAML, or not what it seems to be."""
    return found.code.startswith("DS0") and found.code != UNREADABLE


def _marks(data: bytes) -> bytes:
    """The marks of byte order, after which a source begins."""
    size = 0
    while data.startswith(BOM_UTF8, size):
        size += len(BOM_UTF8)
    return data[:size]


def _check_spec(
    document: Document | None, findings: list[Diagnostic], origin: Origin | None
) -> Checked:
    stem = "deit" if origin is None else origin.stem
    return check_read(document, findings, stem, origin)


SPECS: Final = Checker(SPEC.is_key, _check_spec, told)
"""How a spec is checked."""
