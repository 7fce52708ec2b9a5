"""The spec that a path names: a YAML file, or a model folder that has one.

This imports what a YAML spec needs; a model folder imports more.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import TypeGuard

from deit_spec.diagnostics import DiagnosedError
from deit_spec.recipe import run_files as files
from deit_spec.spec import Checked, SpecLike, check_spec
from deit_spec.spec.origin import (
    EXPORTED_SUFFIXES,
    WEIGHTS_SUFFIXES,
    has_no_spec,
    is_published,
)


def is_model_path(spec: object) -> TypeGuard[str | os.PathLike[str]]:
    """Whether a spec is the path of a folder, of weights or of an exported file."""
    if not isinstance(spec, str | os.PathLike):
        return False
    name = os.fspath(spec)
    if not name or "\0" in name or (isinstance(spec, str) and is_published(spec)):
        return False
    path = Path(name)
    try:
        has_suffix = path.suffix.lower() in (*WEIGHTS_SUFFIXES, *EXPORTED_SUFFIXES)
        return (has_suffix and path.is_file()) or path.is_dir()
    except (OSError, ValueError):  # the name is too long or not valid
        return False


def is_model_folder(folder: Path) -> bool:
    """Whether a folder is a run or another model, not one of specs."""
    run = (files.SPEC, files.RECIPE)
    return has_no_spec(folder) or all((folder / name).is_file() for name in run)


def check_spec_or_model(spec: SpecLike) -> Checked:
    """Check a spec as `check_spec` does, or the spec of a model folder or file."""
    if not is_model_path(spec):
        return check_spec(spec)
    from deit_spec.model.model_folder import check_folder  # noqa: PLC0415

    try:
        return check_folder(Path(spec))
    except DiagnosedError as error:
        return Checked(None, tuple(error.diagnostics))


def check_model(path: str) -> Checked:
    """Check all parts of a model folder or file, and return its spec."""
    from deit_spec.model.model_folder import open_model_folder  # noqa: PLC0415

    try:
        opened = open_model_folder(Path(path))
    except DiagnosedError as error:
        return Checked(None, tuple(error.diagnostics))
    own = opened.checked.diagnostics
    more = tuple(each for each in opened.diagnostics if each not in own)
    return replace(opened.checked, diagnostics=(*own, *more))
