"""A trained model as the module that is exported, with everything a writer needs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import torch
from torch import Tensor, nn

from deit_spec.diagnostics import (
    DiagnosedError,
    Diagnostic,
    Label,
    Span,
    diagnose,
)
from deit_spec.distill.trained_model import TrainedModel
from deit_spec.exporting.calibration_images import CalibrationImages
from deit_spec.exporting.export_options import ExportOptions
from deit_spec.graph import LayerGraph, Target
from deit_spec.model.exported_interface import ExportedInterface
from deit_spec.model.preprocessing import Preprocessing
from deit_spec.passes import PassOptions
from deit_spec.pipeline import Compiled, SpecError, compile_checked, finish
from deit_spec.runtime import make_empty
from deit_spec.runtime.exported_module import LARGEST_BATCH
from deit_spec.spec import DeiTSpec, with_merge_tokens

_LARGEST_PIXEL: Final = 255
_WEIGHT, _BIAS = "patch_embed.proj.weight", "patch_embed.proj.bias"


@dataclass(frozen=True)
class PreparedModel:
    """A model to export.

    Attributes:
        module: In evaluation mode and float32. From images as `interface` says to the
            output, or to a tuple of the outputs if there are several.
        reference: From normalised images `[B, C, S, S]` to logits, or to the features
            of a model that ends early.
        compiled: The graph and the source of the module.
        interface: What the module takes and returns.
        example: An input of the module; with a dynamic batch size, of 2 images.
        spec: The spec.
        preprocessing: How an image becomes the input.
        classes: The names of the classes, or None.
        options: Those of the export.
        calibration: The images to calibrate int8 with, if there are any.
    """

    module: nn.Module
    reference: nn.Module
    compiled: Compiled
    interface: ExportedInterface
    example: Tensor
    spec: DeiTSpec
    preprocessing: Preprocessing
    classes: tuple[str, ...] | None
    options: ExportOptions
    calibration: CalibrationImages | None = None

    @property
    def dynamic_shapes(self) -> tuple[dict[int, Any]] | None:
        """The dimensions of the input that are not fixed, for exporters of torch."""
        if self.interface.batch is not None:
            return None
        return ({0: torch.export.Dim("batch", min=1, max=LARGEST_BATCH)},)


class _Tuple(nn.Module):
    """Returns the outputs of a model and its taps, in this order, as a tuple."""

    def __init__(self, model: nn.Module, taps: Sequence[str]) -> None:
        super().__init__()
        self.model = model
        self.taps = taps

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Run the model on `images`."""
        output = self.model(images)._asdict()
        taps = output.pop("taps", {})
        return (*output.values(), *(taps[name] for name in self.taps))


def prepare(
    trained: TrainedModel,
    options: ExportOptions,
    *,
    preprocessing: Preprocessing,
    classes: Sequence[str] | None,
    report: Callable[[Sequence[Diagnostic]], object] = lambda _: None,
) -> PreparedModel:
    """Build the module that is exported, and load its weights.

    `report` receives the warnings about the weights.

    Raises:
        SpecError: The model has no value for a tap or `until`, or `merge_tokens` does
            not fit it.
        WeightsError: The weights cannot be read or do not fit.
        DiagnosedError: The model has too few classes for the output (DS602).
    """
    checked = with_merge_tokens(trained.checked, options.merge_tokens)
    if checked.spec is None:
        raise SpecError(checked.diagnostics)
    until = options.until
    plain = PassOptions(taps=(), until=until, prediction="logits")
    whole = compile_checked(checked, Target.INFERENCE, plain)
    _require_classes(whole.graph, options, trained.name)
    interface = options.interface()
    passes = replace(
        interface.pass_options(), drop_unread=options.drop_unread, taps=options.taps
    )
    compiled = compile_checked(checked, Target.INFERENCE, passes)
    interface = replace(interface, taps=tuple(compiled.graph.taps))
    if "features" in compiled.graph.outputs:
        interface = replace(interface, output="features")
    complete = None if until is None else finish(checked)
    reference = trained.load_compiled(whole, report, complete)
    model = make_empty(compiled.source, compiled.graph.name)
    weights = reference.state_dict()
    own = {name: weights[name] for name in model.state_dict()}
    if options.input == "uint8":
        own |= fold_normalization(own, preprocessing)
    model.load_state_dict(own, strict=True, assign=True)
    module = model if len(interface.outputs) == 1 else _Tuple(model, interface.taps)
    return PreparedModel(
        module=module.eval().requires_grad_(requires_grad=False),
        reference=reference.eval().requires_grad_(requires_grad=False),
        compiled=compiled,
        interface=interface,
        example=_example(checked.spec, interface),
        spec=checked.spec,
        preprocessing=preprocessing,
        classes=None if classes is None else tuple(classes),
        options=options,
    )


def _require_classes(graph: LayerGraph, options: ExportOptions, name: str) -> None:
    """DS602: check that the model has the classes that the output is about."""
    if options.output == "logits":
        return
    message, helps = "", tuple[str, ...]()
    (output,) = graph.outputs.values()
    classes = graph.shape(output)[1].known
    if options.until is not None:
        message = f"the output is `{options.output}`, but the model ends at "
        message += f"`{options.until}`, before its classes"
        helps = ("leave the output out to return the last value",)
    elif options.output == "topk" and options.k > classes:
        message = f"k is {options.k}, but the model predicts {classes} classes"
    if message:
        place = Label(Span.of_file(name))
        raise DiagnosedError([diagnose("DS602", message, place, helps=helps)])


def fold_normalization(
    weights: Mapping[str, Tensor], preprocessing: Preprocessing
) -> dict[str, Tensor]:
    """The weights of the patch projection, for pixels from 0 to 255.

    `W·(x/255 - mean)/std + b = (W/(255·std))·x + (b - Σ W·mean/std)`. This holds at
    every pixel, because the projection has no padding. It is computed in float64.
    """
    weight, bias = weights[_WEIGHT].double(), weights[_BIAS].double()
    mean, std = (
        torch.tensor(each, dtype=torch.float64)[:, None, None]
        for each in (preprocessing.mean, preprocessing.std)
    )
    scaled = weight / std
    shift = (scaled * mean).sum(dim=(1, 2, 3))
    return {
        _WEIGHT: (scaled / _LARGEST_PIXEL).to(weights[_WEIGHT].dtype),
        _BIAS: (bias - shift).to(weights[_BIAS].dtype),
    }


def _example(spec: DeiTSpec, interface: ExportedInterface) -> Tensor:
    """An input of a model; a batch of one image would become a fixed size."""
    shape = interface.image_shape(spec.image_size, spec.in_channels)
    dtype = torch.uint8 if interface.input == "uint8" else torch.float32
    return torch.zeros(interface.batch or 2, *shape, dtype=dtype)
