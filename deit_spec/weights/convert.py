"""Convert a checkpoint: execute its plan, and write the result in another format."""

import json
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from itertools import product
from pathlib import Path

import torch
from torch import Tensor

from deit_spec.diagnostics import Diagnostic, has_errors
from deit_spec.graph import LayerGraph
from deit_spec.weights import huggingface, safetensors_file
from deit_spec.weights.execute import common_dtype, realise
from deit_spec.weights.graph_parameters import GraphParameters
from deit_spec.weights.naming_schemes import DEIT, DEIT3, HF, NamingScheme
from deit_spec.weights.plan import Plan
from deit_spec.weights.read import files_of
from deit_spec.weights.state_dict import Checkpoint, Progress, no_progress
from deit_spec.weights.weight_findings import WeightsError, shown

TORCH = (".pth", ".pt", ".bin")
SAFETENSORS = ".safetensors"
CHUNK = 1 << 20
MARGIN = 1 << 22
"""More bytes than a file of torch has besides the tensors."""
TABLES = ("cls_token", "pos_embed", "dist_token")


class To(Enum):
    """The library or repository whose format is written."""

    DEIT = "deit"
    TIMM = "timm"
    HF = "hf"


@dataclass(frozen=True)
class Writing:
    """Where a checkpoint is written, and in which format."""

    path: Path
    to: To
    dtype: torch.dtype | None = None
    force: bool = False

    @property
    def members(self) -> tuple[str, ...]:
        """The files of a directory; none if a single file is written."""
        return huggingface.MEMBERS if self.to is To.HF else ()


def convert(
    graph: LayerGraph,
    plan: Plan,
    checkpoint: Checkpoint,
    writing: Writing,
    progress: Progress = no_progress,
) -> tuple[Diagnostic, ...]:
    """Execute a plan, write the result, and return warnings about it.

    Raises:
        WeightsError: The format cannot express the model.
        ValueError: The output has the wrong file extension.
        OSError: The path exists, is the checkpoint itself, or cannot be written.
    """
    model = GraphParameters(graph)
    _require_other_path(Path(checkpoint.name), writing)
    check_free(writing.path, force=writing.force, members=writing.members)
    _check_name(writing)
    found: tuple[Diagnostic, ...] = ()
    if writing.to is To.HF:
        found = tuple(huggingface.find_unsupported(model, graph.name))
        if has_errors(found):
            raise WeightsError(found)
    kind = writing.dtype or common_dtype(plan, checkpoint)
    with atomic_path(
        writing.path, force=writing.force, members=writing.members
    ) as place:
        tensors = _tables_first(dict(realise(plan, checkpoint, kind, progress)))
        named = dict(rename(_scheme_of(writing.to, model), tensors))
        if writing.to is To.HF:
            _write_configs(place, model, str(kind).removeprefix("torch."))
        file = place / huggingface.MODEL if writing.to is To.HF else place
        _write_tensors(file, named, progress, wrapped=writing.to is To.DEIT)
    return found


def _check_name(writing: Writing) -> None:
    """Check that a file has an extension of its format, and a directory has not.

    Raises:
        ValueError: The name is wrong.
    """
    suffixes = (SAFETENSORS, *TORCH)
    is_file = writing.path.suffix in suffixes
    if writing.to is To.HF and is_file:
        reason = "`--to hf` writes a directory, and this is a file name"
        raise ValueError(f"{reason}; try {writing.path.with_suffix('')}")
    if writing.to is not To.HF and not is_file:
        raise ValueError(
            f"the extension must be {', '.join(suffixes[:-1])} or {suffixes[-1]}"
        )


def _require_other_path(source: Path, writing: Writing) -> None:
    """Check that the output is not the checkpoint, nor a part of it.

    Raises:
        OSError: It is, under this name or through a link.
    """
    members = (writing.path / name for name in writing.members)
    for read, written in product(files_of(source), (writing.path, *members)):
        if read.exists() and written.exists() and read.samefile(written):
            raise FileExistsError(None, f"this is the checkpoint {source} itself")


def _tables_first(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Put tokens and positions first, as the original repository and timm do."""
    tables = {name: tensors[name] for name in TABLES if name in tensors}
    return tables | tensors


def _scheme_of(to: To, model: GraphParameters) -> NamingScheme:
    """The naming scheme of a format, for a model."""
    if to is To.HF:
        return HF[huggingface.class_of(model)]
    return DEIT3 if to is To.DEIT and model.info.layer_scale else DEIT


def rename(
    scheme: NamingScheme, tensors: Mapping[str, Tensor]
) -> Iterator[tuple[str, Tensor]]:
    """Rename tensors from our names to a scheme, and split those that it splits."""
    for name, tensor in tensors.items():
        names = scheme.write(name)
        if names is None:
            raise AssertionError(f"{scheme.title} have none for {name}")
        yield from zip(names, tensor.chunk(len(names)), strict=True)


def _write_configs(place: Path, model: GraphParameters, dtype: str) -> None:
    place.mkdir()
    _write_json(place / huggingface.CONFIG, huggingface.config(model, dtype))
    _write_json(place / huggingface.PREPROCESSOR, huggingface.preprocessor(model))


def _write_tensors(
    place: Path, tensors: dict[str, Tensor], progress: Progress, *, wrapped: bool
) -> None:
    if place.suffix == SAFETENSORS:
        with place.open("wb") as file:
            safetensors_file.write(file, tensors, progress)
        return
    progress("writing", 0, 1)
    try:
        torch.save({"model": tensors} if wrapped else tensors, place)
    except RuntimeError:
        _write_zeros(place, sum(tensor.nbytes for tensor in tensors.values()))
        raise
    progress("writing", 1, 1)


def _write_zeros(place: Path, size: int) -> None:
    """Write a file of some size, because torch does not say why it failed.

    Raises:
        OSError: The disk is full, or a limit is reached.
    """
    with place.open("wb") as file:
        for _ in range(0, size + MARGIN, CHUNK):
            file.write(bytes(CHUNK))


def _write_json(path: Path, value: Mapping[str, object]) -> None:
    text = json.dumps(value, indent=2, sort_keys=True)
    path.write_text(f"{text}\n", encoding="utf-8")


@contextmanager
def atomic_path(
    path: Path, *, force: bool = False, members: Collection[str] = ()
) -> Iterator[Path]:
    """Give a temporary path of the same name, and move it to the path at the end.

    If anything fails, nothing has changed. Whatever is at the path is only replaced
    with `force`, and a directory only if it contains nothing but the `members`. An
    empty directory is always filled.

    A directory is replaced in two steps, between which the old one has the name
    `NAME.old-…`. A process that is killed there leaves it under that name.

    Raises:
        OSError: The path exists, or cannot be written.
    """
    if force or path.is_dir():  # replace the target of a link, not the link
        path = path.resolve()
    check_free(path, force=force, members=members)
    folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        place = folder / path.name
        yield place
        if place.is_dir():
            _move_directory(place, path, folder.name.rpartition(".")[2])
        else:
            place.replace(path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_free(path: Path, *, force: bool, members: Collection[str] = ()) -> None:
    """Check that nothing at a path prevents writing to it.

    Raises:
        OSError: Something does.
    """
    if not os.path.lexists(path):
        return
    if path.is_dir() and not members:
        raise FileExistsError(None, "it is a directory, and this format writes a file")
    if path.exists() and not path.is_dir() and members:
        raise FileExistsError(None, "it is a file, and this format writes a directory")
    found = {each.name for each in path.iterdir()} if path.is_dir() else None
    if found == set():
        return
    if not force:
        raise FileExistsError(None, "it exists; --force replaces it")
    if foreign := sorted((found or set()).difference(members)):
        raise FileExistsError(
            None, f"the directory contains another file, {shown(foreign[0])}"
        )


def _move_directory(place: Path, path: Path, token: str) -> None:
    """Move a directory to a path; the old one there is restored if that fails."""
    if not path.exists():
        place.rename(path)
        return
    aside = path.with_name(f"{path.name}.old-{token}")
    try:
        path.rename(aside)
        place.rename(path)
    except BaseException:
        if aside.exists() and not path.exists():
            aside.rename(path)
        raise
    shutil.rmtree(aside, ignore_errors=True)
