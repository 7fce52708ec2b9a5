"""The spans of fields, for rules that point at several of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from deit_spec.diagnostics import Diagnostic, Label, Span, diagnose
from deit_spec.yaml_source import Document
from deit_spec.yaml_source.scalars import value_text

Findings: TypeAlias = Iterator[Diagnostic]
"""What a rule finds."""


@dataclass(frozen=True)
class About:
    """The labels and notes of a finding on several fields."""

    primary: Label
    secondary: tuple[Label, ...]
    notes: tuple[str, ...]


class FieldSpans:
    """The spans of a document, by field."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def wrote(self, field: str) -> bool:
        """Whether the document says anything about `field` (`variant.fusion`)."""
        return tuple(field.split(".")) in self._document.spans

    def value(self, field: str) -> Span:
        """The span of a field's value, or of the nearest thing around it."""
        return self._document.nearest(tuple(field.split("."))).value

    def about(self, *fields: tuple[str, str, object]) -> About:
        """Point at each field (name, words, value) that is written.

        The first that is written is the primary; notes name those that have their
        default.
        """
        written = [item for item in fields if self.wrote(item[0])]
        labels = [Label(self.value(name), words) for name, words, _ in written]
        if not labels:
            labels = [Label(self.value(fields[0][0]))]
        return About(labels[0], tuple(labels[1:]), self._defaults(fields))

    def _defaults(self, fields: Sequence[tuple[str, str, object]]) -> tuple[str, ...]:
        return tuple(
            f"`{name}` is {value_text(value)} by default"
            for name, _, value in fields
            if not self.wrote(name)
        )


def finding(code: str, message: str, about: About, *helps: str) -> Diagnostic:
    """Make a finding on several fields."""
    return diagnose(
        code,
        message,
        about.primary,
        secondary=about.secondary,
        notes=about.notes,
        helps=helps,
    )


def start_of(document: Document) -> Span:
    """The span of the first key, for what is about the whole of a document."""
    first = min((path for path in document.spans if path), key=len, default=())
    return document.nearest(first).key
