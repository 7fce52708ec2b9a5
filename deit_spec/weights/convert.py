"""A checkpoint into another format: executed as planned, and written whole."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import product
from pathlib import Path

import torch
from torch import Tensor

from deit_spec.diagnostics import Diagnostic, has_errors
from deit_spec.graph import LayerGraph
from deit_spec.weights import huggingface as hf
from deit_spec.weights import safetensors_file
from deit_spec.weights.checkpoint import Checkpoint, Progress, no_progress
from deit_spec.weights.execute import common_dtype, realise
from deit_spec.weights.graph_parameters import Target
from deit_spec.weights.naming_schemes import DEIT, DEIT3, HF, Dialect
from deit_spec.weights.plan import Plan
from deit_spec.weights.read import files_of
from deit_spec.weights.store import check_free, whole
from deit_spec.weights.weight_findings import WeightsError

TORCH = (".pth", ".pt", ".bin")
SAFETENSORS = ".safetensors"
CHUNK = 1 << 20
MARGIN = 1 << 22
"""More than what a file of torch has beside the numbers."""
TABLES = ("cls_token", "pos_embed", "dist_token")


class To(Enum):
    """Whose format is written."""

    DEIT = "deit"
    TIMM = "timm"
    HF = "hf"


@dataclass(frozen=True)
class Writing:
    """What is written where, in which format."""

    path: Path
    to: To
    dtype: torch.dtype | None = None
    force: bool = False

    @property
    def members(self) -> tuple[str, ...]:
        """The files of a directory; none where a file is written."""
        return hf.MEMBERS if self.to is To.HF else ()


def convert(
    graph: LayerGraph,
    plan: Plan,
    checkpoint: Checkpoint,
    writing: Writing,
    progress: Progress = no_progress,
) -> tuple[Diagnostic, ...]:
    """Execute a plan and write the result; return what is worth knowing of it.

    Raises:
        WeightsError: The format cannot say the model.
        ValueError: The name of the file is that of no format.
        OSError: The path is taken, is what is read, or cannot be written.
    """
    target = Target(graph)
    keep_source(Path(checkpoint.name), writing)
    check_free(writing.path, force=writing.force, members=writing.members)
    _check_name(writing)
    found: tuple[Diagnostic, ...] = ()
    if writing.to is To.HF:
        found = tuple(hf.find_obstacles(target, graph.name))
        if has_errors(found):
            raise WeightsError(found)
    kind = writing.dtype or common_dtype(plan, checkpoint)
    with whole(writing.path, force=writing.force, members=writing.members) as place:
        tensors = in_order(dict(realise(plan, checkpoint, kind, progress)))
        named = dict(rename(dialect_of(writing.to, target), tensors))
        if writing.to is To.HF:
            _write_configs(place, target, str(kind).removeprefix("torch."))
        file = place / hf.MODEL if writing.to is To.HF else place
        _write_tensors(file, named, progress, wrapped=writing.to is To.DEIT)
    return found


def _check_name(writing: Writing) -> None:
    """See that a file is called as one, and a directory not as a file.

    Raises:
        ValueError: It is not.
    """
    suffixes = (SAFETENSORS, *TORCH)
    is_file = writing.path.suffix in suffixes
    if writing.to is To.HF and is_file:
        reason = "`--to hf` writes a directory, and this is the name of a file"
        raise ValueError(f"{reason}; try {writing.path.with_suffix('')}")
    if writing.to is not To.HF and not is_file:
        raise ValueError(
            f"a file is called *{', *'.join(suffixes[:-1])} or *{suffixes[-1]}"
        )


def keep_source(source: Path, writing: Writing) -> None:
    """Refuse to write to a file that is read from, under whatever name.

    A directory is read as a whole, so nothing in it is written to, nor is a
    directory whose members are read.

    Raises:
        OSError: They are one.
    """
    members = (writing.path / name for name in writing.members)
    for read, written in product(files_of(source), (writing.path, *members)):
        if read.exists() and written.exists() and read.samefile(written):
            raise FileExistsError(None, f"it is the checkpoint {source}")


def in_order(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Put tables first, as the modules of the original repository and timm do."""
    tables = {name: tensors[name] for name in TABLES if name in tensors}
    return tables | tensors


def dialect_of(to: To, target: Target) -> Dialect:
    """The names that a format has for a model's tensors."""
    if to is To.HF:
        return HF[hf.class_of(target)]
    return DEIT3 if to is To.DEIT and target.facts.layer_scale else DEIT


def rename(
    dialect: Dialect, tensors: Mapping[str, Tensor]
) -> Iterator[tuple[str, Tensor]]:
    """Give tensors their names in a dialect, in as many parts as it has them."""
    for name, tensor in tensors.items():
        names = dialect.write(name)
        if names is None:
            raise AssertionError(f"{dialect.title} have none for {name}")
        yield from zip(names, tensor.chunk(len(names)), strict=True)


def _write_configs(place: Path, target: Target, dtype: str) -> None:
    place.mkdir()
    _write_json(place / hf.CONFIG, hf.config(target, dtype))
    _write_json(place / hf.PREPROCESSOR, hf.preprocessor(target))


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
        _ask_for_reason(place, sum(tensor.nbytes for tensor in tensors.values()))
        raise
    progress("writing", 1, 1)


def _ask_for_reason(place: Path, size: int) -> None:
    """Write on where torch could not, which says of no file why.

    It would say so of an open file, and leave the stem of its name out of it.

    Raises:
        OSError: The disk is full, or the like.
    """
    with place.open("ab", buffering=0) as file:
        for _ in range(0, size + MARGIN, CHUNK):
            file.write(bytes(CHUNK))
        os.fsync(file.fileno())


def _write_json(path: Path, value: Mapping[str, object]) -> None:
    text = json.dumps(value, indent=2, sort_keys=True)
    path.write_text(f"{text}\n", encoding="utf-8")
