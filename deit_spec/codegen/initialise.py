"""`reset_parameters`: how the weights of a generated model begin."""

from collections.abc import Iterator

from deit_spec.codegen.constants import Constants
from deit_spec.graph import LayerGraph
from deit_spec.ops import (
    Constant,
    FanInNormal,
    Init,
    ModuleOp,
    Parameter,
    ParameterOp,
    TorchDefault,
    TruncatedNormal,
)


def write_reset(graph: LayerGraph, constants: Constants) -> Iterator[str]:
    """The statements that draw every parameter anew.

    Tables are named one by one, layers by their torch class: where a class is
    drawn in one way throughout, as it is in every DeiT.
    """
    for path, op in graph.ops():
        if isinstance(op, ParameterOp):
            (parameter,) = op.parameters
            yield _draw(f"self.{path}", parameter.init, constants)
    by_type = _by_type(graph)
    if not by_type:
        return
    yield "for module in self.modules():"
    keyword = "if"
    for torch_type, layers in by_type.items():
        yield f"    {keyword} isinstance(module, {torch_type}):"
        for line in _draw_layers(layers, constants):
            yield f"        {line}"
        keyword = "elif"


Layers = dict[tuple[Parameter, ...], list[str]]


def _by_type(graph: LayerGraph) -> dict[str, Layers]:
    found: dict[str, Layers] = {}
    for path, op in graph.ops():
        if isinstance(op, ModuleOp) and op.parameters:
            drawn = found.setdefault(op.torch_type, {})
            drawn.setdefault(op.parameters, []).append(path)
    return found


def _draw_layers(layers: Layers, constants: Constants) -> Iterator[str]:
    inits: dict[str, Init] = {}
    for parameters in layers:
        for parameter in parameters:
            known = inits.setdefault(parameter.name, parameter.init)
            if known != parameter.init:
                raise AssertionError(f"two ways to draw {parameter.name}: {layers}")
    if all(isinstance(init, TorchDefault) for init in inits.values()):
        yield "module.reset_parameters()"
        return
    for name, init in inits.items():
        line = _draw(f"module.{name}", init, constants)
        if all(name in {p.name for p in parameters} for parameters in layers):
            yield line
        else:
            yield f"if module.{name} is not None:"
            yield f"    {line}"


def _draw(tensor: str, init: Init, constants: Constants) -> str:
    match init:
        case TruncatedNormal(std):
            name = constants.number("INIT_STD", std)
            return f"nn.init.trunc_normal_({tensor}, std={name})"
        case FanInNormal():
            module = tensor.rpartition(".")[0]
            return f"nn.init.trunc_normal_({tensor}, std={module}.in_features**-0.5)"
        case Constant(0.0):
            return f"nn.init.zeros_({tensor})"
        case Constant(1.0, ""):
            return f"nn.init.ones_({tensor})"
        case Constant(value, name):
            return f"nn.init.constant_({tensor}, {constants.number(name, value)})"
        case TorchDefault():
            raise AssertionError(f"{tensor} is drawn together with its module")
