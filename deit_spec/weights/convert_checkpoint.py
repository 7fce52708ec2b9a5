"""Convert a checkpoint: execute its plan, and write the result in another format."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from deit_spec.atomic_write import atomic_write, sync_directory, write_file
from deit_spec.diagnostics import Diagnostic, has_errors
from deit_spec.diagnostics.printable import counted
from deit_spec.graph import LayerGraph
from deit_spec.recipe.run_files import CONFIG, PREPROCESSOR, WEIGHTS
from deit_spec.weights import safetensors_file
from deit_spec.weights.checkpoint import Checkpoint
from deit_spec.weights.execute import common_dtype, realise
from deit_spec.weights.library_config import hf_class, hf_config, timm_config
from deit_spec.weights.naming_schemes import DEIT, DEIT3, HF, NamingScheme
from deit_spec.weights.plan import Plan
from deit_spec.weights.read import files_of
from deit_spec.weights.shape_info import GraphParameters
from deit_spec.weights.target_formats import To, find_limits
from deit_spec.weights.weight_findings import WeightsError, finding, some

SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")
TABLES = ("cls_token", "pos_embed", "dist_token")


@dataclass(frozen=True)
class Writing:
    """Where a checkpoint is written, in which format, and what is written with it.

    `path` is a file or, for transformers and for timm without a suffix, a folder.
    `dtype` is by default the narrowest that can represent all tensors. `preprocessing`
    is the content of `preprocessor_config.json`, or entries of timm's `pretrained_cfg`.
    `metadata` is for a single safetensors file.
    """

    path: Path
    to: To
    dtype: torch.dtype | None = None
    force: bool = False
    preprocessing: Mapping[str, Any] | None = None
    classes: tuple[str, ...] | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_folder(self) -> bool:
        """Whether a folder is written."""
        return self.to is To.HF or (self.to is To.TIMM and not self.path.suffix)

    @property
    def files(self) -> list[Path]:
        """The files that are written: one, or those of a folder, the weights last."""
        if not self.is_folder:
            return [self.path]
        names = [CONFIG, WEIGHTS]
        if self.to is To.HF and self.preprocessing is not None:
            names.insert(1, PREPROCESSOR)
        return [self.path / name for name in names]


def convert(
    graph: LayerGraph, plan: Plan, checkpoint: Checkpoint, writing: Writing
) -> tuple[Diagnostic, ...]:
    """Execute a plan, write the result, and return warnings about it.

    Raises WeightsError if the format cannot express the model, ValueError for a wrong
    extension or number of class names, and OSError if the path cannot be written.
    """
    model = GraphParameters(graph)
    _check_output(Path(checkpoint.name), writing)
    if writing.classes is not None and len(writing.classes) != model.info.num_classes:
        names = f"the number of class names is {len(writing.classes):,}"
        raise ValueError(f"{names}, but num_classes is {model.info.num_classes}")
    found = find_limits(model, writing.to, checkpoint.name)
    if has_errors(found):
        raise WeightsError(found)
    exact = common_dtype(plan, checkpoint)
    kind = writing.dtype or exact
    tensors = dict(realise(plan, checkpoint, exact))
    found += _find_overflow(tensors, kind, checkpoint.name)
    # Tokens and positions are first, as in the original repository and in timm.
    order = [name for name in TABLES if name in tensors] + list(tensors)
    tensors = {name: tensors[name].to(kind) for name in order}
    scheme = _scheme(model, writing.to)
    named = dict(rename(scheme, tensors))
    if writing.is_folder:
        _write_folder(writing, _configs(model, writing, kind), named)
    else:
        _write_file(writing, named)
    return tuple(found)


def _find_overflow(
    tensors: Mapping[str, Tensor], dtype: torch.dtype, name: str
) -> Iterator[Diagnostic]:
    """DS427: values that become infinite in another dtype."""
    largest = torch.finfo(dtype).max
    lost: dict[str, float] = {}
    for key, tensor in tensors.items():
        if torch.finfo(tensor.dtype).max > largest:
            beyond = tensor[tensor.isfinite() & tensor.to(dtype).isinf()]
            if beyond.numel():
                lost[key] = float(beyond[beyond.abs().argmax()])
    if lost:
        title, number = str(dtype).removeprefix("torch."), counted(len(lost), "tensor")
        verb = "has" if len(lost) == 1 else "have"
        message = f"{number} {verb} values beyond the range of {title}"
        values = some(f"{key} with {value:,.7g}" for key, value in lost.items())
        notes = [f"values above {largest:,.7g} become infinite: {values}"]
        wider = "`--dtype bfloat16` has the range of float32, and less precision"
        helps = [wider] if dtype is torch.float16 else []
        yield finding("DS427", message, name, notes=notes, helps=helps)


def _scheme(model: GraphParameters, to: To) -> NamingScheme:
    """The names of a format."""
    if to is To.HF:
        return HF[hf_class(model)]
    return DEIT3 if to is To.DEIT and model.info.layer_scale else DEIT


def _configs(
    model: GraphParameters, writing: Writing, dtype: torch.dtype
) -> dict[str, Mapping[str, Any]]:
    """The content of the JSON files of a folder, by their names."""
    preprocessing, classes = writing.preprocessing, writing.classes
    if writing.to is To.TIMM:
        return {CONFIG: timm_config(model, preprocessing, classes)}
    title = str(dtype).removeprefix("torch.")
    config = hf_config(model, title, classes)
    if preprocessing is None:
        return {CONFIG: config}
    return {CONFIG: config, PREPROCESSOR: preprocessing}


def _check_output(source: Path, writing: Writing) -> None:
    """Check the output's extension, and that nothing is overwritten unasked."""
    path = writing.path
    if writing.is_folder and path.suffix in SUFFIXES:
        reason = "`--to hf` writes a directory, and this is a file name"
        raise ValueError(f"{reason}; try {path.with_suffix('')}")
    if writing.is_folder and path.exists() and not path.is_dir():
        raise FileExistsError(None, "it exists and is not a directory")
    if not writing.is_folder and path.suffix not in SUFFIXES:
        *others, last = SUFFIXES
        folder = "; a folder has no extension" if writing.to is To.TIMM else ""
        raise ValueError(f"the extension must be {', '.join(others)} or {last}{folder}")
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


def _write_folder(
    writing: Writing, configs: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> None:
    """Write the files of a folder, and move them to it, weights last."""
    target = writing.path.resolve()
    prefix = f".{target.name}."
    with TemporaryDirectory(dir=target.parent, prefix=prefix) as temporary:
        folder = Path(temporary)
        for name, value in configs.items():
            text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
            write_file(folder / name, f"{text}\n")
        with atomic_write(folder / WEIGHTS) as file:
            safetensors_file.write(file, tensors)
        target.mkdir(exist_ok=True)
        for path in writing.files:
            (folder / path.name).replace(target / path.name)
        sync_directory(target)


def _write_file(writing: Writing, tensors: Mapping[str, Tensor]) -> None:
    """Write one file; the original repository has tensors under the key `model`."""
    with atomic_write(writing.path) as file:
        if writing.path.suffix == ".safetensors":
            safetensors_file.write(file, tensors, metadata=writing.metadata)
        else:
            wrapped = {"model": tensors} if writing.to is To.DEIT else tensors
            torch.save(wrapped, file)
