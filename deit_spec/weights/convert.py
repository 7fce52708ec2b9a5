"""Convert a checkpoint: execute its plan, and write the result in another format."""

import json
from collections.abc import Iterator, Mapping
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
from deit_spec.weights.store import check_free, whole
from deit_spec.weights.weight_findings import WeightsError

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
    keep_source(Path(checkpoint.name), writing)
    check_free(writing.path, force=writing.force, members=writing.members)
    _check_name(writing)
    found: tuple[Diagnostic, ...] = ()
    if writing.to is To.HF:
        found = tuple(huggingface.find_obstacles(model, graph.name))
        if has_errors(found):
            raise WeightsError(found)
    kind = writing.dtype or common_dtype(plan, checkpoint)
    with whole(writing.path, force=writing.force, members=writing.members) as place:
        tensors = in_order(dict(realise(plan, checkpoint, kind, progress)))
        named = dict(rename(scheme_of(writing.to, model), tensors))
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


def keep_source(source: Path, writing: Writing) -> None:
    """Check that the output is not the checkpoint, nor a part of it.

    Raises:
        OSError: It is, under this name or through a link.
    """
    members = (writing.path / name for name in writing.members)
    for read, written in product(files_of(source), (writing.path, *members)):
        if read.exists() and written.exists() and read.samefile(written):
            raise FileExistsError(None, f"this is the checkpoint {source} itself")


def in_order(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Put tokens and positions first, as the original repository and timm do."""
    tables = {name: tensors[name] for name in TABLES if name in tensors}
    return tables | tensors


def scheme_of(to: To, model: GraphParameters) -> NamingScheme:
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
