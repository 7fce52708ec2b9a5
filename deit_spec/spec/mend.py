"""Fixes applied until none is left: what `validate --fix` writes."""

from dataclasses import dataclass
from pathlib import Path

from deit_spec.diagnostics import Fix
from deit_spec.diagnostics.edits import apply
from deit_spec.source import contents, read_bytes
from deit_spec.source.limits import FINDINGS
from deit_spec.spec.check import Checked
from deit_spec.spec.origin import Origin, locate
from deit_spec.spec.reading import check_read, check_spec, told
from deit_spec.spec.vocabulary import SPEC

_ROUNDS = 100
"""More than any file of the size allowed has mistakes that hide others."""


@dataclass(frozen=True)
class Mended:
    """A text before and after its fixes, which these are, and what is found then."""

    before: bytes
    after: bytes
    fixes: tuple[Fix, ...]
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
    before, applied = data, list[Fix]()
    checked = _check(data, name, origin)
    for _ in range(_ROUNDS):
        fixes = [each.fix for each in checked.diagnostics if each.fix]
        own = [fix for fix in fixes if fix.edits[0].span.source.name == name]
        if not own:
            break
        source = own[0].edits[0].span.source
        text, taken = apply(own, source)
        # A source begins after the marks of byte order.
        marks = len(data) - len(source.text.encode())
        changed = data[:marks] + text.encode()
        rechecked = _check(changed, name, origin)
        # A text that can be read less was not mended; of very many mistakes, those
        # that come next are found now.
        if FINDINGS >= _misread(checked) < _misread(rechecked):
            break
        data, checked = changed, rechecked
        applied += taken
    return Mended(before, data, tuple(applied), told(checked))


def _misread(checked: Checked) -> int:
    """How much there is that is no YAML, or not what it seems to be."""
    return sum(found.code.startswith("DS0") for found in checked.diagnostics)


def _check(data: bytes, name: str, origin: Origin | None) -> Checked:
    stem = "deit" if origin is None else origin.stem
    return check_read(*read_bytes(data, name, SPEC.is_key), stem, origin)
