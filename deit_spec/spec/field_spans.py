"""The spans of fields, for rules that point at several of them."""

from collections.abc import Iterator
from typing import TypeAlias

from deit_spec.diagnostics import Diagnostic, Label, Span, diagnose
from deit_spec.yaml_source import Document
from deit_spec.yaml_source.scalars import value_text

Findings: TypeAlias = Iterator[Diagnostic]
"""What a rule finds."""
Field: TypeAlias = tuple[str, str, object]
"""A field, the words of its label, and its default."""


class FieldSpans:
    """The spans of a document, by field."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def wrote(self, field: str) -> bool:
        """Whether a field, such as `variant.fusion`, is written."""
        return tuple(field.split(".")) in self._document.spans

    def value(self, field: str) -> Span:
        """The span of a field's value, or of the nearest thing around it."""
        return self._document.nearest(tuple(field.split("."))).value

    def finding(
        self, code: str, message: str, help_: str, *fields: Field
    ) -> Diagnostic:
        """Report something that depends on several fields.

        The primary label is at the first field that is written; notes name the
        defaults of those that are not.
        """
        written = [item for item in fields if self.wrote(item[0])]
        labels = [Label(self.value(name), words) for name, words, _ in written]
        first, *more = labels or [Label(self.value(fields[0][0]))]
        notes = [
            f"`{name}` is {value_text(value)} by default"
            for name, _, value in fields
            if not self.wrote(name)
        ]
        return diagnose(
            code, message, first, secondary=more, notes=notes, helps=[help_]
        )


def start_of(document: Document) -> Span:
    """The span of the first key, for what is about the whole of a document."""
    first = min((path for path in document.spans if path), key=len, default=())
    return document.nearest(first).key
