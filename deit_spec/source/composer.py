"""Events to a plain value, with the place of every part and all that is wrong.

The value is made while events arrive, so that what is found before a syntax error
is reported with it.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from deit_spec.diagnostics import Fix
from deit_spec.source import limits, problems, tags
from deit_spec.source.document import Entry, Path
from deit_spec.source.events import end_of, start_of
from deit_spec.source.lines import line_of
from deit_spec.source.meaning import check_tag, scalar
from deit_spec.source.report import Report
from deit_spec.source.scalars import Kind

_BLANKS: Final = " \t\r\n\x85\u2028\u2029"


class TooDeepError(Exception):
    """Nesting passes its limit: read no further, for parsers slow down with depth."""


class Node(NamedTuple):
    """A value, its kind, and the offsets between which it stands."""

    value: object
    kind: str
    start: int
    end: int


class Composer:
    """Composes the first document of a stream; `spans` gets an entry a part."""

    def __init__(self, events: Iterator[Event], report: Report) -> None:
        self.spans: dict[Path, Entry] = {}
        self._events = events
        self._report = report

    def document(self) -> Node | None:
        """Compose the first document, and see that it is the only one.

        Raises:
            MarkedYAMLError: where the text is no YAML.
            TooDeepError: where nesting passes its limit; the report has it.
        """
        node = None
        for event in self._events:
            if not isinstance(event, DocumentStartEvent):
                continue
            if node:
                self._report.note(problems.second_document(self._report.span(event)))
                break
            node = self._node(next(self._events), (), 1)
            self._record((), None, node)
        return node

    def _node(self, event: Event, path: Path | None, depth: int) -> Node:
        """Compose what an event starts; without a path, its places are not kept."""
        if isinstance(event, MappingStartEvent):
            return self._mapping(event, path, depth)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(event, path, depth)
        if isinstance(event, ScalarEvent):
            return self._scalar(event)
        if isinstance(event, AliasEvent):
            alias = problems.alias(event.anchor or "", self._report.span(event))
            self._report.refuse(alias)
        return _nothing(event)

    def _mapping(self, event: MappingStartEvent, path: Path | None, depth: int) -> Node:
        self._check(event, tags.MAPPING, depth)
        value: dict[str, object] = {}
        firsts: dict[str, Node] = {}
        item: Node | None = None
        while not isinstance(key_event := next(self._events), MappingEndEvent):
            key = self._node(key_event, None, depth + 1)
            name = self._name(key_event, key)
            again = name in value
            child = None
            if name is not None and path is not None and not again:
                child = (*path, name)
            item = self._item(key_event, key, child, depth + 1)
            if name is not None and again:
                self._twice(name, key, item, firsts[name], value[name])
            elif name is not None:
                value[name], firsts[name] = item.value, key
            self._record(child, key, item)
        end = _end(event, item, key_event)
        return Node(value, tags.MAPPING, start_of(event), end)

    def _sequence(
        self, event: SequenceStartEvent, path: Path | None, depth: int
    ) -> Node:
        self._check(event, tags.SEQUENCE, depth)
        value: list[object] = []
        item: Node | None = None
        while not isinstance(item_event := next(self._events), SequenceEndEvent):
            child = None if path is None else (*path, len(value))
            item = self._node(item_event, child, depth + 1)
            value.append(item.value)
            self._record(child, None, item)
        end = _end(event, item, item_event)
        return Node(value, tags.SEQUENCE, start_of(event), end)

    def _scalar(self, event: ScalarEvent) -> Node:
        value, kind = scalar(event, self._report)
        start, end = start_of(event), end_of(event)
        if event.style in ("|", ">"):
            # The parser ends a block scalar where the next thing starts.
            text = self._report.positions.text(start, end)
            end = start + len(text.rstrip(_BLANKS))
        return Node(value, kind.value, start, end)

    def _item(self, key_event: Event, key: Node, path: Path | None, depth: int) -> Node:
        event = next(self._events)
        if _is_merge(key_event) and isinstance(event, AliasEvent):
            # `<<: *base` is one mistake, and it is already reported.
            return _nothing(event)
        item = self._node(event, path, depth)
        before = self._report.positions.text(item.start - 1, item.start)
        if item.start == item.end and before in _BLANKS:
            # After a `?` without `:`, the parser puts no value before what follows.
            return item._replace(start=key.end, end=key.end)
        return item

    def _name(self, event: Event, key: Node) -> str | None:
        """Give the name of a key that counts, and report one that does not."""
        if isinstance(event, AliasEvent):
            return None
        span = self._report.positions.span(key.start, key.end)
        if _is_merge(event):
            self._report.note(problems.merge_key(span))
            return None
        if not isinstance(key.value, str):
            text = event.value if isinstance(event, ScalarEvent) else None
            self._report.note(problems.key_not_string(key.kind, text, span))
            return None
        return key.value

    def _twice(
        self, name: str, key: Node, item: Node, first: Node, value: object
    ) -> None:
        """Report a key that is there; with an equal value, its line may go."""
        entry = self._entry(key, item)
        is_scalar = not isinstance(value, dict | list)
        equal = is_scalar and type(item.value) is type(value) and item.value == value
        line = line_of(entry, entry.key.source) if equal else None
        fix = Fix(f"remove the second `{name}`", (line.emptied(),)) if line else None
        here = self._report.positions.span(first.start, first.end)
        self._report.note(problems.twice(name, entry.key, here, fix))

    def _check(self, event: CollectionStartEvent, kind: str, depth: int) -> None:
        if depth > limits.NESTING_DEPTH:
            self._report.refuse(problems.too_deep(self._report.span(event)))
            raise TooDeepError
        check_tag(event, kind, self._report)

    def _record(self, path: Path | None, key: Node | None, value: Node) -> None:
        if path is not None:
            self.spans[path] = self._entry(key, value)

    def _entry(self, key: Node | None, value: Node) -> Entry:
        span = self._report.positions.span(value.start, value.end)
        key_span = self._report.positions.span(key.start, key.end) if key else span
        return Entry(key_span, span)


def _end(event: CollectionStartEvent, last: Node | None, end_event: Event) -> int:
    # The end event of a block stands where the next thing starts, maybe lines
    # below, past comments; what a person sees ends with the last item.
    if event.flow_style or last is None:
        return end_of(end_event)
    return last.end


def _is_merge(event: Event) -> bool:
    plain = isinstance(event, ScalarEvent) and not event.style and not event.tag
    return plain and getattr(event, "value", None) == "<<"


def _nothing(event: Event) -> Node:
    return Node(None, Kind.NULL.value, start_of(event), end_of(event))
