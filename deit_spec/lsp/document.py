"""A version of an open document, and what is worked out from it, once."""

from functools import cached_property
from pathlib import Path

from pygls.uris import to_fs_path

from deit_spec.diagnostics import Diagnostic, Fix
from deit_spec.graph import LayerGraph
from deit_spec.lsp.positions import Text
from deit_spec.pipeline import SpecError, finish
from deit_spec.recipe.documents import check_any_read, is_key
from deit_spec.recipe.kinds import Kind, kind_of
from deit_spec.source import Document as Read
from deit_spec.source import read_text
from deit_spec.source.limits import FILE_BYTES
from deit_spec.spec import Checked, check_read
from deit_spec.spec.origin import Origin, at

_DEEPEST = 100
"""Blocks up to which a graph is laid out within a tenth of a second."""


class Document:
    """One version. A change makes another document."""

    def __init__(self, uri: str, version: int, text: Text) -> None:
        self.uri = uri
        self.version = version
        self.text = text
        path = to_fs_path(uri)
        self.origin: Origin | None = at(Path(path)) if path else None

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.origin.shown if self.origin else self.uri

    @property
    def is_too_large(self) -> bool:
        """Whether it is refused unread, whatever it says."""
        return len(self.text.text) > FILE_BYTES

    @cached_property
    def checked(self) -> Checked:
        """Everything that is found in it, as `deit-spec validate` finds it.

        What it extends or names is read from disk. A recipe has findings, and no
        spec.
        """
        if not self.is_spec:
            found = check_any_read(*self._read, self.origin)
            return Checked(None, found.diagnostics, found.document)
        stem = self.origin.stem if self.origin else "deit"
        return check_read(*self._read, stem, self.origin)

    @property
    def is_spec(self) -> bool:
        """Whether it is a spec, and no recipe or study."""
        return kind_of(self._read[0]) is Kind.SPEC

    @cached_property
    def _read(self) -> tuple[Read | None, list[Diagnostic]]:
        return read_text(self.text.text, self.name, is_key)

    @cached_property
    def graph(self) -> LayerGraph | None:
        """The model that it describes; None where there is none, or it is deep."""
        spec = self.checked.spec
        if spec is None or spec.depth > _DEEPEST:
            return None
        try:
            return finish(self.checked)
        except SpecError:
            return None

    @property
    def extends(self) -> bool:
        """Whether another file may have a say in it."""
        return "extends" in self.text.text or not self.is_spec

    def is_own(self, fix: Fix) -> bool:
        """Whether a fix edits this document."""
        return all(edit.span.source.name == self.name for edit in fix.edits)
