"""Runs a layer graph node by node with a model's own modules and parameters.

It knows nothing of generated statements, so it is an oracle for them: same
parameters, same ops, another way to the result.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deit_spec import LayerGraph
from deit_spec.ops import Dim, FunctionOp, Images, ModuleOp, ParameterOp, Shape


class PlainNumbers:
    """Writes every size as its number."""

    batch = "batch"

    def dim(self, dim: Dim) -> str:
        return str(dim.size)

    def number(self, name: str, value: float) -> str:
        return repr(value)


def interpret(graph: LayerGraph, model: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """The value of every node, by path."""
    values: dict[str, Tensor] = {}
    for path in graph.order():
        op = graph.op(path)
        inputs = [values[source] for source in graph.inputs(path)]
        if isinstance(op, Images):
            values[path] = images
        elif isinstance(op, ParameterOp):
            values[path] = model.get_parameter(path)
        elif isinstance(op, ModuleOp):
            values[path] = model.get_submodule(path)(*inputs)
        elif isinstance(op, FunctionOp):
            names = [f"v{index}" for index in range(len(inputs))]
            scope = dict(zip(names, inputs, strict=True))
            text = op.expression(PlainNumbers(), *names)
            scope |= {"F": F, "torch": torch, "batch": len(images)}
            values[path] = eval(text, scope)  # noqa: S307  -- our own op's text
    return values


def sizes(shape: Shape, batch: int) -> tuple[int, ...]:
    """A shape as torch has it."""
    return tuple(batch if dim.size is None else dim.size for dim in shape)
