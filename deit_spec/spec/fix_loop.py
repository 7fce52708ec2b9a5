"""Fixes applied until none is left: what `validate --fix` writes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from deit_spec.diagnostics import Diagnostic, Fix, apply_fixes
from deit_spec.spec.origin import UNREADABLE
from deit_spec.yaml_source import Document
from deit_spec.yaml_source.document import FILE_BYTES

ROUNDS: Final = 10
"""How often fixes are applied and the text is checked again, at most."""


class Checked(Protocol):
    """A document that was checked: a spec, a recipe or a study."""

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Every finding, in source order."""

    @property
    def document(self) -> Document | None:
        """What was read."""


C = TypeVar("C", bound=Checked)


@dataclass(frozen=True)
class Fixed(Generic[C]):
    """A text before and after its fixes, the fixes, and what is still found."""

    before: bytes
    after: bytes
    fixes: tuple[Fix, ...]
    checked: C


def fix_text(data: bytes, check: Callable[[bytes], C]) -> Fixed[C]:
    """Apply every fix to a text, check it again, and repeat, ten times at most.

    All outside the edits stays as it is, byte for byte. What the text extends is not
    changed. Nothing is written.

    Args:
        data: The text, as it is in a file.
        check: Reads and checks a text.
    """
    return _fix(data, check(data), check)


def count(checked: C, check: Callable[[bytes], C]) -> int:
    """How many fixes `fix_text` applies to a text that was checked."""
    fixes = _own_fixes(checked)
    return (
        len(_fix(fixes[0].source.text.encode(), checked, check).fixes) if fixes else 0
    )


def is_own(fix: Fix, checked: Checked) -> bool:
    """Whether a fix is of the text that was checked, not of what that extends."""
    # Where no document could be read, nothing is extended.
    return checked.document is None or fix.source is checked.document.source


def _fix(data: bytes, checked: C, check: Callable[[bytes], C]) -> Fixed[C]:
    after, fixes = data, list[Fix]()
    for _ in range(ROUNDS):
        found = _round(after, checked, check)
        if found is None:
            break
        after, applied, checked = found
        fixes += applied
    return Fixed(data, after, tuple(fixes), checked)


def _own_fixes(checked: Checked) -> list[Fix]:
    """The fixes of syntax errors, or else those of fields.

    Of equal lines that are each wrong, one is left to fix.
    """
    fixable = [f for f in checked.diagnostics if f.fix and is_own(f.fix, checked)]
    syntax = [f.fix for f in fixable if f.fix and f.code.startswith("DS0")]
    return syntax or [f.fix for f in fixable if f.fix]


def _round(
    data: bytes, checked: C, check: Callable[[bytes], C]
) -> tuple[bytes, list[Fix], C] | None:
    """Apply the fixes that do not overlap; None if none can be applied.

    Each is certain by itself. Should they be worse together, fewer are applied.
    """
    fixes = _own_fixes(checked)
    while fixes:
        source = fixes[0].source
        # A byte order mark is not part of the source.
        mark = data[: len(data) - len(source.text.encode())]
        text, applied = apply_fixes(fixes, source, FILE_BYTES - len(mark))
        if not applied:
            return None
        after = mark + text.encode()
        found = check(after)
        if not _is_worse(found, checked):
            return after, applied, found
        fixes = fixes[: len(applied) // 2]
    return None


def _is_worse(after: Checked, before: Checked) -> bool:
    """Whether less of a text can be read than before.

    More findings on fields are not worse: a renamed field is checked only now.
    """
    if after.document is None or before.document is None:
        return before.document is not None
    return _syntax_errors(after) > _syntax_errors(before)


def _syntax_errors(checked: Checked) -> int:
    own = checked.document and checked.document.source
    return sum(
        found.code.startswith("DS0")
        and found.code != UNREADABLE
        and found.primary.span.source is own
        for found in checked.diagnostics
    )
