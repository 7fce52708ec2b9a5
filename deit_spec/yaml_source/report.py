"""What is found while a text is read."""

from typing import Final

from yaml.events import Event

from deit_spec.diagnostics import Diagnostic, Span
from deit_spec.yaml_source import document as limits
from deit_spec.yaml_source import tags
from deit_spec.yaml_source import yaml_findings as problems
from deit_spec.yaml_source.document import IsKey
from deit_spec.yaml_source.events import end_of, start_of
from deit_spec.yaml_source.positions import Positions


class EnoughError(Exception):
    """The text passes a limit: read no further, for that may cost more and more."""


_INDENT: Final = 100
"""Characters before something, if it is the first of its line."""


class Report:
    """The problems so far, and the places of the text that they are in."""

    def __init__(
        self, positions: Positions, is_key: IsKey, *, to_the_end: bool = False
    ) -> None:
        self.positions = positions
        self.is_key = is_key
        self._to_the_end = to_the_end
        self.problems: list[Diagnostic] = []
        self.mistagged: set[int] = set()
        """The offsets of nodes whose tag says what they are not."""
        self.oddity = -1
        """The offset of the last thing that changes how what follows is read."""
        self.is_unbalanced = False
        """Whether there is a key in braces that is no word: a `{` too many, likely."""

    def note(self, problem: Diagnostic) -> None:
        """Note a problem; what is refused is left out, or read as if not there.

        Raises:
            EnoughError: There are more problems than are told, and what follows is
                not to be read for its own sake.
        """
        if not self.is_full:
            self.problems.append(problem)
        if self.is_full and not self._to_the_end:
            raise EnoughError

    def note_odd(self, problem: Diagnostic, event: Event) -> None:
        """Note a problem; one that begins a line may be why the parser stops soon."""
        start = start_of(event)
        line = self.positions.text(max(start - _INDENT, 0), start)
        before = line[max(line.rfind("\n"), line.rfind("\r")) + 1 :]
        if not before.strip(" \t?"):
            self.oddity = end_of(event)
        self.note(problem)

    @property
    def is_full(self) -> bool:
        """Whether there are more problems than are told."""
        return len(self.problems) > limits.FINDINGS

    def foreign_tag(self, tag: str, event: Event) -> None:
        """Note a tag that the core schema does not have."""
        self.note_odd(problems.foreign_tag(tag, self.tag_span(event)), event)
        self.mistagged.add(start_of(event))

    def misfit_tag(self, name: str, found: str, event: Event) -> None:
        """Note a core tag on a value that it does not describe."""
        self.note_odd(problems.misfit_tag(name, found, self.tag_span(event)), event)
        self.mistagged.add(start_of(event))

    def span(self, event: Event) -> Span:
        """Give the place of an event."""
        return self.positions.span(start_of(event), end_of(event))

    def tag_span(self, event: Event) -> Span:
        """Give the place of the tag that an event starts with."""
        start = start_of(event)
        first, last = tags.place_in(self.positions.text(start, None))
        return self.positions.span(start + first, start + last)
