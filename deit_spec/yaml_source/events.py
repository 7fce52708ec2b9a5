"""PyYAML's parser, as a stream of events with offsets.

Events come one at a time and in no recursion, so a reader can stop at a limit
before a hostile text has cost anything.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

import yaml
from yaml.error import MarkedYAMLError
from yaml.events import Event

# Used as parsers alone; the one in Python is for a PyYAML built without libyaml.
PythonParser: Final = yaml.SafeLoader
FastestParser: Final = getattr(yaml, "CSafeLoader", PythonParser)

NextEvent: TypeAlias = Callable[[], Event]
"""Gives the next event of a text; after the end of the stream, nothing is asked.

It raises MarkedYAMLError where the text is no YAML.
"""


def events(text: str) -> NextEvent:
    """Begin to parse a text."""
    parser = FastestParser(text)
    following: NextEvent = parser.get_event
    return _marked(parser) if isinstance(parser, PythonParser) else following


def _marked(parser: yaml.SafeLoader) -> NextEvent:
    r"""Catch what the parser in Python lets out of `"\UFFFFFFFF"` and `%YAML 9…9`."""

    def following() -> Event:
        try:
            event: Event = parser.get_event()  # type: ignore[no-untyped-call]
        except (ValueError, OverflowError) as error:
            problem = "found a number that is out of range"
            mark = parser.get_mark()
            raise MarkedYAMLError(None, None, problem, mark) from error
        return event

    return following


def start_of(event: Event) -> int:
    """Give the offset of an event's first character."""
    return event.start_mark.index if event.start_mark else 0


def end_of(event: Event) -> int:
    """Give the offset after an event's last character."""
    return event.end_mark.index if event.end_mark else 0
