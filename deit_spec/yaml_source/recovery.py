"""Recovery after a syntax error.

The lines are read once, with a stack of the indentations of the open blocks. A line
that is not `key: value` is reported at its place. If a common mistake makes the intent
certain, the line is repaired; otherwise it is left out.
"""

import re
import sys
from bisect import bisect_right
from typing import Final

from deit_spec.diagnostics import Diagnostic, Edit, Fix
from deit_spec.yaml_source.document import FINDINGS, IsKey, Patch, Positions, Range
from deit_spec.yaml_source.scalars import SCALAR
from deit_spec.yaml_source.syntax_errors import ONE_A_LINE
from deit_spec.yaml_source.yaml_findings import quoted, syntax_error

# A key with its colon: in quotes, or anything up to a comment.
_KEY: Final = re.compile(
    r"""(?:"(?:[^"\\\r\n]|\\.)*+"[ \t]*|'(?:[^'\r\n]|'')*+'[ \t]*"""
    r"""|(?![,\[\]{}#|>%@`"']|\*\W|[-?](?:\s|\Z)|//|/\*|\w+:[{\[])"""
    r"""(?:(?![ \t]\#)[^\r\n])+?):(?=\s|\Z)""",
    re.ASCII,
)
# A name, then what is there in place of `: `.
_SEPARATOR: Final = re.compile(
    r"""(?P<quote>["']?)(?P<key>[A-Za-z_](?:[\w-]*\w)?)(?P=quote)"""
    r"(?P<sign>[ \t]*(?::=|[=-]>|={1,2}|:|-(?=[ \t]))\s*|[ \t]+)(?P<value>\S.*)"
)
_ONE_VALUE: Final = re.compile(rf"{SCALAR}|[\[{{].*")
_NOT_A_WORD: Final = re.compile(r"true|false|null|\S*\d\S*")
_DASH: Final = re.compile(r"-(?:[ \t]+|\Z)")
# A line between documents, or a directive.
_MARKER: Final = re.compile(r"(?:---|\.\.\.)(?:\s|\Z)|%")
_COMMENT: Final = re.compile(r"(?:^|[ \t])#.*")
_CLOSING: Final = {"{": "}", "[": "]"}
_CLOSERS: Final = re.compile(r"[}\]]+[,;]?[ \t]*")
_STRING: Final = re.compile(r""""(?:[^"\\]|\\.)*+"|'(?:[^']|'')*+'""", re.DOTALL)
_LINE_WITH_KEY: Final = re.compile(
    r"""[\r\n](?P<indent>[ \t]*)["']?[A-Za-z_][\w-]*["']?[ \t]*:(?=\s|\Z)""",
    re.ASCII,
)
_TOKEN: Final = re.compile(
    r"""(?P<comment>(?<!\S)\#[^\r\n]*)"""
    r"""|(?P<string>(?<=[\s,:{\[])["'])|(?P<open>[{\[])|(?P<close>[}\]])"""
    rf"|(?P<key>{_LINE_WITH_KEY.pattern})",
    re.ASCII,
)


class Lines:
    """The lines of a text: `findings` has what is wrong, `patches` repair it."""

    def __init__(self, positions: Positions, is_key: IsKey) -> None:
        source = positions.source
        self.findings: list[Diagnostic] = []
        self.patches: list[Patch] = []
        self._text, self._starts = source.text, source.starts
        self._contents, self._ends = list[int](), list[int]()
        # How deep each line should be; a tab is a step of the other lines.
        self._widths = list[int]()
        indented = re.search(r"^( +)[^\s#]", source.text, re.MULTILINE)
        step = len(indented[1]) if indented else 2
        for start, line in zip(source.starts, source.lines, strict=True):
            indent = line[: len(line) - len(line.lstrip(" \t"))]
            self._contents.append(start + len(indent))
            self._ends.append(start + len(line))
            self._widths.append(len(indent) + indent.count("\t") * (step - 1))
        self._is_key, self._positions = is_key, positions
        # The indentations of the open blocks; the document is at -1.
        self._levels = [-1]
        # Whether the last key or dash has no value yet; whether the last value has no
        # quotes, and may go on in the next line; whether any key has no value.
        self._is_open, self._is_plain, self._has_empty = True, False, False
        self._tabs = list[int]()
        self.unclosed: list[Range] = []

    def read(self) -> None:
        """Read all lines of the first document."""
        n = 0
        while n < len(self._ends):
            n = self._line(n)
        if self._tabs:
            start, end = self._starts[self._tabs[0]], self._contents[self._tabs[0]]
            message, help_ = "indented with a tab", "use spaces instead of tabs"
            self._report(message, (start, end), help_, *map(self._indent, self._tabs))

    def _line(self, n: int) -> int:
        """Check what starts in a line, and return the number of the line after it."""
        start, end, at = self._starts[n], self._ends[n], self._contents[n]
        is_first = self._levels == [-1]
        if is_first and not self._is_open:
            return len(self._ends)  # Nothing may follow a document in braces.
        if _MARKER.match(self._text, start, end):
            return n + 1 if is_first else len(self._ends)
        has_content = self._has_content(n)
        if has_content:
            is_deeper = self._widths[n] > self._levels[-1]
            if self._is_plain and is_deeper and not _KEY.match(self._text, at, end):
                return n + 1
            self._place(n)
        if "\t" in self._text[start:at]:
            self._tabs.append(n)
        if has_content:
            return self._entry(n)
        self._widths[n] = 0
        return n + 1

    # Indentation

    def _place(self, n: int) -> None:
        """Find the block of a line, and report a line that belongs to none."""
        at, end, width = self._contents[n], self._ends[n], self._widths[n]
        if self._is_open and width > self._levels[-1]:
            if self._is_entry(at, end):
                self._levels.append(width)
            return
        inner, is_item = self._levels[-1], _DASH.match(self._text, at, end)
        self._has_empty |= self._is_open and not is_item
        while self._levels[1:] and self._levels[-1] > width:
            inner = self._levels.pop()
        key = _KEY.match(self._text, at, end)
        if width == self._levels[-1] or not key:
            return
        if self._levels == [-1]:
            self._levels.append(width)
            self._move(range(n), inner, width)
            return
        if inner > width:
            self._levels.append(inner)
        lines = range(n, self._next(n + 1, width - 1))
        contents = filter(self._has_content, lines)
        others = (other for other in contents if width < self._widths[other] <= inner)
        stop, below = next(others, lines.stop), self._next(n + 1)
        is_open = key.end() == self._end_of_content(at, end) and below < stop
        if is_open and self._widths[below] == width > inner:
            stop = n + 1  # These lines are below the key once it is moved.
        self._move(range(n, stop), width, inner)

    def _move(self, lines: range, width: int, expected: int) -> None:
        """Report lines that are indented too far or not far enough."""
        block = [n for n in lines if self._has_content(n)]
        for n in block:
            self._widths[n] = max(self._widths[n] + expected - width, 0)
        patches = [self._indent(n) for n in block]
        first, last = block[0], block[-1]
        start, end = self._contents[first], self._ends[first]
        if "\t" in self._text[self._starts[first] : start]:
            self.patches += patches
            return  # All tabs are one finding.
        subject, object_ = "the line is", "it"
        if first < last:
            subject, object_ = f"lines {first + 1} to {last + 1} are", "them"
        message = f"{subject} indented by {_spaces(width)}, expected {expected}"
        help_ = f"remove {_spaces(width - expected)} before {object_}"
        if width < expected:
            help_ = f"indent {object_} by {_spaces(expected - width, ' more')}"
        place = (start, self._end_of_content(start, end))
        is_sure = not self._has_empty
        self._report(message, place, help_, *patches, is_sure=is_sure)

    # Entries: dashes, then a key with its value

    def _entry(self, n: int) -> int:
        """Check what starts in a line, and return the number of the line after it."""
        at, end, width = self._contents[n], self._ends[n], self._widths[n]
        while dash := _DASH.match(self._text, at, end):
            at, width = dash.end(), width + len(dash.group())
            self._is_open, self._is_plain = True, False
            if self._is_entry(at, end):
                self._levels.append(width)
        if at == end or self._text[at] == "#":
            return n + 1
        if key := _KEY.match(self._text, at, end):
            return self._value(n, key.end())
        if found := self._separator_at(at, end):
            return self._separator(n, found)
        if self._is_value(n, at, width):
            return self._value(n, at)
        return self._not_a_pair(n, at)

    def _is_entry(self, at: int, end: int) -> bool:
        has_key = _DASH.match(self._text, at, end) or _KEY.match(self._text, at, end)
        return has_key is not None or self._separator_at(at, end) is not None

    def _separator_at(self, at: int, end: int) -> re.Match[str] | None:
        found = _SEPARATOR.match(self._text, at, self._end_of_content(at, end))
        if found is None or not self._is_key(found["key"]):
            return None
        # `See the` may be prose: without a sign, a key has one value.
        is_pair = found["key"].islower() and _ONE_VALUE.fullmatch(found["value"])
        return found if found["sign"].strip() or is_pair else None

    def _is_value(self, n: int, at: int, width: int) -> bool:
        """Return whether a line without a key may be the value of the key above it."""
        if not self._is_open or width <= self._levels[-1]:
            return False
        if self._levels == [-1] or self._text[at] in "{[":
            return self._text[at] in "{["
        below = self._next(n + 1)
        if below == len(self._ends) or self._widths[below] != width:
            return True
        return not _KEY.match(self._text, self._contents[below], self._ends[below])

    def _value(self, n: int, at: int) -> int:
        """Check the value of a key, and return the number of the line after it."""
        end = self._ends[n]
        at = end - len(self._text[at:end].lstrip())
        first = self._text[at:end][:1]
        # After an anchor or a tag there may be anything.
        self._is_open, self._is_plain = first in {"", "#", "&", "!"}, False
        if self._is_open:
            return n + 1
        if first in "|>":
            return self._next(n + 1, self._levels[-1])
        if first in "\"'":
            return self._rest(self._string(at))
        if first in "{[":
            return self._brackets(at)
        self._is_plain = True
        return n + 1

    def _string(self, at: int, *, in_braces: bool = False) -> int:
        """Return the offset after a string in quotes; report one that is not closed."""
        text, sign, end = self._text, self._text[at], self._ends[self._line_of(at)]
        found = _STRING.match(text, at)
        after = found.end() if found else len(text)
        # A string of several lines is valid, but hardly one that contains a key.
        has_key = _LINE_WITH_KEY.search(text, end, after) or text[after:][:1].isalnum()
        if found and (after <= end or not has_key):
            return after
        stop = self._end_of_content(at, end)
        if in_braces:
            stop = at + len(text[at:stop].rstrip(" \t,}]"))
        help_ = f"close the string with `{sign}`"
        place, patch = (at, at + 1), Patch(stop, stop, sign)
        self._report("unterminated string", place, help_, patch)
        return stop

    # Brackets

    def _brackets(self, at: int) -> int:
        """Check a value in brackets, and return the number of the line after it."""
        text, position, opened = self._text, at, list[int]()
        while token := _TOKEN.search(text, position):
            start, position = token.span()
            match token.lastgroup:
                case "string":
                    position = self._string(start, in_braces=True)
                case "open":
                    opened.append(start)
                case "close":
                    if text[start] != _CLOSING[text[opened.pop()]]:
                        return self._line_of(start) + 1  # The parser stops here.
                    if not opened:
                        return self._rest(position)
                case "key" if len(token["indent"]) <= self._levels[-1]:
                    return self._unclosed(opened, start)
        return self._unclosed(opened, len(text))

    def _unclosed(self, opened: list[int], limit: int) -> int:
        """Report brackets that are not closed before an offset."""
        text, opening, n = self._text, opened[-1], self._line_of(limit)
        while self._starts[n] > opening and not self._has_content(n):
            n -= 1
        start = max(self._starts[n], opening)
        end = self._end_of_content(start, self._ends[n])
        stop = start + len(text[start:end].rstrip(" \t,"))
        closing = "".join(_CLOSING[text[one]] for one in reversed(opened))
        message = f"`{text[opening]}` is not closed"
        help_ = f"close the `{text[opening]}` with `{_CLOSING[text[opening]]}`"
        is_sure = len(opened) == 1 and "#" not in text[start:stop]
        place, patch = (opening, opening + 1), Patch(stop, end, closing)
        self._report(message, place, help_, patch, is_sure=is_sure)
        self.unclosed.append((opened[0], end))
        return self._line_of(limit) + 1

    def _rest(self, after: int) -> int:
        """Report what is left on a line, and return the number of the next line."""
        n = self._line_of(after)
        end = self._end_of_content(after, self._ends[n])
        text = self._text[after:end].strip()
        if text and not text.strip("}],;"):
            place, message = (end - len(text), end), f"unexpected {quoted(text)}"
            self._report(message, place, "remove it", Patch(*place, ""))
        return n + 1

    # Lines that are not `key: value`

    def _separator(self, n: int, found: re.Match[str]) -> int:
        """Report a known key without `: ` after it."""
        key, sign = found["key"], found["sign"].strip()
        start, stop = found.span("value")
        place = found.span()
        value = found["value"].rstrip(" \t,;")
        message = f"expected `:` after `{key}`, found `{sign}`"
        if sign in {"", ":"}:
            message = f"missing {'space' if sign else '`:`'} after `{key}{sign}`"
        # `depth:-12` may have the sign in place of the space.
        is_odd = sign == ":" and value[:1] in "-+./~"
        is_sure = bool(sign or _NOT_A_WORD.fullmatch(value)) and not is_odd
        is_sure = is_sure and bool(_ONE_VALUE.fullmatch(value))
        help_ = ONE_A_LINE
        if _ONE_VALUE.fullmatch(value):
            help_ = f"write {quoted(f'{key}: {value}')}"
        patches = [Patch(*found.span("sign"), ": ")] if is_sure else []
        if is_sure and start + len(value) < stop:
            patches.append(Patch(start + len(value), stop, ""))
        self._report(message, place, help_, *patches)
        return self._value(n, start) if is_sure else self._leave_out(n)

    def _not_a_pair(self, n: int, at: int) -> int:
        """Report a line that is not `key: value`; it may be above deeper lines."""
        if _CLOSERS.fullmatch(self._text, at, self._ends[n]):
            return self._rest(at)
        stop = self._end_of_content(at, self._ends[n])
        word, below = self._text[at:stop], self._next(n + 1)
        is_above = below < len(self._ends) and self._widths[below] > self._widths[n]
        if is_above and self._is_key(word):
            message, help_ = f"missing `:` after `{word}`", f"write `{word}:`"
            self._report(message, (at, stop), help_, Patch(stop, stop, ":"))
            return self._value(n, stop)
        message = f"{quoted(word)} is not of the form `key: value`"
        help_ = "remove the line, or write it as `key: value`"
        self._report(message, (at, stop), help_)
        return self._leave_out(n)

    def _leave_out(self, n: int) -> int:
        """Leave out a line with the deeper ones below it."""
        after = self._next(n + 1, self._widths[n])
        for line in range(n, after):
            self.patches.append(Patch(self._contents[line], self._ends[line], ""))
        return after

    # Offsets and reports

    def _line_of(self, offset: int) -> int:
        return bisect_right(self._starts, offset) - 1

    def _end_of_content(self, at: int, end: int) -> int:
        """Return the offset after a text on a line, without a comment."""
        found = _COMMENT.search(self._text, at + 1, end)
        end = found.start() if found else end
        return at + len(self._text[at:end].rstrip())

    def _has_content(self, n: int) -> bool:
        """Return whether a line is neither blank nor a comment."""
        at = self._contents[n]
        return at < self._ends[n] and self._text[at] != "#"

    def _next(self, n: int, width: int = sys.maxsize) -> int:
        """Return the first line from `n` on with content that is not deeper."""
        for other in range(n, len(self._ends)):
            if self._has_content(other) and self._widths[other] <= width:
                return other
        return len(self._ends)

    def _indent(self, n: int) -> Patch:
        return Patch(self._starts[n], self._contents[n], " " * self._widths[n])

    def _report(
        self, message: str, at: Range, help_: str, *patches: Patch, is_sure: bool = True
    ) -> None:
        """Report a mistake, and read on with patches; if sure, they are a fix."""
        self.patches += patches
        span = self._positions.span
        edits = tuple(Edit(span(one.start, one.end), one.text) for one in patches)
        fix = Fix(help_, edits) if edits and is_sure else None
        if len(self.findings) <= FINDINGS:
            self.findings.append(syntax_error(message, span(*at), help_, fix=fix))


def _spaces(count: int, more: str = "") -> str:
    return f"{count}{more} {'space' if count == 1 else 'spaces'}"
