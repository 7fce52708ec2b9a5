"""Specs, and those of runs, as they are in a revision of git: `git:REV:path`."""

import os
import subprocess
from pathlib import Path
from shutil import which
from typing import NamedTuple

from deit_spec.diagnostics import DiagnosedError, Label, Span, diagnose
from deit_spec.recipe.run_files import SPEC
from deit_spec.spec import Checked, check_text
from deit_spec.spec.origin import (
    EXPORTED_SUFFIXES,
    REVISION,
    WEIGHTS_SUFFIXES,
    at,
    locate,
)
from deit_spec.yaml_source import read_bytes
from deit_spec.yaml_source.document import FILE_BYTES
from deit_spec.yaml_source.reader import as_if_written, real


class NotInGitError(DiagnosedError, ValueError):
    """Git does not have a revision or a file (DS313)."""

    headline = "the revision cannot be read"


def is_at_revision(reference: str) -> bool:
    """Whether a reference names a file in a revision."""
    return reference.startswith(REVISION)


def check_at_revision(reference: str) -> Checked:
    """Check the spec `git:REV:path`, with what it extends in the same revision.

    As in git, the path begins at the root of the repository, or with `./` at the
    working folder. It may be that of a run, whose weights are not read.

    Raises:
        NotInGitError: There is no such repository, revision or file, or the path is not
            that of a spec or of a run.
    """
    revision, _, name = reference.removeprefix(REVISION).partition(":")
    if not name:
        raise _refuse(reference, "the path is missing", "write `git:REV:PATH`")
    tree = _Tree.open(reference, revision)
    is_relative = name.startswith(("./", "../"))
    named = Path(os.path.relpath(name if is_relative else tree.root / name))
    spec = tree.spec(named)
    origin = at(spec)
    path: Path | None = real(origin.folder) / spec.name
    texts: dict[Path, bytes] = {}
    while path is not None and path not in texts:
        texts[path] = tree.read(path)
        base = _base_of(texts[path], Path(os.path.relpath(path)).parent)
        path = base if base and base.is_relative_to(tree.root) else None
    with as_if_written(texts):
        return check_text(next(iter(texts.values())), reference, origin)


class _Tree(NamedTuple):
    """The files of a commit; `reference` is what messages are about."""

    reference: str
    revision: str
    commit: str
    root: Path

    @classmethod
    def open(cls, reference: str, revision: str) -> "_Tree":
        """Find the repository of the working folder, and the commit of a revision."""
        if which("git") is None:
            raise _refuse(reference, "git is not installed")
        found = _git("rev-parse", "--show-toplevel")
        if found is None:
            message = "the working folder is not in a git repository"
            raise _refuse(reference, message)
        root = Path(os.fsdecode(found.rstrip(b"\n")))
        verify = ("rev-parse", "--quiet", "--verify", "--end-of-options")
        commit = _git(*verify, f"{revision}^{{commit}}")
        if commit is None or not revision:
            message = f"`{revision}` is not a revision of the repository"
            raise _refuse(reference, message, "`git log --all --oneline` lists commits")
        return cls(reference, revision, commit.decode().strip(), root)

    def spec(self, path: Path) -> Path:
        """The spec at a path, or in the folder of a run."""
        name = self.name(path)
        if path.suffix.lower() in {*WEIGHTS_SUFFIXES, *EXPORTED_SUFFIXES}:
            message = f"{name} is a model in one file, whose spec is not read from git"
            help_ = f"`git show {self.revision}:{name} > FILE` writes the file"
            raise _refuse(self.reference, message, help_)
        if _git("cat-file", "-t", f"{self.commit}:{name}") != b"tree\n":
            return path
        if _git("cat-file", "-e", f"{self.commit}:{name}/{SPEC}") is None:
            message = f"the folder {name} has no {SPEC} in `{self.revision}`"
            help_ = "name a spec, or a run; weights are not read from git"
            raise _refuse(self.reference, message, help_)
        return path / SPEC

    def name(self, path: Path) -> str:
        """The name of a path in the repository."""
        return Path(os.path.relpath(path, self.root)).as_posix()

    def read(self, path: Path) -> bytes:
        """Read a file, up to the limit of a spec's size."""
        name = self.name(path)
        found = _git("cat-file", "blob", f"{self.commit}:{name}")
        if found is None:
            message = f"`{self.revision}` has no file {name}"
            help_ = f"`git ls-tree -r --name-only {self.revision}` lists its files"
            raise _refuse(self.reference, message, help_)
        return found[: FILE_BYTES + 1]


def _base_of(text: bytes, folder: Path) -> Path | None:
    """The file that the text of a spec extends, if it is not a published one."""
    document, _ = read_bytes(text, "<base>")
    base = document.at(("extends",)) if document is not None else None
    path = locate(base, folder).path if isinstance(base, str) else None
    return None if path is None else real(path)


def _git(*arguments: str) -> bytes | None:
    """Run git; None if it fails."""
    done = subprocess.run(  # noqa: S603  -- no shell, and no argument is an option
        ["git", *arguments],  # noqa: S607  -- as the shell of the user finds it
        capture_output=True,
        check=False,
    )
    return done.stdout if done.returncode == 0 else None


def _refuse(reference: str, message: str, *helps: str) -> NotInGitError:
    here = Label(Span.of_file(reference))
    return NotInGitError([diagnose("DS313", message, here, helps=helps)])
