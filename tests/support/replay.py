"""Runs a graph with torch and weighs the memory that its tensors really take."""

from collections.abc import Iterable, Iterator

import networkx as nx
import torch
from torch import Tensor, nn
from torch.nn import functional

from deit_spec import LayerGraph
from deit_spec.ops import FunctionOp, Images, ModuleOp, ParameterOp
from support.interpreter import PlainNumbers


def kept_bytes(model: nn.Module, images: Tensor) -> int:
    """What autograd keeps of a forward pass: the storages of its saved tensors.

    Parameters are left out, and so are tensors without a dimension.
    """
    saved: list[Tensor] = []

    def pack(tensor: Tensor) -> Tensor:
        saved.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        output = model(images)
    own = {_key(parameter) for parameter in model.parameters()}
    found = [tensor for tensor in saved if tensor.dim() and _key(tensor) not in own]
    total = _weigh(found)
    del output
    return total


def written_bytes(graph: LayerGraph, model: nn.Module, images: Tensor) -> int:
    """What the layers write: every storage but the parameters'."""
    own = {_key(parameter) for parameter in model.parameters()}
    values = dict(_run(graph, model, images, {}))
    return _weigh(value for value in values.values() if _key(value) not in own)


def peak_bytes(graph: LayerGraph, model: nn.Module, images: Tensor) -> int:
    """The most storage alive at once, where values are dropped after their use."""
    own = {_key(parameter) for parameter in model.parameters()}
    paths = _reached(graph)
    last = {source: path for path in paths for source in graph.inputs(path)}
    staying = {*graph.outputs.values(), "images"}
    values: dict[str, Tensor] = {}
    peak = 0
    for path, value in _run(graph, model, images, values):
        values[path] = value
        peak = max(peak, _weigh(v for v in values.values() if _key(v) not in own))
        for source in graph.inputs(path):
            if last[source] == path and source not in staying:
                del values[source]
    return peak


def _run(
    graph: LayerGraph, model: nn.Module, images: Tensor, values: dict[str, Tensor]
) -> Iterator[tuple[str, Tensor]]:
    """Run layer by layer; `values` holds what is still there."""
    for path in _reached(graph):
        op = graph.op(path)
        inputs = [values[source] for source in graph.inputs(path)]
        if isinstance(op, Images):
            value = images
        elif isinstance(op, ParameterOp):
            value = model.get_parameter(path)
        elif isinstance(op, ModuleOp):
            value = model.get_submodule(path)(*inputs)
        elif isinstance(op, FunctionOp):
            names = [f"v{index}" for index in range(len(inputs))]
            scope = dict(zip(names, inputs, strict=True))
            text = op.expression(PlainNumbers(), *names)
            scope |= {"F": functional, "torch": torch, "batch": len(images)}
            value = eval(text, scope)  # noqa: S307  -- our own op's text
        else:
            raise TypeError(path)
        values[path] = value
        yield path, value


def _reached(graph: LayerGraph) -> list[str]:
    outputs = graph.outputs.values()
    found = set(outputs).union(*(nx.ancestors(graph.network, path) for path in outputs))
    return [path for path in graph.order() if path in found]


def _key(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _weigh(tensors: Iterable[Tensor]) -> int:
    storages = {_key(tensor): tensor.untyped_storage() for tensor in tensors}
    return sum(storage.nbytes() for storage in storages.values())
