"""PyYAML's parser, as a stream of events with offsets.

Events come one at a time and in no recursion, so a reader can stop at a limit
before a hostile text has cost anything.
"""

from collections.abc import Iterator
from typing import Final

import yaml
from yaml.error import MarkedYAMLError
from yaml.events import Event

# Used as parsers alone; the one in Python is for a PyYAML built without libyaml.
PythonParser: Final = yaml.SafeLoader
FastestParser: Final = getattr(yaml, "CSafeLoader", PythonParser)


def events(text: str) -> Iterator[Event]:
    """Give the events of a text.

    Raises:
        MarkedYAMLError: where the text is no YAML.
    """
    parser = FastestParser(text)
    while True:
        try:
            if not parser.check_event():
                return
            event: Event = parser.get_event()
        except (ValueError, OverflowError) as error:
            # The parser in Python lets these out of `"\UFFFFFFFF"` and `%YAML 9…9`.
            mark = parser.get_mark() if isinstance(parser, PythonParser) else None
            problem = "found a number that is out of range"
            raise MarkedYAMLError(None, None, problem, mark) from error
        yield event


def start_of(event: Event) -> int:
    """Give the offset of an event's first character."""
    return event.start_mark.index if event.start_mark else 0


def end_of(event: Event) -> int:
    """Give the offset after an event's last character."""
    return event.end_mark.index if event.end_mark else 0
