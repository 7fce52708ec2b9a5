"""Events to a plain value, with the place of every part and all that is wrong.

The value is made while events arrive, so that what is found before a syntax error
is reported with it.
"""

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
    StreamEndEvent,
)

from deit_spec.diagnostics import Fix, Span
from deit_spec.yaml_source import document as limits
from deit_spec.yaml_source import tags
from deit_spec.yaml_source import yaml_findings as problems
from deit_spec.yaml_source.document import Entry, Path
from deit_spec.yaml_source.events import NextEvent, end_of, start_of
from deit_spec.yaml_source.meaning import UNKNOWN, check_tag, scalar
from deit_spec.yaml_source.report import EnoughError, Report
from deit_spec.yaml_source.scalars import Kind

_BLANKS: Final = " \t\r\n"


class Node(NamedTuple):
    """A value, its kind, and the offsets between which it stands."""

    value: object
    kind: str
    start: int
    end: int


class _Opened(NamedTuple):
    """A mapping that is being read: its value, and the first key of each name."""

    path: Path | None
    in_braces: bool
    value: dict[str, object]
    firsts: dict[str, Node]


class Composer:
    """Composes the first document of a stream.

    `spans` gets an entry a part, `doubts` the paths of what is not known for sure,
    `keys` where each key begins, one written twice too, and `root` what was read of
    the outermost mapping, should the text break off.
    """

    def __init__(self, following: NextEvent, report: Report) -> None:
        self.spans: dict[Path, Entry] = {}
        self.doubts: set[Path] = set()
        self.keys: list[int] = []
        self.root: dict[str, object] | None = None
        self._next = following
        self._report = report

    def document(self) -> Node | None:
        """Compose the first document, and see that it is the only one.

        Raises:
            MarkedYAMLError: where the text is no YAML.
            EnoughError: where the text passes a limit; the report has it.
        """
        node = None
        while type(event := self._next()) is not StreamEndEvent:
            if type(event) is not DocumentStartEvent:
                continue
            if node:
                self._note_second(event)
                break
            node = self._node(self._next(), (), 1)
            self._record((), None, node)
        return node

    def _note_second(self, event: Event) -> None:
        rest = self._report.positions.text(end_of(event), None)
        span = self._report.span(event)
        self._report.note(problems.second_document(span, is_empty=not rest.strip()))

    def _node(self, event: Event, path: Path | None, depth: int) -> Node:
        """Compose what an event starts; without a path, its places are not kept."""
        if isinstance(event, ScalarEvent):
            return self._scalar(event)
        if isinstance(event, MappingStartEvent):
            return self._mapping(event, path, depth)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(event, path, depth)
        if isinstance(event, AliasEvent):
            alias = problems.alias(event.anchor or "", self._report.span(event))
            self._report.note_odd(alias, event)
        return _unknown(event)

    def _mapping(self, event: MappingStartEvent, path: Path | None, depth: int) -> Node:
        self._check(event, tags.MAPPING, depth)
        mapping = _Opened(path, bool(event.flow_style), {}, {})
        if path == ():
            self.root = mapping.value
        item: Node | None = None
        while type(key_event := self._next()) is not MappingEndEvent:
            key = self._node(key_event, None, depth + 1)
            self.keys.append(key.start)
            name = self._name(key_event, key, mapping)
            child = None if name is None or path is None else (*path, name)
            item = self._item(key_event, key, child, depth + 1)
            if name is None:
                self._note_again(key, item, mapping)
            elif item.value is not UNKNOWN:
                mapping.value[name] = item.value
            self._record(child, key, item)
        if mapping.in_braces and any(map(_may_be_parted, mapping.value.values())):
            self._join_parted(mapping)
        end = _end(event, item, key_event)
        return Node(mapping.value, tags.MAPPING, start_of(event), end)

    def _sequence(
        self, event: SequenceStartEvent, path: Path | None, depth: int
    ) -> Node:
        self._check(event, tags.SEQUENCE, depth)
        value: list[object] = []
        item: Node | None = None
        while type(item_event := self._next()) is not SequenceEndEvent:
            child = None if path is None else (*path, len(value))
            item = self._node(item_event, child, depth + 1)
            value.append(None if item.value is UNKNOWN else item.value)
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
        return Node(value, kind, start, end)

    def _item(self, key_event: Event, key: Node, path: Path | None, depth: int) -> Node:
        event = self._next()
        if type(event) is AliasEvent and _is_merge(key_event):
            # `<<: *base` is one mistake, and it is already reported.
            return _unknown(event)
        item = self._node(event, path, depth)
        if item.start == item.end and self._follows_blank(item):
            # After a `?` without `:`, the parser puts no value before what follows.
            return item._replace(start=key.end, end=key.end)
        return item

    def _follows_blank(self, item: Node) -> bool:
        return self._report.positions.text(item.start - 1, item.start) in _BLANKS

    def _name(self, event: Event, key: Node, mapping: _Opened) -> str | None:
        """Give the name of a key that counts, and report one that does not."""
        name = key.value
        if type(event) is AliasEvent or name is UNKNOWN:
            self._doubt(mapping.path)
        elif name == "<<" and _is_merge(event):
            self._report.note(problems.merge_key(self._span(key)))
            self._doubt(mapping.path)
        elif not isinstance(name, str):
            self._note_other(event, key, mapping)
        elif name not in mapping.firsts:
            mapping.firsts[name] = key
            return name
        return None

    def _join_parted(self, mapping: _Opened) -> None:
        """Report what a comma has made two keys of, and keep it from being them."""
        from deit_spec.yaml_source.pairs import (  # noqa: PLC0415  -- few have braces
            find_parted,
        )

        positions, keys, value = self._report.positions, mapping.firsts, mapping.value
        parted = [*find_parted(positions, keys, value, self._report.is_key)]
        for key, rest, problem in parted:
            self._report.note(problem)
            value.pop(rest, None)
            if mapping.path is not None:
                self.spans.pop((*mapping.path, rest), None)
                self._doubt((*mapping.path, key))

    def _note_other(self, event: Event, key: Node, mapping: _Opened) -> None:
        """Report a key that is no string, or the value that braces make a key of."""
        text = event.value if isinstance(event, ScalarEvent) else None
        if mapping.in_braces and self._is_value(key, mapping):
            return
        problem = problems.key_not_string(key.kind, text, self._span(key))
        if text:
            self._report.note(problem)
        elif self._report.positions.text(key.start - 1, key.start + 1) == "{{":
            self._note_doubled(key, mapping)
        else:
            self._report.note_odd(problem, event)
            self._report.is_unbalanced |= mapping.in_braces

    def _note_doubled(self, key: Node, mapping: _Opened) -> None:
        from deit_spec.yaml_source.braces import doubled  # noqa: PLC0415  -- few have any

        is_inner, positions = mapping.path != (), self._report.positions
        self._report.note(doubled(positions, key.start, key.end, is_inner=is_inner))
        self._report.is_unbalanced |= not is_inner
        self._doubt(mapping.path)

    def _is_value(self, key: Node, mapping: _Opened) -> bool:
        """Report a number that was meant for a value, or a part of one."""
        from deit_spec.yaml_source.braces import odd_number  # noqa: PLC0415  -- few need it

        if mapping.path is None or key.kind == tags.SEQUENCE:
            return False
        name = next(reversed(mapping.firsts), "")
        last = mapping.firsts[name] if name and self._report.is_key(name) else None
        is_inner = mapping.path != () and not isinstance(key.value, dict)
        odd = odd_number(self._report.positions, key, last, is_inner=is_inner)
        if odd is None:
            return False
        self._doubt((*mapping.path, name) if odd.is_of_last else mapping.path)
        if odd.problem:
            self._report.note(odd.problem)
        return True

    def _note_again(self, key: Node, item: Node, mapping: _Opened) -> None:
        """Report a key that is there; where it says the same, it may go."""
        name = key.value
        path, in_braces, value, firsts = mapping
        if not isinstance(name, str) or name not in firsts or self._report.is_full:
            return
        from deit_spec.yaml_source.line_edits import removed  # noqa: PLC0415  -- few need it

        entry = self._entry(key, item)
        there = value.get(name, UNKNOWN)
        equal = type(there) is type(item.value) and there == item.value
        is_plain = not isinstance(there, dict | list) and there is not UNKNOWN
        # Behind another that says something else, it may be the one that counts.
        child = None if path is None else (*path, name)
        is_plain = is_plain and equal and child not in self.doubts
        edit = removed(entry, entry.source, in_braces=in_braces) if is_plain else None
        fix = Fix(f"remove the repeated `{name}`", (edit,)) if edit else None
        first = self._span(firsts[name])
        self._report.note(problems.twice(name, entry.key, first, fix))
        if not equal:
            self._doubt(child)

    def _check(self, event: CollectionStartEvent, kind: str, depth: int) -> None:
        if depth > limits.NESTING_DEPTH:
            self._report.note(problems.too_deep(self._report.span(event)))
            raise EnoughError
        if event.tag:
            check_tag(event, kind, self._report)

    def _record(self, path: Path | None, key: Node | None, value: Node) -> None:
        if path is None:
            return
        self.spans[path] = self._entry(key, value)
        if value.value is UNKNOWN or value.start in self._report.mistagged:
            self.doubts.add(path)

    def _span(self, node: Node) -> Span:
        return self._report.positions.span(node.start, node.end)

    def _entry(self, key: Node | None, value: Node) -> Entry:
        place = (value.start, value.end)
        key_place = (key.start, key.end) if key else place
        return Entry(self._report.positions, key_place, place)

    def _doubt(self, path: Path | None) -> None:
        if path is not None:
            self.doubts.add(path)


def _end(event: CollectionStartEvent, last: Node | None, end_event: Event) -> int:
    # The end event of a block stands where the next thing starts, maybe lines
    # below, past comments; what a person sees ends with the last item.
    if event.flow_style or last is None:
        return end_of(end_event)
    return last.end


def _is_merge(event: Event) -> bool:
    plain = isinstance(event, ScalarEvent) and not event.style and not event.tag
    return plain and getattr(event, "value", None) == "<<"


def _may_be_parted(value: object) -> bool:
    """Whether a value may go on behind a comma: it has none, or begins with `(`."""
    return value is None or (type(value) is str and value.startswith("("))


def _unknown(event: Event) -> Node:
    return Node(UNKNOWN, Kind.NULL, start_of(event), end_of(event))
