"""The whole flow: text, spec, graph, source, module. Each step is a line here."""

import gc
import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from deit_spec.diagnostics import DiagnosedError, Diagnostic, Severity, Span
from deit_spec.graph import LayerGraph, Target, verify
from deit_spec.lowering import lower as lower_spec
from deit_spec.passes import ShapeInferenceError, infer_shapes, run_passes
from deit_spec.spec import Checked, DeiTSpec, SpecLike, check_spec
from deit_spec.spec import output_size as size_of
from deit_spec.spec.field_names import FIELDS

if TYPE_CHECKING:
    import os

    import torch
    from torch import nn

    from deit_spec.weights import Permission

TargetName: TypeAlias = Literal["train", "inference"]


class SpecError(DiagnosedError, ValueError):
    """A spec has errors. `diagnostics` holds every finding, in source order."""

    headline = "the spec has errors"


@dataclass(frozen=True)
class Compiled:
    """A compiled spec: the final graph and the source made from it.

    `diagnostics` holds the warnings and notes on the spec.
    """

    spec: DeiTSpec
    graph: LayerGraph
    source: str
    diagnostics: tuple[Diagnostic, ...] = ()

    def build(
        self,
        *,
        device: "torch.device | str | None" = None,
        dtype: "torch.dtype | str | None" = None,
    ) -> "nn.Module":
        """Make the module, freshly initialised.

        Raises:
            ValueError: The dtype is not one of torch's floating types.
        """
        from deit_spec.runtime import build  # torch is imported from there down

        return build(self.source, self.graph.name, device=device, dtype=dtype)


def load_spec(spec: SpecLike) -> DeiTSpec:
    """Read and validate a spec: a path, a published name, a mapping, or a DeiTSpec.

    Raises:
        SpecError: The spec has errors.
    """
    return _valid(check_spec(spec))


def output_size(spec: SpecLike) -> int:
    """The width of the class output: `num_classes` if set, else `embed_dim`.

    Raises:
        SpecError: The spec has errors.
    """
    return size_of(load_spec(spec))


def lower(spec: SpecLike) -> LayerGraph:
    """Lower a spec to its layer graph, with every shape inferred.

    `.network` is the `networkx.DiGraph`; see `LayerGraph` for its attributes.

    Raises:
        SpecError: The spec has errors.
    """
    graph = _lower(check_spec(spec))
    with _as_spec_errors():
        graph = infer_shapes(graph)
    verify(graph)
    return graph


def compile(spec: SpecLike, *, target: TargetName = "train") -> Compiled:  # noqa: A001
    """Compile a spec to a graph and the source of a torch module.

    Raises:
        SpecError: The spec has errors.
        ValueError: The target is neither `train` nor `inference`.
    """
    return compile_checked(check_spec(spec), _target(target))


def compile_checked(checked: Checked, target: Target) -> Compiled:
    """Compile a spec that has been checked.

    Raises:
        SpecError: The spec has errors.
    """
    from deit_spec.codegen import generate  # validating writes no code

    with _without_collection():
        graph = finish(checked, target)
        source = generate(graph)
        return Compiled(_valid(checked), graph, source, checked.diagnostics)


def finish(checked: Checked, target: Target = Target.TRAIN) -> LayerGraph:
    """Lower a checked spec and run every pass of a target.

    Raises:
        SpecError: The spec has errors, or a layer cannot take its input's shape.
    """
    with _without_collection(), _as_spec_errors():
        return run_passes(_lower(checked), target)


def load(  # noqa: PLR0913  -- one word for each thing that can be asked
    spec: SpecLike,
    *,
    target: TargetName = "train",
    weights: "str | os.PathLike[str] | None" = None,
    strict: bool = True,
    allow: "Collection[Permission] | None" = None,
    antialias: bool = False,
    entry: str | None = None,
    device: "torch.device | str | None" = None,
    dtype: "torch.dtype | str | None" = None,
) -> "nn.Module":
    """Compile a spec and build its module, freshly initialised or with weights.

    `model(images)` takes `[B, in_channels, image_size, image_size]`. With both
    class counts it returns `DeiTOutput(cls=[B, K], dist=[B, T])`, with
    `num_classes` alone `[B, K]`, else `[B, C]`. With the target `inference` it
    returns what `model.predict(images)` does, the joined heads.

    `weights` is a checkpoint, a file or a directory. Its tensors are taken,
    renamed and fused; `strict=False` allows all that a plan can reconcile beyond
    that, and `allow` just what it names: `resample`, `heads`, `channels`,
    `distillation`, `drop`. Tensors keep their dtype unless one is asked for.
    `antialias` smooths positions that are resampled to a smaller grid; `entry` is
    the key to take from a file that holds several models.

    What a plan warns of, such as another `layer_norm_eps` in a config beside the
    weights, is a UserWarning.

    Raises:
        SpecError: The spec has errors.
        WeightsError: The checkpoint cannot be read, or does not fit.
        TypeError: `weights` is a state dict, not a path to one.
        ValueError: The target, the dtype or a word of `allow` is unknown, or there
            are no weights that the others could be about.
    """
    compiled = compile(spec, target=target)
    if weights is None:
        if not strict or allow is not None or antialias or entry is not None:
            raise ValueError("strict, allow, antialias and entry go with weights")
        return compiled.build(device=device, dtype=dtype)
    if isinstance(weights, Mapping):
        raise TypeError(
            "weights is a path; give a state dict to `model.load_state_dict`"
        )
    from deit_spec.weights import allowed, fill, make_plan, open_checkpoint, require

    permitted = allowed(strict=strict, allow=allow)
    checkpoint = open_checkpoint(weights, entry=entry)
    plan = make_plan(compiled.graph, checkpoint, antialias=antialias)
    require(plan, permitted)
    for found in plan.diagnostics:
        if found.severity is Severity.WARNING:
            warnings.warn(f"{found.code}: {found.message}", stacklevel=2)
    source, name = compiled.source, compiled.graph.name
    return fill(source, name, plan, checkpoint, device=device, dtype=dtype)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Keep the collector from walking a graph that grows and has no garbage.

    At a depth of thousands it would take a quarter of the time.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _target(name: str) -> Target:
    names = [target.value for target in Target]
    if name not in names:
        raise ValueError(f"target is one of {', '.join(names)}, not {name!r}")
    return Target(name)


def _valid(checked: Checked) -> DeiTSpec:
    if checked.spec is None:
        raise SpecError(checked.diagnostics)
    return checked.spec


@contextmanager
def _as_spec_errors() -> Iterator[None]:
    try:
        yield
    except ShapeInferenceError as error:
        raise SpecError(error.diagnostics) from None


def _lower(checked: Checked) -> LayerGraph:
    document = checked.document

    def span_of(field: str) -> Span | None:
        if document is None:
            return None
        return document.nearest(tuple(field.split("."))).value

    graph = lower_spec(_valid(checked), span_of)
    if document is not None:
        paths = {field: tuple(field.split(".")) for field in FIELDS}
        written = {f: path for f, path in paths.items() if path in document.spans}
        graph.places = {f: document.spans[path].value for f, path in written.items()}
    return graph
