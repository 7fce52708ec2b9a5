"""What a scalar and a tag mean, with what may be wrong with them."""

import re
from functools import lru_cache
from typing import Final

from yaml.events import CollectionStartEvent, ScalarEvent

from deit_spec.yaml_source import document as limits
from deit_spec.yaml_source import tags
from deit_spec.yaml_source import yaml_findings as problems
from deit_spec.yaml_source.events import start_of
from deit_spec.yaml_source.report import Report
from deit_spec.yaml_source.scalars import Kind, Plain, convert, fits, kind_of

UNKNOWN: Final = object()
"""Stands for a value that could not be read; what is wrong is reported."""

_SHORT: Final = 40
"""Characters of a text that many specs may have in common: a key, a number."""


_WITHOUT_COMMA: Final = re.compile(r"""(?P<value>[^\s"']+)\s+"\w+"\s*:""")


def scalar(event: ScalarEvent, report: Report) -> tuple[object, Kind]:
    """Give the value of a scalar and its kind."""
    text = event.value
    if not event.style and '"' in text and (pair := _WITHOUT_COMMA.match(text)):
        # `6 "num_heads":6` is one text to YAML.
        start = start_of(event)
        span = report.positions.span(start, start + pair.end("value"))
        report.note(problems.no_comma(pair["value"], span))
        return UNKNOWN, Kind.STR
    if not event.style and not event.tag and len(text) < _SHORT:
        return _plain(text)
    kind = _kind(event, report)
    length = len(text)
    if kind in (Kind.INT, Kind.FLOAT) and length > limits.NUMBER_CHARACTERS:
        report.note_odd(problems.long_number(length, report.span(event)), event)
        return UNKNOWN, kind
    return convert(text, kind), kind


@lru_cache(maxsize=1024)
def _plain(text: str) -> tuple[Plain, Kind]:
    kind = kind_of(text)
    return convert(text, kind), kind


def check_tag(event: CollectionStartEvent, kind: str, report: Report) -> None:
    """See that the tag of a mapping or a sequence, if any, says that it is one."""
    if not event.tag or event.tag == "!":
        return
    name = tags.core_name(event.tag)
    if name is None:
        report.foreign_tag(event.tag, event)
    elif name != kind:
        report.misfit_tag(name, kind, event)


def _kind(event: ScalarEvent, report: Report) -> Kind:
    found = kind_of(event.value)
    untagged = Kind.STR if event.style else found
    if not event.tag:
        return untagged
    if event.tag == "!":
        return Kind.STR
    name = tags.core_name(event.tag)
    if name is None:
        report.foreign_tag(event.tag, event)
        return untagged
    if name in (tags.MAPPING, tags.SEQUENCE) or not fits(found, Kind(name)):
        report.misfit_tag(name, untagged.value, event)
        return untagged
    return Kind(name)
