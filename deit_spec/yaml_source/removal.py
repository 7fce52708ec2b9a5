"""How a key and its value are taken out of a text, whatever separates them there."""

import re
from typing import Final

from deit_spec.diagnostics import Edit, Source
from deit_spec.diagnostics.model import LINE_BREAK
from deit_spec.yaml_source.document import Entry
from deit_spec.yaml_source.lines import line_of
from deit_spec.yaml_source.positions import Positions

_COLON: Final = re.compile("[ \t]*:[ \t]*")
_COMMA: Final = re.compile("[ \t]*,[ \t]*")
_LAST: Final = re.compile("[ \t]*}")
# Atomic, for `\r\n` is two breaks as well, and there may be thousands.
_UP_TO_BRACE: Final = re.compile(r"(?>(?>[ \t]*(?:#[^\r\n]*)?(?:\r\n|[\r\n]))*[ \t]*)}")


def removed(entry: Entry, source: Source, *, in_braces: bool) -> Edit | None:
    """Take out a key whose value is a scalar; None where that takes more than it."""
    if in_braces:
        return _from_braces(entry, source)
    line = line_of(entry, source)
    return line.emptied() if line else None


def _from_braces(entry: Entry, source: Source) -> Edit | None:
    """Take it out with the comma after it; of the last one, with the one before."""
    key, value, text = entry.key, entry.value, source.text
    if entry.source is not source or key.line != value.end_line:
        return None
    start, end = key.start, value.end
    if not _COLON.fullmatch(text[key.end : value.start]):
        return None
    before = text[source.offset(key.line, 1) : start]
    if comma := _COMMA.match(text, end):
        return _with_comma_after(before, start, comma.end(), source)
    if _LAST.match(text, end):
        return _with_comma_before(before, start, end, source)
    line = line_of(entry, source)
    # Where a line begins with a comma, it would follow another.
    is_last = line and _UP_TO_BRACE.match(text, line.after_break)
    return line.emptied() if line and is_last else None


def _with_comma_after(before: str, start: int, end: int, source: Source) -> Edit | None:
    ahead = before.rstrip(" \t")
    if ahead:
        return _edit(source, start, end) if ahead.endswith(("{", ",")) else None
    line_break = LINE_BREAK.match(source.text, end)
    if line_break:
        return _edit(source, start - len(before), line_break.end())
    return _edit(source, start, end)


def _with_comma_before(
    before: str, start: int, end: int, source: Source
) -> Edit | None:
    if before.rstrip(" \t").endswith(","):
        return _edit(source, start - len(before) + before.rindex(","), end)
    # The comma ends a line above, and may be the last thing in braces.
    return None if before.strip(" \t") else _edit(source, start, end)


def _edit(source: Source, start: int, end: int) -> Edit:
    return Edit(Positions(source).span(start, end), "")
