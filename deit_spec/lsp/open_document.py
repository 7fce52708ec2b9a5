"""A version of an open document, with what is computed from it."""

import re
from bisect import bisect_right
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

from lsprotocol import types
from pygls.uris import to_fs_path
from pygls.workspace import PositionCodec

from deit_spec.diagnostics import Diagnostic, Fix, Span
from deit_spec.diagnostics.diagnostic import LINE_BREAK
from deit_spec.explain.field_info import FieldInfo, recipe_fields, spec_fields
from deit_spec.pipeline import check_taps
from deit_spec.recipe import documents
from deit_spec.spec import Checked
from deit_spec.spec.field_names import is_misspelt
from deit_spec.spec.origin import Origin, at
from deit_spec.yaml_source import Document, read_text
from deit_spec.yaml_source.document import is_too_large

_SHARED: Final = frozenset(
    ("name", "extends", "data", "loss", "optimizer", "schedule", "run", "recipe")
)
"""Fields that other YAML files have too."""
_STUDY: Final = frozenset({"recipe", "seeds", "train_images", "arms", "baseline"})
_MOST_KEYS: Final = 64
_KEY: Final = re.compile(r"""^["']?([\w-]+)["']?[ \t]*[:=]""", re.MULTILINE)


class Text:
    """A text with the positions of the protocol: 0-based, in units of `codec`."""

    def __init__(self, text: str, codec: PositionCodec) -> None:
        self.text = text
        self.codec = codec
        self.lines = LINE_BREAK.split(text)
        self._starts = [0, *(found.end() for found in LINE_BREAK.finditer(text))]
        self._bom = len(text) - len(text.lstrip("\ufeff"))  # not part of a source

    def location(self, offset: int) -> types.Position:
        """Convert an offset to a line and a column in characters, both 0-based."""
        line = bisect_right(self._starts, offset) - 1
        return types.Position(line, offset - self._starts[line])

    def offset(self, position: types.Position) -> int:
        """Convert a position to an offset, at most the end of its line."""
        if position.line >= len(self.lines):
            return len(self.text)
        line = self.lines[position.line]
        column = types.Position(0, position.character)
        # The line break is included, because the codec clips columns before it.
        found = self.codec.position_from_client_units([f"{line}\n"], column)
        return self._starts[position.line] + min(found.character, len(line))

    def range(self, start: int, end: int) -> types.Range:
        """Convert two offsets to a range."""
        to_units = self.codec.position_to_client_units
        ends = (self.location(min(offset, len(self.text))) for offset in (start, end))
        return types.Range(*(to_units(self.lines, position) for position in ends))

    def offsets(self, span: Span) -> tuple[int, int]:
        """Convert a span to offsets."""
        return span.start + self._bom, span.end + self._bom

    def span(self, span: Span) -> types.Range:
        """Convert a span to a range."""
        return self.range(*self.offsets(span))


class OpenDocument:
    """A version of a document. Each change creates another."""

    def __init__(self, uri: str, text: Text) -> None:
        self.uri = uri
        self.text = text
        path = to_fs_path(uri)
        is_path = path and "\0" not in path
        self.origin: Origin | None = at(Path(path)) if path and is_path else None

    @property
    def name(self) -> str:
        """The name in messages."""
        return self.origin.shown if self.origin else self.uri

    @cached_property
    def _read(self) -> tuple[Document | None, list[Diagnostic]]:
        return read_text(self.text.text, self.name, documents.is_key)

    @cached_property
    def keys(self) -> list[str]:
        """The first keys at the top level, as far as the text can be read."""
        document = self._read[0]
        value = document.value if document else None
        if isinstance(value, Mapping):
            return [key for key in value if isinstance(key, str)][:_MOST_KEYS]
        is_large = is_too_large(self.text.text)
        return [] if is_large else _KEY.findall(self.text.text)[:_MOST_KEYS]

    @cached_property
    def is_ours(self) -> bool:
        """Whether the keys are mostly those of a spec, a recipe or a study."""
        value = self._read[0].value if self._read[0] else None
        extends = str(value.get("extends")) if isinstance(value, Mapping) else ""
        is_spec = extends.startswith("deit_") or extends.endswith((".yaml", ".yml"))
        for names in (spec_fields().keys(), recipe_fields().keys(), _STUDY):
            known = [n for k in self.keys for n in names if is_misspelt(k, n)]
            is_own = any(name not in _SHARED for name in known) or (is_spec and known)
            if is_own and 2 * len(known) >= len(self.keys):
                return True
        return False

    @property
    def fields(self) -> Mapping[str, FieldInfo]:
        """The fields of this kind of document. An empty document can become a spec."""
        is_open = self.is_ours or not set(self.keys) - {"name", "extends"}
        if not is_open or is_too_large(self.text.text):
            return {}
        kind = documents.kind_of(self._read[0])
        if kind is documents.Kind.SPEC:
            return spec_fields()
        return recipe_fields() if kind is documents.Kind.RECIPE else {}

    @cached_property
    def checked(self) -> "documents.CheckedAny | None":
        """The validated document; None if it is another kind of YAML file."""
        if not self.is_ours:
            return None
        checked = documents.check_any_read(*self._read, self.origin)
        return check_taps(checked) if isinstance(checked, Checked) else checked

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All diagnostics, as `deit-spec validate` reports them."""
        return self.checked.diagnostics if self.checked else ()

    @cached_property
    def fixes(self) -> list[tuple[Diagnostic, Fix]]:
        """The diagnostics that have a fix in this document."""
        return documents.own_fixes(self.checked) if self.checked else []

    @cached_property
    def fixed(self) -> str:
        """The text after `deit-spec validate --fix`."""
        text = self.text.text.encode()
        return documents.fix_any_text(text, self.name, (), self.origin).after.decode()
