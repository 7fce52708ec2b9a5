"""Convert a checkpoint: execute its plan, and write the result in another format."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from deit_spec.atomic_write import atomic_write, sync_directory, write_file
from deit_spec.diagnostics import Diagnostic, has_errors
from deit_spec.graph import LayerGraph
from deit_spec.weights import huggingface, safetensors_file
from deit_spec.weights.execute import common_dtype, realise
from deit_spec.weights.naming_schemes import DEIT, DEIT3, HF, NamingScheme
from deit_spec.weights.plan import Plan
from deit_spec.weights.read import files_of
from deit_spec.weights.shape_info import GraphParameters
from deit_spec.weights.state_dict import Checkpoint
from deit_spec.weights.weight_findings import WeightsError

SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")
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
    def files(self) -> list[Path]:
        """The files that are written: one, or those of a directory."""
        if self.to is not To.HF:
            return [self.path]
        return [self.path / name for name in huggingface.MEMBERS]


def convert(
    graph: LayerGraph, plan: Plan, checkpoint: Checkpoint, writing: Writing
) -> tuple[Diagnostic, ...]:
    """Execute a plan, write the result, and return warnings about it.

    Raises:
        WeightsError: The format cannot express the model.
        ValueError: The output has the wrong file extension.
        OSError: The path exists, is the checkpoint itself, or cannot be written.
    """
    model = GraphParameters(graph)
    _check_output(Path(checkpoint.name), writing)
    found: tuple[Diagnostic, ...] = ()
    if writing.to is To.HF:
        found = tuple(huggingface.find_unsupported(model, graph.name))
        if has_errors(found):
            raise WeightsError(found)
    kind = writing.dtype or common_dtype(plan, checkpoint)
    tensors = dict(realise(plan, checkpoint, kind))
    # Tokens and positions are first, as in the original repository and in timm.
    first = {name: tensors[name] for name in TABLES if name in tensors}
    tensors = first | tensors
    if writing.to is To.HF:
        named = dict(rename(HF[huggingface.class_of(model)], tensors))
        _write_directory(writing.path, model, named, kind)
    else:
        for_deit = writing.to is To.DEIT
        scheme = DEIT3 if for_deit and model.info.layer_scale else DEIT
        _write_tensors(writing.path, dict(rename(scheme, tensors)), wrapped=for_deit)
    return found


def _check_output(source: Path, writing: Writing) -> None:
    """Check the output's extension, and that nothing is overwritten unasked."""
    path = writing.path
    if writing.to is To.HF and path.suffix in SUFFIXES:
        reason = "`--to hf` writes a directory, and this is a file name"
        raise ValueError(f"{reason}; try {path.with_suffix('')}")
    if writing.to is To.HF and path.exists() and not path.is_dir():
        raise FileExistsError(None, "it exists and is not a directory")
    if writing.to is not To.HF and path.suffix not in SUFFIXES:
        *others, last = SUFFIXES
        raise ValueError(f"the extension must be {', '.join(others)} or {last}")
    written = [each for each in (path, *writing.files) if os.path.lexists(each)]
    for read, each in product(files_of(source), written):
        if read.exists() and each.exists() and read.samefile(each):
            raise FileExistsError(None, f"this is the checkpoint {source} itself")
    if not writing.force and set(written) & set(writing.files):
        raise FileExistsError(None, "it already exists; use --force to overwrite it")


def rename(
    scheme: NamingScheme, tensors: Mapping[str, Tensor]
) -> Iterator[tuple[str, Tensor]]:
    """Rename tensors from our names to a scheme, and split those that it splits."""
    for name, tensor in tensors.items():
        names = scheme.write(name)
        yield from zip(names, tensor.chunk(len(names)), strict=True)


def _write_directory(
    path: Path,
    model: GraphParameters,
    tensors: Mapping[str, Tensor],
    dtype: torch.dtype,
) -> None:
    """Write the files of transformers, and move them to a directory, weights last."""
    target = path.resolve()
    prefix = f".{target.name}."
    with TemporaryDirectory(dir=target.parent, prefix=prefix) as temporary:
        folder = Path(temporary)
        config = huggingface.config(model, str(dtype).removeprefix("torch."))
        preprocessor = huggingface.preprocessor(model)
        both = (huggingface.CONFIG, config), (huggingface.PREPROCESSOR, preprocessor)
        for name, value in both:
            text = json.dumps(value, indent=2, sort_keys=True)
            write_file(folder / name, f"{text}\n")
        _write_tensors(folder / huggingface.MODEL, tensors, wrapped=False)
        target.mkdir(exist_ok=True)
        for name in huggingface.MEMBERS:
            (folder / name).replace(target / name)
        sync_directory(target)


def _write_tensors(path: Path, tensors: Mapping[str, Tensor], *, wrapped: bool) -> None:
    with atomic_write(path) as file:
        if path.suffix == ".safetensors":
            safetensors_file.write(file, tensors)
        else:
            torch.save({"model": tensors} if wrapped else tensors, file)
