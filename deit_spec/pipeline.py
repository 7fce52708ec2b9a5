"""The whole pipeline: from text to spec, graph, source and module.

`loading` builds modules with the weights of a checkpoint.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from deit_spec.diagnostics import (
    DiagnosedError,
    Diagnostic,
    Span,
    in_source_order,
)
from deit_spec.graph import LayerGraph, Stage, Target, verify
from deit_spec.lowering import lower as lower_spec
from deit_spec.model.spec_or_model import check_spec_or_model
from deit_spec.notebook_display import DrawnInNotebook, draw_in_notebook
from deit_spec.passes import (
    PassOptions,
    infer_shapes,
    merge_tokens,
    run_passes,
)
from deit_spec.spec import Checked, DeiTSpec, SpecLike, with_merge_tokens
from deit_spec.spec import output_size as size_of
from deit_spec.spec.schema import FIELDS

if TYPE_CHECKING:
    import torch
    from torch import nn

TargetName: TypeAlias = Literal["train", "inference"]


class SpecError(DiagnosedError, ValueError):
    """The spec has errors. `diagnostics` lists all diagnostics, in source order."""

    headline = "the spec has errors"


@dataclass(frozen=True)
class Compiled(DrawnInNotebook):
    """A compiled spec: the final graph and the source generated from it.

    Attributes:
        spec: The spec, with all defaults.
        graph: The graph after all passes.
        source: The Python source of the module, which imports torch alone.
        diagnostics: The warnings and notes about the spec.
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
        """Create the module with freshly initialised weights.

        Args:
            device: Where the weights are; by default the CPU.
            dtype: The type of the weights, such as `"bfloat16"`; by default float32.

        Raises:
            ValueError: The dtype is not a floating-point type.
        """
        from deit_spec.runtime import build  # imports torch

        return build(self.source, self.graph.name, device=device, dtype=dtype)


def load_spec(spec: SpecLike) -> DeiTSpec:
    """Read and validate a spec.

    Args:
        spec: The path of a YAML file, of a model folder, of a run's `model.safetensors`
            or of an exported file; the name of a published model; a mapping of fields;
            or a `DeiTSpec`.

    Raises:
        SpecError: The spec has errors or cannot be read.
        TypeError: It is something else.
    """
    return _valid(check_spec_or_model(spec))


def output_size(spec: SpecLike) -> int:
    """The width of the class output: `num_classes` if set, else `embed_dim`.

    Args:
        spec: What `load_spec` takes.

    Raises:
        SpecError: The spec has errors or cannot be read.
    """
    return size_of(load_spec(spec))


def lower(spec: SpecLike) -> LayerGraph:
    """Lower a spec to its layer graph, with every shape inferred.

    The graph is the one before the passes of a target, which `compile` runs.

    Args:
        spec: What `load_spec` takes.

    Raises:
        SpecError: The spec has errors or cannot be read.
    """
    checked = check_spec_or_model(spec)
    graph = _lower(checked)
    with _as_spec_errors():
        graph = infer_shapes(graph)
    if _valid(checked).merges_tokens:
        graph = merge_tokens(graph, _valid(checked).variant.merge_tokens)
    verify(graph)
    return graph


def compile(  # noqa: A001, PLR0913  -- one argument per option
    spec: SpecLike,
    *,
    target: TargetName = "train",
    drop_unread: bool | None = None,
    taps: Sequence[str] | None = None,
    until: str | None = None,
    merge_tokens: int | Sequence[int] | None = None,
) -> Compiled:
    """Compile a spec to a graph and the source of a torch module.

    Args:
        spec: What `load_spec` takes.
        target: `train`: `forward` returns the output of every head. `inference`: it
            returns what `predict` returns, and computes only what this needs. Both have
            the same state dict.
        drop_unread: Whether only the tokens that the outputs depend on are computed,
            with the same results and the same state dict; by default for `inference`.
        taps: Patterns of values that `forward` also returns, such as
            `blocks.*.attn.weights.cls`; by default those of the spec.
        until: The value that the model ends at, such as `blocks.8`: later layers are
            left out.
        merge_tokens: The number of patch tokens that are merged with similar ones in
            every block, or a number for each block, instead of `variant.merge_tokens`.
            It makes the model faster and its outputs approximate; 0 turns it off.

    Raises:
        SpecError: The spec has errors or cannot be read, or the model has no value for
            a tap or `until`.
        TypeError: `taps` is a string.
        ValueError: The target is neither `train` nor `inference`.
    """
    options = options_of(drop_unread=drop_unread, taps=taps, until=until)
    checked = with_merge_tokens(check_spec_or_model(spec), merge_tokens)
    return compile_checked(checked, target_of(target), options)


def compile_checked(
    checked: Checked, target: Target, options: PassOptions | None = None
) -> Compiled:
    """Compile a spec that is already checked, or raise a SpecError."""
    from deit_spec.codegen import generate  # not needed for validation

    with _without_collection():
        graph = finish(checked, target, options)
        source = generate(graph)
        return Compiled(_valid(checked), graph, source, checked.diagnostics)


def finish(
    checked: Checked,
    target: Target = Target.TRAIN,
    options: PassOptions | None = None,
) -> LayerGraph:
    """Lower a checked spec and run every pass of a target, or raise a SpecError."""
    options = _with_taps(options or PassOptions(), checked)
    options = replace(options, merge_tokens=_valid(checked).variant.merge_tokens)
    with _without_collection(), _as_spec_errors():
        return run_passes(_lower(checked), target, options)


def check_taps(checked: Checked) -> Checked:
    """Add an error for each tap of a valid spec that its model does not have."""
    if checked.spec is None or not checked.spec.taps:
        return checked
    try:
        finish(checked)
    except SpecError as error:
        found = in_source_order([*checked.diagnostics, *error.diagnostics])
        return replace(checked, spec=None, diagnostics=tuple(found))
    return checked


@draw_in_notebook.register
def _(graph: LayerGraph, *, inline: bool) -> str | None:
    if graph.stage is Stage.LOWERED:
        return None  # without shapes
    from deit_spec.diagram import as_svg, inline_figure  # imports rich

    return inline_figure(graph) if inline else as_svg(graph)


@draw_in_notebook.register
def _(compiled: Compiled, *, inline: bool) -> str | None:
    return draw_in_notebook(compiled.graph, inline=inline)


@draw_in_notebook.register
def _(spec: DeiTSpec, *, inline: bool) -> str | None:
    try:
        return draw_in_notebook(lower(spec), inline=inline)
    except SpecError:
        return None  # its fields contradict each other


@contextmanager
def _without_collection() -> Iterator[None]:
    """Disable garbage collection, a quarter of the time of building a large graph."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def options_of(
    *, drop_unread: bool | None, taps: Sequence[str] | None, until: str | None
) -> PassOptions:
    """The options of passes, or a TypeError if `taps` is a string."""
    if isinstance(taps, str):
        raise TypeError(f"taps must be a sequence of strings, not the string {taps!r}")
    return PassOptions(drop_unread, None if taps is None else tuple(taps), until)


def target_of(name: str) -> Target:
    """The target of a name; a ValueError if there is none."""
    names = [target.value for target in Target]
    if name not in names:
        raise ValueError(f"target must be one of {', '.join(names)}, not {name!r}")
    return Target(name)


def _valid(checked: Checked) -> DeiTSpec:
    if checked.spec is None:
        raise SpecError(checked.diagnostics)
    return checked.spec


@contextmanager
def _as_spec_errors() -> Iterator[None]:
    try:
        yield
    except DiagnosedError as error:
        raise SpecError(error.diagnostics) from None


def _with_taps(options: PassOptions, checked: Checked) -> PassOptions:
    """The options with the taps of the spec, unless others are set."""
    taps, document = _valid(checked).taps, checked.document
    if options.taps is not None or not taps:
        return options
    spans = {}
    if document is not None:
        for index, tap in enumerate(taps):
            spans[tap] = document.nearest(("taps", index)).value
    return replace(options, taps=taps, tap_spans=spans)


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
