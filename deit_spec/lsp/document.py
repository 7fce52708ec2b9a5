"""A version of an open document, and what is worked out from it, once."""

from functools import cached_property
from pathlib import Path

from pygls.uris import to_fs_path

from deit_spec.diagnostics import Diagnostic, Fix
from deit_spec.graph import LayerGraph
from deit_spec.lsp.positions import Text
from deit_spec.pipeline import SpecError, finish
from deit_spec.recipe.documents import Kind, check_any_read, checker, is_key, kind_of
from deit_spec.spec import Checked, check_read
from deit_spec.spec.fix_loop import is_own, mend_text_as
from deit_spec.spec.origin import Origin, at
from deit_spec.spec.spec_validation import told
from deit_spec.yaml_source import Document as Read
from deit_spec.yaml_source import read_text
from deit_spec.yaml_source.document import is_too_large

_DEEPEST = 100
"""Blocks up to which a graph is laid out within a tenth of a second."""


class Document:
    """One version. A change makes another document."""

    def __init__(self, uri: str, version: int, text: Text) -> None:
        self.uri = uri
        self.version = version
        self.text = text
        path = to_fs_path(uri)
        if path and "\0" in path:  # no file can be called so
            path = None
        self.origin: Origin | None = at(Path(path)) if path else None

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.origin.shown if self.origin else self.uri

    @property
    def is_too_large(self) -> bool:
        """Whether it is refused unread, whatever it says."""
        return is_too_large(self.text.text)

    @cached_property
    def checked(self) -> Checked:
        """What is found in it, as much as `deit-spec validate` tells of it.

        What it extends or names is read from disk. A recipe has findings, and no
        spec.
        """
        if not self.is_spec:
            found = check_any_read(*self._read, self.origin)
            return Checked(None, found.diagnostics, found.document)
        stem = self.origin.stem if self.origin else "deit"
        return told(check_read(*self._read, stem, self.origin))

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

    @cached_property
    def fixes(self) -> tuple[tuple[Diagnostic, Fix], ...]:
        """The findings that a fix of this document goes with, and the fix."""
        found = self.checked
        return tuple(
            (each, each.fix)
            for each in found.diagnostics
            if each.fix and is_own(each.fix, found)
        )

    @cached_property
    def fixed(self) -> str:
        """The text as `deit-spec validate --fix` would write it."""
        text = self.text.text.encode()
        mended = mend_text_as(checker(), text, self.name, self.origin)
        return mended.after.decode()
