"""Recovery after a syntax error.

The lines are read once, with a stack of indentations. A line that is not `key: value`
is reported at its place. It is read as it was meant where a common mistake makes that
certain, and left out where not. The repaired text is then parsed again.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from deit_spec.diagnostics import Diagnostic, Edit, Fix
from deit_spec.yaml_source.document import (
    FINDINGS,
    IsKey,
    Patch,
    Positions,
    Range,
)
from deit_spec.yaml_source.reader import Parsed, parse
from deit_spec.yaml_source.scalars import SCALAR
from deit_spec.yaml_source.value_recovery import (
    CONFLICT,
    check_brackets,
    check_comment,
    check_root,
    check_string,
    remove_rest,
    report_conflict,
    split_keys,
)
from deit_spec.yaml_source.yaml_findings import quoted, syntax_error

_PARSES: Final = 3
"""How often a text is parsed at most, the first time included."""

_COLON: Final = re.compile(r":(?=[ \t\r\n]|\Z)")
_QUOTED_KEY: Final = re.compile(
    r"""("(?:[^"\\\r\n]|\\.)*+"|'(?:[^'\r\n]|'')*+')[ \t]*:(?=[ \t]|\Z)"""
)
_PROPERTIES: Final = re.compile(r"(?:[&!]\S*[ \t]+)*")
_NOT_A_KEY: Final = re.compile(r"[,\[\]{}#|>%@`\"']|\*\W|[-?](?:\s|\Z)|\w+:[{\[]")
# A name, then what is there in place of `: `.
_SEPARATOR: Final = re.compile(
    r"""(?P<quote>["']?)(?P<key>[A-Za-z_](?:[\w-]*\w)?)(?P=quote)"""
    r"(?P<sign>[ \t]*(?::=|[=-]>|={1,2}|:|-(?=[ \t]))\s*|[ \t]+)(?P<value>\S.*)"
)
_ONE_VALUE: Final = re.compile(rf"{SCALAR}|[\[{{].*")
_NOT_A_WORD: Final = re.compile(r"true|false|null|\S*\d\S*")
_WORD: Final = re.compile(r"([A-Za-z_][\w-]*)[ \t]*(?:#.*)?")
_DASH: Final = re.compile(r"-(?:[ \t]+|\Z)")
_MARKER: Final = re.compile(r"(?:---|\.\.\.)(?:\s|\Z)")
_COMMENT: Final = re.compile(r"(?:^|[ \t])#.*")
_CLOSERS: Final = re.compile(r"[}\]]+[,;]?[ \t]*")


def recover(first: Parsed, positions: Positions, is_key: IsKey) -> Parsed:
    """Report what keeps a text from being YAML, and read the rest of it."""
    lines = Lines(positions, is_key)
    lines.read()
    if first.error is None and not lines.has_fix:
        return first
    found, parsed, tries = lines.findings, first, _PARSES - 1
    if lines.patches:
        positions = Positions(positions.source, lines.patches)
        parsed, tries = parse(positions), tries - 1
    if parsed.error is not None:
        from deit_spec.yaml_source.syntax_errors import read_past  # noqa: PLC0415  -- rarely needed

        parsed, more = read_past(parsed, positions, is_key, tries)
        found = [*found, *more]
    if parsed.document is not None:
        parsed.document.remove_empty(is_key)
    return parsed._replace(findings=[*found, *parsed.findings])


class _State(Enum):
    """What a block has last."""

    NOTHING = auto()
    KEY = auto()
    """A key or a dash, and no value yet."""
    VALUE = auto()
    PLAIN = auto()
    """A value without quotes, which may go on in the next line."""
    SCALAR = auto()
    """The block is not a mapping or a list, but the lines of a scalar."""


@dataclass(slots=True)
class _Block:
    """A mapping or a list, with its indentation."""

    indent: int
    is_list: bool = False
    state: _State = _State.NOTHING
    has_empty: bool = False
    """Whether a key before the last has no value: that may be indented wrongly."""


class Lines:
    """The lines of a text: `findings` has what is wrong, `patches` repair it."""

    def __init__(self, positions: Positions, is_key: IsKey) -> None:
        source = positions.source
        self.text, self.starts = source.text, source.starts
        self.ends = [
            start + len(line)
            for start, line in zip(source.starts, source.lines, strict=True)
        ]
        self.findings: list[Diagnostic] = []
        self.has_fix = False
        self.is_key, self._positions = is_key, positions
        self._blocks: list[_Block] = []
        self._patches: list[Patch] = []
        self._indents: dict[int, int] = {}
        """The indentation that lines should have, where they have another."""
        self._tabs: list[int] = []
        step = re.search(r"^( +)[^\s#]", source.text, re.MULTILINE)
        self._step = len(step[1]) if step else 2

    @property
    def patches(self) -> list[Patch]:
        """The repairs, in order."""
        return sorted([*self._patches, *map(self._indent_patch, self._indents)])

    def read(self) -> None:
        """Read all lines of the first document."""
        n = 0
        while n < len(self.ends):
            n = self._line(n)
        if self._tabs:
            n, edits = self._tabs[0], [self._indent_patch(n) for n in self._tabs]
            message, help_ = "indented with a tab", "use spaces in place of tabs"
            self.report(message, self.starts[n], self.content(n), help_, edits)

    def _line(self, n: int) -> int:
        """Check what starts in a line, and return the number of the line after it."""
        start, end, at = self.starts[n], self.ends[n], self.content(n)
        if CONFLICT.match(self.text, start, end):
            return report_conflict(self, n)
        is_empty = at == end or self.text[at] == "#"
        if not is_empty and not self.is_content(n):
            is_second = self._blocks and _MARKER.match(self.text, start, end)
            return len(self.ends) if is_second else n + 1
        is_entry = not is_empty and self._place(n)
        if self._has_tab(n) and (is_entry or is_empty):
            self._tabs.append(n)
            self._indents[n] = self._blocks[-1].indent if is_entry else 0
        return self._entry(n, at) if is_entry else n + 1

    def _entry(self, n: int, at: int) -> int:
        """Check what starts at an offset: dashes, then a key or a value."""
        end, shift = self.ends[n], self.width(n) - self.content(n)
        while dash := _DASH.match(self.text, at, end):
            block = self._blocks[-1]
            if block.state is _State.KEY and not block.is_list:
                # The list of a key may have the indentation of the key.
                block.state = _State.VALUE
                block = _Block(at + shift)
                self._blocks.append(block)
            block.is_list = block.is_list or block.state is _State.NOTHING
            block.state, at = _State.KEY, dash.end()
            if at == end or self.text[at] == "#":
                return n + 1
            self._blocks.append(_Block(at + shift))
        if (after := self._after_key(at, end)) is not None:
            return self._value(n, after)
        found = _SEPARATOR.match(self.text, at, end)
        if found and self.is_key(found["key"]):
            return self._separator(n, found)
        return self._no_key(n, at)

    def _after_key(self, at: int, end: int) -> int | None:
        """Return the offset after a key and its colon, None where there is no key."""
        at = self._skip(_PROPERTIES, at, end)
        if found := _QUOTED_KEY.match(self.text, at, end):
            return found.end()
        colon = _COLON.search(self.text, at, self.end_of_content(at, end))
        if colon is None or _NOT_A_KEY.match(self.text, at, end):
            return None
        return colon.end()

    def _value(self, n: int, at: int) -> int:
        """Check the value of a key in the innermost block."""
        block, end = self._blocks[-1], self.ends[n]
        at = self._skip(_PROPERTIES, self.skip_blanks(at, end), end)
        block.state = _State.VALUE
        first = self.text[at:end][:1]
        is_comment = self.text.startswith(("//", "/*"), at)
        if not first or first == "#" or is_comment:
            block.state = _State.KEY
            return self.line_of(check_comment(self, at) if is_comment else at) + 1
        if first in "|>":
            return self._block_scalar(n, block)
        if first in "\"'":
            return self.line_of(check_string(self, at)) + 1
        if first in "{[":
            return check_brackets(self, at, block.indent)
        block.state = _State.PLAIN
        stop = self.end_of_content(at, end)
        if _COLON.search(self.text, at, stop):
            split_keys(self, at, stop, self.width(n))
        return n + 1

    def _block_scalar(self, n: int, block: _Block) -> int:
        for other in range(n + 1, len(self.ends)):
            line = self.text[self.starts[other] : self.ends[other]]
            if line.strip() and len(line) - len(line.lstrip(" \t")) <= block.indent:
                return other
        return len(self.ends)

    # Indentation

    def _place(self, n: int) -> bool:
        """Find the block of a line; return whether an entry of it starts there."""
        width, top = self.width(n), self._blocks[-1] if self._blocks else None
        if top is None:
            self._blocks.append(_Block(width))
            return True
        has_key = self._has_key(n)
        goes_on = (top.state is _State.PLAIN and width > top.indent) or (
            top.state is _State.SCALAR and width >= top.indent
        )
        if goes_on and not has_key:
            return False
        if width > top.indent and top.state is _State.KEY:
            self._blocks.append(_Block(width))
            return True
        while len(self._blocks) > 1 and self._blocks[-1].indent > width:
            top = self._blocks.pop()
        if self._blocks[0].indent > width and has_key:
            self._first_lines(n, width)
        elif self._blocks[-1].indent < width and has_key:
            if top is not self._blocks[-1]:
                self._blocks.append(top)
            self._misplaced(n, width, top.indent)
        is_item = _DASH.match(self.text, self.content(n), self.ends[n])
        if self._blocks[-1].is_list and not is_item and len(self._blocks) > 1:
            self._blocks.pop()
        is_empty = self._blocks[-1].state is _State.KEY and not is_item
        self._blocks[-1].has_empty |= is_empty
        return True

    def _misplaced(self, n: int, width: int, expected: int) -> None:
        """Report lines that are indented too far or not far enough."""
        block, is_known = [n], n in self._indents
        for other in filter(self.is_content, range(n + 1, len(self.ends))):
            found = self.width(other)
            if found < width or width < found == expected:
                break
            # What is deeper than expected may stay.
            if found == width or found < expected or expected < width:
                block.append(other)
        edits = self._moved(block, expected - width)
        message = f"indented by {_spaces(width)}, expected {expected}"
        help_ = f"indent {{}} by {_spaces(expected)}"
        if expected == 0:
            help_ = "remove the spaces before {}"
        if not is_known:
            is_sure = not self._blocks[-1].has_empty
            end = self.end_of_content(self.content(n), self.ends[n])
            place = (self.content(n), end)
            self._report_block(block, message, place, help_, edits if is_sure else [])

    def _first_lines(self, n: int, width: int) -> None:
        """Report that all lines before one are indented further than it."""
        block = [*filter(self.is_content, range(n))]
        moved, self._blocks[0].indent = self._blocks[0].indent - width, width
        edits = self._moved(block, -moved)
        message = f"indented further than line {n + 1}"
        help_ = f"remove {_spaces(moved)} before {{}}"
        place = (self.starts[block[0]], self.content(block[0]))
        self._report_block(block, message, place, help_, edits)

    def _moved(self, block: list[int], by: int) -> list[Patch]:
        for n in block:
            self._indents[n] = max(self.width(n) + by, 0)
        return [self._indent_patch(n) for n in block]

    def _report_block(
        self, block: list[int], verb: str, at: Range, help_: str, edits: list[Patch]
    ) -> None:
        if all(map(self._has_tab, block)):
            return  # All tabs are one finding.
        subject, object_ = "the line is", "it"
        if len(block) > 1:
            subject, object_ = f"lines {block[0] + 1} to {block[-1] + 1} are", "them"
        self.report(f"{subject} {verb}", *at, help_.format(object_), edits)

    def width(self, n: int) -> int:
        """Return the indentation of a line, a tab as a step of the others."""
        if n in self._indents:
            return self._indents[n]
        indent = self.text[self.starts[n] : self.content(n)]
        return len(indent) + indent.count("\t") * (self._step - 1)

    def _has_tab(self, n: int) -> bool:
        return "\t" in self.text[self.starts[n] : self.content(n)]

    def _indent_patch(self, n: int) -> Patch:
        return Patch(self.starts[n], self.content(n), " " * self._indents[n])

    # Lines that are not `key: value`

    def _separator(self, n: int, found: re.Match[str]) -> int:
        """Report a known key without `: ` after it."""
        key, sign = found["key"], found["sign"].strip()
        start, stop = found.start("value"), self.end_of_content(*found.span("value"))
        value = self.text[start:stop]
        edits = [Patch(*found.span("sign"), ": ")]
        if sign == "=" and value.endswith(","):
            value = value[:-1].rstrip()
            edits.append(Patch(start + len(value), stop, ""))
        message = f"expected `:` after `{key}`, found `{sign}`"
        if sign in {"", ":"}:
            message = f"missing {'space' if sign else '`:`'} after `{key}{sign}`"
        # `depth:-12` may have the sign in place of the space.
        is_odd = sign == ":" and value[:1] in "-+./~"
        is_sure = bool(sign or _NOT_A_WORD.fullmatch(value)) and not is_odd
        if not (is_sure and _ONE_VALUE.fullmatch(value)):
            edits = []
        help_ = f"write {quoted(f'{key}: {value}')}"
        self.repair(message, found.start(), stop, help_, *edits)
        return self._value(n, start) if edits else self._leave_out(n)

    def _no_key(self, n: int, at: int) -> int:
        """Check a line without a key: a value below its key, or a mistake."""
        block, end = self._blocks[-1], self.ends[n]
        is_first, is_root = block.state is _State.NOTHING, len(self._blocks) == 1
        if self.text.startswith(("//", "/*"), at):
            return self.line_of(check_comment(self, at)) + 1
        if _CLOSERS.fullmatch(self.text, at, end):
            return remove_rest(self, at, end)
        if is_first and is_root and self.text[at] in "{[":
            return check_root(self, at)
        below = self.next_content(n + 1)
        deeper = 0 if below is None else self.width(below) - block.indent
        has_sibling = below is not None and deeper == 0 and self._has_key(below)
        is_value = self.text[at] in "{[\"'|>" or not _COLON.search(self.text, at, end)
        if is_first and not is_root and not has_sibling and is_value:
            after = self._value(n, at)
            if block.state is _State.PLAIN:
                block.state = _State.SCALAR
            return after
        return self._not_a_pair(n, at, is_above=deeper > 0)

    def _not_a_pair(self, n: int, at: int, *, is_above: bool) -> int:
        """Report a line that is not `key: value`; it may be above deeper lines."""
        word = _WORD.fullmatch(self.text, at, self.ends[n])
        if word and is_above and self.is_key(word[1]):
            message, help_ = f"missing `:` after `{word[1]}`", f"write `{word[1]}:`"
            stop = word.end(1)
            self.repair(message, at, stop, help_, Patch(stop, stop, ":"))
            self._blocks[-1].state = _State.KEY
            return n + 1
        stop = self.end_of_content(at, self.ends[n])
        message = f"{quoted(self.text[at:stop])} is not of the form `key: value`"
        help_ = "remove the line, or write it as `key: value`"
        self.report(message, at, stop, help_)
        return self._leave_out(n)

    # Offsets and reports

    def line_of(self, offset: int) -> int:
        """Return the number of the line of an offset, from 0."""
        return bisect_right(self.starts, offset) - 1

    def skip_blanks(self, at: int, end: int) -> int:
        """Return the offset of the first character that is not blank."""
        return end - len(self.text[at:end].lstrip(" \t"))

    def end_of_content(self, at: int, end: int) -> int:
        """Return the offset after a text on a line, without a comment."""
        found = _COMMENT.search(self.text, at + 1, end)
        end = found.start() if found else end
        return at + len(self.text[at:end].rstrip())

    def is_content(self, n: int) -> bool:
        """Return whether a line is not blank, a comment, a marker or a directive."""
        at, start, end = self.content(n), self.starts[n], self.ends[n]
        is_marker = _MARKER.match(self.text, start, end)
        is_directive = self.text[start:end][:1] == "%" and not self._blocks
        return at < end and self.text[at] != "#" and not is_marker and not is_directive

    def repair(
        self,
        message: str,
        start: int,
        end: int,
        help_: str,
        *patches: Patch,
        is_sure: bool = True,
    ) -> None:
        """Report a mistake, and read on with patches; if sure, they are a fix."""
        self.report(message, start, end, help_, patches if is_sure else ())
        self._patches += patches

    def report(
        self,
        message: str,
        start: int,
        end: int,
        help_: str,
        edits: Sequence[Patch] = (),
    ) -> None:
        """Report a mistake, with edits that fix it."""
        span = self._positions.span
        changes = tuple(Edit(span(one.start, one.end), one.text) for one in edits)
        self.has_fix |= bool(changes)
        if len(self.findings) <= FINDINGS:
            fix = Fix(help_, changes) if changes else None
            finding = syntax_error(message, span(start, end), help_, fix=fix)
            self.findings.append(finding)

    def _leave_out(self, n: int) -> int:
        """Leave out a line with the deeper ones below it."""
        for other in range(n, len(self.ends)):
            is_next = other > n and self.is_content(other)
            if is_next and self.width(other) <= self.width(n):
                return other
            self._patches.append(Patch(self.content(other), self.ends[other], ""))
        return len(self.ends)

    def next_content(self, n: int) -> int | None:
        """Return the number of the first line with content, from a line on."""
        others = range(n, len(self.ends))
        return next((other for other in others if self.is_content(other)), None)

    def content(self, n: int) -> int:
        """Return the offset of the first character of a line that is not blank."""
        return self.skip_blanks(self.starts[n], self.ends[n])

    def _has_key(self, n: int) -> bool:
        return self._after_key(self.content(n), self.ends[n]) is not None

    def _skip(self, pattern: re.Pattern[str], at: int, end: int) -> int:
        found = pattern.match(self.text, at, end)
        return found.end() if found else at


def _spaces(count: int) -> str:
    return f"{count} space" if count == 1 else f"{count} spaces"
