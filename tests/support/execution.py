"""Run models and layer graphs with torch, and measure the memory of their tensors."""

from collections.abc import Iterable, Iterator
from typing import Any

import networkx as nx
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import deit_spec
from deit_spec import Compiled, DeiTSpec, LayerGraph
from deit_spec.ops import (
    Dim,
    FunctionOp,
    Images,
    LayerWeights,
    ModuleOp,
    ParameterOp,
    Shape,
)


def images_for(spec: DeiTSpec, batch: int = 2) -> Tensor:
    """A fixed batch of the image size of a spec."""
    generator = torch.Generator().manual_seed(0)
    shape = (batch, spec.in_channels, spec.image_size, spec.image_size)
    return torch.randn(shape, generator=generator)


def build(compiled: Compiled, seed: int = 0) -> nn.Module:
    """A model with fixed weights, in evaluation mode."""
    torch.manual_seed(seed)
    return compiled.build().eval()


def double(spec: DeiTSpec, **options: Any) -> nn.Module:
    """A model in float64, in which dropout and drop path do nothing."""
    torch.manual_seed(0)
    return deit_spec.compile(spec, **options).build(dtype="float64").eval()


def sizes(shape: Shape, batch: int) -> tuple[int, ...]:
    """A shape as torch has it."""
    return tuple(batch if dim.size is None else dim.size for dim in shape)


class PlainNumbers:
    """Writes every size as its number."""

    batch = "batch"

    def dim(self, dim: Dim) -> str:
        return str(dim.size)

    def number(self, name: str, value: float) -> str:
        return repr(value)


def interpret(graph: LayerGraph, model: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """The value of every node, by path, from the model's own modules and parameters.

    It does not use the generated statements, so it can prove them: the same ops and
    parameters, and another way to the result.
    """
    return dict(_run(graph, graph.order(), model, images, {}))


def kept_bytes(model: nn.Module, images: Tensor) -> int:
    """The bytes that autograd keeps of a forward pass, in storages of saved tensors.

    Parameters and tensors without a dimension do not count.
    """
    saved: list[Tensor] = []

    def pack(tensor: Tensor) -> Tensor:
        saved.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        output = model(images)
    found = [tensor for tensor in saved if tensor.dim()]
    total = _bytes(found, _parameters(model))
    del output
    return total


def written_bytes(graph: LayerGraph, model: nn.Module, images: Tensor) -> int:
    """The bytes that the layers write: every storage except the parameters'."""
    values = dict(_run(graph, _reached(graph), model, images, {}))
    return _bytes(values.values(), _parameters(model))


def peak_bytes(graph: LayerGraph, model: nn.Module, images: Tensor) -> int:
    """The most bytes alive at once, where values are dropped after their last use."""
    parameters = _parameters(model)
    paths = _reached(graph)
    last = {source: path for path in paths for source in graph.inputs(path)}
    kept = {*graph.returned(), "images"}
    values: dict[str, Tensor] = {}
    peak = 0
    for path, _ in _run(graph, paths, model, images, values):
        peak = max(peak, _bytes(values.values(), parameters))
        for source in graph.inputs(path):
            if last[source] == path and source not in kept:
                del values[source]
    return peak


def _run(
    graph: LayerGraph,
    paths: Iterable[str],
    model: nn.Module,
    images: Tensor,
    values: dict[str, Tensor],
) -> Iterator[tuple[str, Tensor]]:
    """Run node by node; each reads its inputs from `values` and is added to them."""
    for path in paths:
        op = graph.op(path)
        inputs = [values[source] for source in graph.inputs(path)]
        if isinstance(op, Images):
            value = images
        elif isinstance(op, ParameterOp):
            value = model.get_parameter(path)
        elif isinstance(op, LayerWeights):
            value = _weights(model.get_submodule(path))
        elif isinstance(op, ModuleOp):
            value = model.get_submodule(path)(*inputs)
        elif isinstance(op, FunctionOp):
            names = [f"v{index}" for index in range(len(inputs))]
            scope = dict(zip(names, inputs, strict=True))
            text = op.expression(PlainNumbers(), *names)
            scope |= {"F": F, "torch": torch, "Tensor": Tensor, "batch": len(images)}
            exec(op.support, scope)  # noqa: S102  -- our own op's functions
            value = eval(text, scope)  # noqa: S307  -- our own op's text
        else:
            raise TypeError(path)
        values[path] = value
        yield path, value


def _weights(layer: nn.Module) -> Tensor:
    """The first parameter of a layer, with all of them as attributes."""
    parameters = dict(layer.named_parameters())
    value = next(iter(parameters.values())).view_as(next(iter(parameters.values())))
    for name, parameter in parameters.items():
        setattr(value, name, parameter)
    return value


def _reached(graph: LayerGraph) -> list[str]:
    """The nodes that an output depends on, in order."""
    outputs = graph.returned()
    found = set(outputs).union(*(nx.ancestors(graph.network, path) for path in outputs))
    return [path for path in graph.order() if path in found]


def _parameters(model: nn.Module) -> set[int]:
    return {_storage(parameter) for parameter in model.parameters()}


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _bytes(tensors: Iterable[Tensor], without: set[int]) -> int:
    """The size of the storages of tensors, each once, without those at given places."""
    storages = {_storage(tensor): tensor.untyped_storage() for tensor in tensors}
    return sum(each.nbytes() for key, each in storages.items() if key not in without)
