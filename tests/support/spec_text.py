"""The text of a spec, and what an editor can do to it."""

import re

from deit_spec import DeiTSpec, Variant
from deit_spec.diagnostics import Span
from deit_spec.spec.field_names import SPEC
from deit_spec.yaml_source import Document, read_text

BREAK = re.compile("\r\n|[\n\r]")


class Text:
    """The text of a spec, with what can be done to it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def offsets(self, span: Span) -> tuple[int, int]:
        starts = [0, *(found.end() for found in BREAK.finditer(self.text))]
        start = starts[span.line - 1] + span.column - 1
        return start, starts[span.end_line - 1] + span.end_column - 1

    def cut(self, start: int, end: int, put: str = "") -> None:
        self.text = self.text[:start] + put + self.text[end:]

    def line(self, at: int) -> tuple[int, int]:
        """The line around an offset, without its break."""
        start = max((b.end() for b in BREAK.finditer(self.text, 0, at)), default=0)
        found = BREAK.search(self.text, at)
        return start, found.start() if found else len(self.text)

    def document(self) -> Document | None:
        return read_text(self.text, "t.yaml", SPEC.is_key)[0]

    def remove_pair(self, path: tuple[str, ...], at: Span | None = None) -> None:
        """Remove a key with its value: whole lines, or a piece of `{…}`."""
        document = self.document()
        assert document is not None
        entry = document.spans.get(path)
        if at is not None and (entry is None or entry.key.line != at.line):
            start, end = self.offsets(at)
            end = self.line(end)[1]
        else:
            assert entry is not None
            start, end = self.offsets(entry.key)[0], self.offsets(entry.value)[1]
        first, last = self.line(start)[0], self.line(end)[1]
        if self.text[first:start].strip(" ?[~"):
            more = re.match(r" *, *", self.text[end:])
            self.cut(start, end + (more.end() if more else 0))
            self.text = re.sub(r", *\}", "}", self.text)
        else:
            self.cut(first, last + 1)
        self._drop_empty_variant()

    def _drop_empty_variant(self) -> None:
        # What a person does with a `variant:` that holds nothing any more.
        self.text = re.sub(r"(?m)^variant: *\n(?! )", "", self.text)

    def set(self, path: tuple[str, ...], value: str) -> None:
        """Give a field a value: in place, or on a new line."""
        document = self.document()
        if document is not None and path in document.spans:
            entry = document.spans[path]
            start, end = self.offsets(entry.value)
            space = "" if self.text[start - 1 : start].isspace() else " "
            self.cut(start, end, space + value)
        elif len(path) == 1:
            self.text = f"{self.text.rstrip()}\n{path[0]}: {value}\n"
        elif document is not None and ("variant",) in document.spans:
            self._set_in_variant(document, f"{path[1]}: {value}")
        else:
            self.text = f"{self.text.rstrip()}\nvariant:\n  {path[1]}: {value}\n"

    def _set_in_variant(self, document: Document, pair: str) -> None:
        start, end = self.offsets(document.spans["variant",].value)
        if start == end:
            at = self.text.index(":", start - 1) + 1
            self.cut(at, at, f" {{{pair}}}")
        elif self.text[start : start + 1] == "{":
            self.cut(end - 1, end - 1, f", {pair}")
        else:
            indent = start - self.line(start)[0]
            self.cut(end, end, f"\n{' ' * indent}{pair}")


def path_of(name: str) -> tuple[str, ...]:
    """The path of a field by its name, which no other field has."""
    if name in Variant.model_fields and name not in DeiTSpec.model_fields:
        return "variant", name
    return tuple(name.split("."))
