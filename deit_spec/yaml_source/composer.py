"""Parser events to a plain value, with the span of every part and all findings.

Events come one at a time and the value is made as they arrive: a hostile text is
refused at a limit, and what precedes a syntax error is kept.
"""

from typing import Final, NamedTuple

import yaml
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
    StreamEndEvent,
)

from deit_spec.diagnostics import Diagnostic, Label, Span, diagnose
from deit_spec.yaml_source.document import (
    FINDINGS,
    NESTING_DEPTH,
    NUMBER_CHARACTERS,
    Entry,
    Path,
    Positions,
)
from deit_spec.yaml_source.scalars import (
    MAPPING,
    SEQUENCE,
    Kind,
    convert,
    core_tag,
    fits,
    kind_of,
    plain_value,
    short_tag,
)
from deit_spec.yaml_source.yaml_findings import quoted

# Used as a parser only; the one in Python is for a PyYAML built without libyaml.
PARSER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

UNKNOWN: Final = object()
"""The value of a part that was refused; the finding says why."""

_BLANKS: Final = " \t\r\n"
_SHORT: Final = 40
"""Characters of a scalar that many specs may have in common: a word, a number."""


class LimitReachedError(Exception):
    """The text exceeds a limit; the findings say which."""


class Node(NamedTuple):
    """A value, its kind, and the offsets of its start and end."""

    value: object
    kind: str
    start: int
    end: int


class _Mapping(NamedTuple):
    """A mapping that is being read; `firsts` has the first key of each name."""

    value: dict[str, object]
    firsts: dict[str, Node]


class Composer:
    """Composes the first document of a text; `root` is its value so far."""

    def __init__(self, positions: Positions) -> None:
        self.spans: dict[Path, Entry] = {}
        self.findings: list[Diagnostic] = []
        self.root: dict[str, object] | None = None
        self._positions = positions
        self._next = PARSER(positions.parsed).get_event

    def document(self) -> Node | None:
        """Compose the first document; a MarkedYAMLError if it is not valid YAML."""
        node = None
        while type(event := self._next()) is not StreamEndEvent:
            if type(event) is not DocumentStartEvent:
                continue
            if node:
                self._report(
                    "DS004",
                    "the file has more than one document",
                    self._at(event),
                    "remove it, or move it to a file of its own",
                    label="the second starts here",
                )
                break
            node = self._node(self._next(), (), 1)
            self._record((), None, node)
        return node

    def _node(self, event: Event, path: Path | None, depth: int) -> Node:
        """Compose what an event starts; without a path, its spans are not kept."""
        if isinstance(event, ScalarEvent):
            return self._scalar(event)
        if isinstance(event, MappingStartEvent):
            return self._mapping(event, path, depth)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(event, path, depth)
        if isinstance(event, AliasEvent):
            message = f"aliases are not supported: {quoted(f'*{event.anchor}')}"
            self._report("DS008", message, self._at(event), "write the value out")
        return _unknown(event)

    def _mapping(self, event: MappingStartEvent, path: Path | None, depth: int) -> Node:
        is_refused = self._is_refused(event, MAPPING, depth)
        mapping = _Mapping({}, {})
        if path == ():
            self.root = mapping.value
        item: Node | None = None
        has_bad_key = False
        while type(key_event := self._next()) is not MappingEndEvent:
            key = self._node(key_event, None, depth + 1)
            name = self._name(key_event, key, mapping)
            child = None if name is None or path is None else (*path, name)
            item = self._item(key_event, key, child, depth + 1)
            if name is None:
                has_bad_key = True
                self._check_repeated(key, mapping)
            elif item.value is not UNKNOWN:
                mapping.value[name] = item.value
            self._record(child, key, item)
        # `{12}` was not meant to be a mapping at all.
        is_refused = is_refused or (has_bad_key and not mapping.value)
        end = _end_of_collection(event, item, key_event)
        value = UNKNOWN if is_refused and path != () else mapping.value
        return Node(value, MAPPING, _start(event), end)

    def _sequence(
        self, event: SequenceStartEvent, path: Path | None, depth: int
    ) -> Node:
        is_refused = self._is_refused(event, SEQUENCE, depth)
        value: list[object] = []
        item: Node | None = None
        while type(item_event := self._next()) is not SequenceEndEvent:
            child = None if path is None else (*path, len(value))
            item = self._node(item_event, child, depth + 1)
            value.append(None if item.value is UNKNOWN else item.value)
            self._record(child, None, item)
        end = _end_of_collection(event, item, item_event)
        return Node(UNKNOWN if is_refused else value, SEQUENCE, _start(event), end)

    def _scalar(self, event: ScalarEvent) -> Node:
        text, start, end = event.value, _start(event), _end(event)
        if not event.style and not event.tag and len(text) < _SHORT:
            return Node(*plain_value(text), start, end)
        if event.style in ("|", ">"):
            # The parser ends a block scalar where the next token starts.
            end = start + len(self._positions.text(start, end).rstrip(_BLANKS))
        written = Kind.STR if event.style else kind_of(text)
        kind = self._tagged(event, written)
        if kind is None:
            return Node(UNKNOWN, written, start, end)
        if kind in (Kind.INT, Kind.FLOAT) and len(text) > NUMBER_CHARACTERS:
            limit = f"the limit is {NUMBER_CHARACTERS}"
            message = f"the number has {len(text)} characters, {limit}"
            help_ = f"write at most {NUMBER_CHARACTERS} characters"
            self._report("DS008", message, self._at(event), help_)
            return Node(UNKNOWN, kind, start, end)
        return Node(convert(text, Kind(kind)), kind, start, end)

    def _item(self, key_event: Event, key: Node, path: Path | None, depth: int) -> Node:
        event = self._next()
        if type(event) is AliasEvent and _is_merge(key_event):
            # `<<: *base` is one mistake, and the key is already reported.
            return _unknown(event)
        item = self._node(event, path, depth)
        before = self._positions.text(item.start - 1, item.start)
        if item.start == item.end and before in _BLANKS:
            # After a `?` without `:`, the parser puts no value before what follows.
            return item._replace(start=key.end, end=key.end)
        return item

    def _name(self, event: Event, key: Node, mapping: _Mapping) -> str | None:
        """Return the name of a valid new key, and report an invalid one."""
        name = key.value
        if name is UNKNOWN:
            return None
        if name == "<<" and _is_merge(event):
            message = "the merge key `<<` is not part of YAML 1.2"
            help_ = "remove it; in a spec, `extends: x.yaml` inherits from another spec"
            self._report("DS007", message, self._span(key), help_)
        elif not isinstance(name, str):
            text = event.value if isinstance(event, ScalarEvent) else ""
            message = (
                f"{f'the key {quoted(text)}' if text else 'a key'} is not a string"
            )
            quotes = ", or write it in quotes if it is a name" if text else ""
            help_ = f"remove it with its value{quotes}"
            self._report("DS005", message, self._span(key), help_)
        elif name not in mapping.firsts:
            mapping.firsts[name] = key
            return name
        return None

    def _check_repeated(self, key: Node, mapping: _Mapping) -> None:
        name = key.value
        if isinstance(name, str) and name in mapping.firsts:
            self._report(
                "DS003",
                f"the key {quoted(name)} is written twice",
                self._span(key),
                "remove one of the two",
                label="written again here",
                first=Label(self._span(mapping.firsts[name]), "first written here"),
            )

    def _is_refused(self, event: CollectionStartEvent, kind: str, depth: int) -> bool:
        """Check the depth and the tag of a collection."""
        if depth > NESTING_DEPTH:
            self._report(
                "DS008",
                f"the nesting exceeds {NESTING_DEPTH} levels",
                self._at(event),
                "remove it; no field is nested so deeply",
                label=f"level {NESTING_DEPTH + 1}",
            )
            raise LimitReachedError
        return self._tagged(event, kind) is None

    def _tagged(
        self, event: ScalarEvent | CollectionStartEvent, kind: str
    ) -> str | None:
        """Return the kind that a node has by its tag; None if the tag is refused."""
        tag = event.tag
        if not tag or tag == "!":
            return Kind.STR if tag and isinstance(event, ScalarEvent) else kind
        start, name = _start(event), core_tag(tag)
        place = self._positions.span(start, start + len(short_tag(tag)))
        found = kind_of(event.value) if isinstance(event, ScalarEvent) else kind
        if name is None:
            message = f"the tag {quoted(short_tag(tag))} is not supported"
        elif not fits(found, name):
            message = f"the tag `!!{name}` does not match the type of the value"
        else:
            return name
        self._report("DS006", message, place, "remove the tag")
        return None

    def _record(self, path: Path | None, key: Node | None, value: Node) -> None:
        if path is not None:
            self.spans[path] = self._entry(key, value)

    def _report(  # noqa: PLR0913  -- the parts of a diagnostic
        self,
        code: str,
        message: str,
        span: Span,
        help_: str,
        *,
        label: str = "",
        first: Label | None = None,
    ) -> None:
        more, place = [first] if first else [], Label(span, label)
        self.findings.append(
            diagnose(code, message, place, secondary=more, helps=[help_])
        )
        if len(self.findings) > FINDINGS:
            raise LimitReachedError

    def _span(self, node: Node) -> Span:
        return self._positions.span(node.start, node.end)

    def _at(self, event: Event) -> Span:
        return self._positions.span(_start(event), _end(event))

    def _entry(self, key: Node | None, value: Node) -> Entry:
        place = (value.start, value.end)
        return Entry(self._positions, (key.start, key.end) if key else place, place)


def _start(event: Event) -> int:
    return event.start_mark.index if event.start_mark else 0


def _end(event: Event) -> int:
    return event.end_mark.index if event.end_mark else 0


def _end_of_collection(
    event: CollectionStartEvent, last: Node | None, end_event: Event
) -> int:
    # The end event of a block is at the next token, maybe lines below and past
    # comments; for a person it ends with its last item.
    if event.flow_style or last is None:
        return _end(end_event)
    return last.end


def _is_merge(event: Event) -> bool:
    plain = isinstance(event, ScalarEvent) and not event.style and not event.tag
    return plain and getattr(event, "value", None) == "<<"


def _unknown(event: Event) -> Node:
    return Node(UNKNOWN, Kind.NULL, _start(event), _end(event))
