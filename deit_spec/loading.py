"""From a spec and a checkpoint to a module with weights."""

import inspect
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deit_spec.diagnostics import Diagnostic, Severity
from deit_spec.graph import LayerGraph
from deit_spec.model.spec_or_model import check_spec_or_model, is_model_path
from deit_spec.passes import PassOptions
from deit_spec.pipeline import (
    Compiled,
    TargetName,
    compile_checked,
    finish,
    options_of,
    target_of,
)
from deit_spec.spec import SpecLike, with_merge_tokens

if TYPE_CHECKING:
    import os

    import torch
    from torch import nn

    from deit_spec.model.model_folder import ModelFolder
    from deit_spec.weights import Permission

OWN: "frozenset[Permission]" = frozenset({"drop"})
"""What the weights of a model may need: to drop tensors without an effect."""


def load(  # noqa: PLR0913  -- one argument per option
    spec: SpecLike,
    *,
    target: TargetName = "train",
    drop_unread: bool | None = None,
    taps: Sequence[str] | None = None,
    until: str | None = None,
    merge_tokens: int | Sequence[int] | None = None,
    weights: "str | os.PathLike[str] | None" = None,
    strict: bool = True,
    allow: "Collection[Permission] | None" = None,
    antialias: bool = False,
    entry: str | None = None,
    device: "torch.device | str | None" = None,
    dtype: "torch.dtype | str | None" = None,
) -> "nn.Module":
    """Compile a spec and build its module, with new weights or those of a checkpoint.

    `model(images)` takes `[B, in_channels, image_size, image_size]`. With both
    class counts it returns `DeiTOutput(cls=[B, K], dist=[B, T])`, with only
    `num_classes` it returns `[B, K]`, otherwise `[B, C]`. With the target `inference`
    it returns what `model.predict(images)` returns, the combined heads.
    With taps it returns a named tuple of these outputs and `taps`, a dict.

    If `spec` is a model folder or a run's `model.safetensors`, its own weights are
    loaded; `load(load_spec(folder))` builds the model with new ones. Warnings about a
    checkpoint, such as a different `layer_norm_eps` in its config, are issued as
    UserWarning.

    Args:
        spec: What `load_spec` takes, except an exported file.
        target: As in `compile`.
        drop_unread: As in `compile`.
        taps: As in `compile`.
        until: As in `compile`.
        merge_tokens: As in `compile`.
        weights: A checkpoint: a file or a directory. By default its tensors are only
            renamed and fused.
        strict: False also allows all other changes that a plan can make.
        allow: The changes that are allowed, whatever `strict` is: `resample`, `heads`,
            `channels`, `distillation`, `drop`.
        antialias: Whether to use antialiasing when positions are resampled to a smaller
            grid.
        entry: The key of the model in a file with several.
        device: Where the weights are; by default the CPU.
        dtype: The type of the weights, such as `"bfloat16"`; by default those of the
            checkpoint, or float32 for new weights.

    Raises:
        SpecError: The spec has errors.
        WeightsError: The checkpoint cannot be read, or does not match the spec.
        TypeError: `weights` is a state dict, not a path to one.
        ValueError: The target, the dtype or a value of `allow` is unknown, or an option
            for weights is set without `weights`.
    """
    options = options_of(drop_unread=drop_unread, taps=taps, until=until)
    checked = with_merge_tokens(check_spec_or_model(spec), merge_tokens)
    compiled = compile_checked(checked, target_of(target), options)
    own: frozenset[Permission] = frozenset()
    if weights is None and is_model_path(spec):
        from deit_spec.model.model_folder import weights_of

        weights, own = weights_of(Path(spec)), OWN
    if weights is None:
        if not strict or allow is not None or antialias or entry is not None:
            raise ValueError("strict, allow, antialias and entry require weights")
        return compiled.build(device=device, dtype=dtype)
    if isinstance(weights, Mapping):
        raise TypeError(
            "weights must be a path; load a state dict with `model.load_state_dict`"
        )
    from deit_spec.weights import allowed

    return load_weights(
        compiled,
        weights,
        permissions=allowed(strict=strict, allow=allow) | own,
        antialias=antialias,
        entry=entry,
        device=device,
        dtype=dtype,
        report=issue_warnings,
        whole=None if until is None else finish(checked),
    )


def load_model_weights(
    opened: "ModelFolder",
    *,
    target: TargetName,
    device: "torch.device | str | None" = None,
    dtype: "torch.dtype | str | None" = None,
) -> "nn.Module":
    """Build the module of a model folder with its weights, without the spec's taps.

    Warnings are issued as UserWarning. Raises WeightsError, or ValueError for the
    dtype.
    """
    return load_weights(
        compile_checked(opened.checked, target_of(target), PassOptions(taps=())),
        opened.weights,
        permissions=OWN,
        device=device,
        dtype=dtype,
        report=issue_warnings,
    )


def load_weights(  # noqa: PLR0913  -- one argument per option
    compiled: Compiled,
    weights: "str | os.PathLike[str]",
    *,
    permissions: "frozenset[Permission]",
    antialias: bool = False,
    entry: str | None = None,
    device: "torch.device | str | None" = None,
    dtype: "torch.dtype | str | None" = None,
    report: Callable[[Sequence[Diagnostic]], object],
    whole: LayerGraph | None = None,
) -> "nn.Module":
    """Build a compiled spec with the weights of a checkpoint.

    `report` receives the warnings. `whole` is the graph of the complete model, if the
    compiled one ends earlier. Raises WeightsError, or ValueError for the dtype.
    """
    from deit_spec.weights import fill, make_plan, open_checkpoint, require

    checkpoint = open_checkpoint(weights, entry=entry)
    plan = make_plan(whole or compiled.graph, checkpoint, antialias=antialias)
    require(plan, permissions)
    report([each for each in plan.diagnostics if each.severity is Severity.WARNING])
    plan = plan.limited_to(compiled.graph)
    source, name = compiled.source, compiled.graph.name
    return fill(source, name, plan, checkpoint, device=device, dtype=dtype)


def issue_warnings(found: Sequence[Diagnostic]) -> None:
    """Issue diagnostics as warnings of Python, at the caller of this package."""
    for each in found:
        warnings.warn(f"{each.code}: {each.message}", stacklevel=_frames_of_package())


def _frames_of_package() -> int:
    """The frames of this package on the stack: a `stacklevel` that is outside of it."""
    frame, count = inspect.currentframe(), 0
    own = f"{__name__.partition('.')[0]}."
    while frame is not None and frame.f_globals.get("__name__", "").startswith(own):
        frame, count = frame.f_back, count + 1
    return count
