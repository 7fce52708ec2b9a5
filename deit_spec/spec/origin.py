"""Where a spec is read from: a file, or the published specs."""

import os
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TypeAlias

from deit_spec import published
from deit_spec.diagnostics import Diagnostic, Label, diagnose
from deit_spec.spec.nearest import closest_word
from deit_spec.spec.schema import TOP, VARIANT
from deit_spec.yaml_source import Document, read_bytes, read_file
from deit_spec.yaml_source.document import IsKey
from deit_spec.yaml_source.reader import real

Found: TypeAlias = tuple[Document | None, list[Diagnostic]]

UNREADABLE = "DS009"
WEIGHTS_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth")
"""The extensions of weights; a file with another one is a spec."""
EXPORTED_SUFFIXES = (".onnx", ".pt2", ".xml")
"""The extensions of exported files."""
REVISION = "git:"
"""What a spec in a revision of git starts with: `git:REV:PATH`."""
SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a spec is read from: `path`, or None for the published one of a name."""

    stem: str
    path: Path | None = None

    @property
    def shown(self) -> str:
        """What messages call it."""
        if self.path is None:
            return f"published:{self.stem}"
        path = str(self.path)
        return f"./{path}" if is_published(path) else path

    @property
    def short(self) -> str:
        """What a list of several calls it."""
        return self.stem if self.path is None else self.path.name

    @property
    def folder(self) -> Path:
        """What its own paths are relative to."""
        return Path() if self.path is None else self.path.parent

    def is_same(self, other: "Origin") -> bool:
        """Whether both are one spec, whatever it is called. They have been read."""
        if self.path is None or other.path is None:
            return self == other
        return real(self.path) == real(other.path)

    def read(self, is_key: IsKey | None = None) -> Found:
        """Read it; a file that is not there may be a published name misspelt."""
        if self.path is None:
            return _read_published(self.stem, self.shown)
        document, findings = read_file(self.path, self.shown, is_key or is_spec_key)
        if is_unreadable(findings):
            (finding,) = findings
            return None, [replace(finding, helps=self.meant() or finding.helps)]
        return document, findings

    def meant(self, written: str = "") -> tuple[str, ...]:
        """A help that suggests the file or published spec that a path may mean."""
        if self.path is None:
            return ()
        for suffix in SUFFIXES if self.path.name else ():
            if _is_file(self.path.with_name(f"{self.path.name}{suffix}")):
                return (f"did you mean `{written or self.path}{suffix}`?",)
        name = self.path.stem
        begun = [each for each in published.names() if name and each.startswith(name)]
        meant = begun[0] if len(begun) == 1 else closest_word(name, published.names())
        if meant is None:
            return ()
        return (f"did you mean `{meant}`? `deit-spec list` prints the published names",)


def is_spec_key(word: str) -> bool:
    """Whether a word is a key of a spec, possibly misspelt."""
    if word in TOP or word in VARIANT:
        return True
    from deit_spec.spec.field_names import SPEC  # noqa: PLC0415  -- on errors alone

    return SPEC.is_key(word)


@cache
def _read_published(name: str, shown: str) -> Found:
    """Read a published spec once; many specs extend the same one."""
    return read_bytes(published.read(name), shown)


def is_published(name: str) -> bool:
    """Whether a name is that of a published spec; a path with a suffix is not."""
    return name.isidentifier() and name in published.names()


def locate(reference: str, folder: Path) -> Origin:
    """Find what a reference means: a published name, or a path from a folder."""
    if is_published(reference):
        return Origin(reference)
    return at(_short(folder / reference))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # not a valid file name
        return False


def _short(path: Path) -> Path:
    """Remove `..` from a path, unless a symbolic link gives it another meaning."""
    if ".." not in path.parts:
        return path
    short = Path(os.path.normpath(path))
    try:
        return short if real(short) == real(path) else path
    except ValueError:  # not a valid file name
        return path


def at(path: Path) -> Origin:
    """The origin of a spec in a file."""
    return Origin(path.stem, path)


def is_unreadable(findings: list[Diagnostic]) -> bool:
    """Whether there was no file to read."""
    return bool(findings) and findings[0].code == UNREADABLE


def has_no_spec(path: Path) -> bool:
    """Whether a path leads to weights, or a folder with weights, without a spec."""
    if _is_file(path):
        return path.suffix.lower() in (*WEIGHTS_SUFFIXES, *EXPORTED_SUFFIXES)
    own = ("config.json", "model.safetensors")
    return not _is_file(path / "spec.yaml") and any(_is_file(path / x) for x in own)


def not_a_spec(path: Path, here: Label, field: str, takes: str) -> Diagnostic:
    """Report a field that names weights or a model folder, not a spec (DS009)."""
    return diagnose(
        UNREADABLE,
        f"`{field}` takes {takes}, and {path} has no spec",
        here,
        helps=[f"`deit-spec weights inspect {path} -o spec.yaml` writes a spec"],
    )


def not_found(
    origin: Origin, here: Label, field: str, name: str, found: list[Diagnostic]
) -> Diagnostic:
    """Report a field that names a spec that cannot be read (DS009)."""
    rule = "name a published spec, or a path relative to this file"
    return diagnose(
        UNREADABLE,
        found[0].message if name and found else f"`{field}` does not name a file",
        here,
        notes=[f"looked for {origin.shown}"] if name else [],
        helps=(origin.meant(name) if name else ()) or [rule],
    )
