"""What has not been told yet, of files that several others extend."""

from collections.abc import Iterable

from deit_spec.diagnostics import Diagnostic


class News:
    """Tells a finding once, however many specs extend the one that it is in."""

    def __init__(self) -> None:
        self._told: set[tuple[object, ...]] = set()

    def of(self, found: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Leave out what was told before."""
        new = {_what(each): each for each in found}
        mine = [each for what, each in new.items() if what not in self._told]
        self._told |= new.keys()
        return mine


def _what(found: Diagnostic) -> tuple[object, ...]:
    span = found.primary.span
    place = (span.line, span.column, span.end_line, span.end_column)
    return found.code, found.message, span.source.name, *place
