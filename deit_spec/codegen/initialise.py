"""`reset_parameters`, the initialisation of a generated model."""

from collections import Counter
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
    """The statements that initialise all parameters.

    Tables are initialised by name and layers by their torch class. Layers that differ
    from most others of their class follow by name.
    """
    for path, op in graph.ops():
        if isinstance(op, ParameterOp):
            (parameter,) = op.parameters
            yield _draw(f"self.{path}", parameter.init, constants)
    by_type = _by_type(graph)
    if not by_type:
        return
    usual = {name: _usual(layers) for name, layers in by_type.items()}
    yield "for module in self.modules():"
    keyword = "if"
    for torch_type, layers in by_type.items():
        yield f"    {keyword} isinstance(module, {torch_type}):"
        for line in _draw_layers(layers, usual[torch_type], constants):
            yield f"        {line}"
        keyword = "elif"
    for torch_type, layers in by_type.items():
        yield from _draw_others(layers, usual[torch_type], constants)


Layers = dict[tuple[Parameter, ...], list[str]]


def _by_type(graph: LayerGraph) -> dict[str, Layers]:
    found: dict[str, Layers] = {}
    for path, op in graph.ops():
        if isinstance(op, ModuleOp) and op.parameters:
            drawn = found.setdefault(op.torch_type, {})
            drawn.setdefault(op.parameters, []).append(path)
    return found


def _usual(layers: Layers) -> dict[str, Init]:
    """How most layers of a class initialise each parameter."""
    counts: dict[str, Counter[Init]] = {}
    for parameters, paths in layers.items():
        for parameter in parameters:
            found = counts.setdefault(parameter.name, Counter())
            found[parameter.init] += len(paths)
    return {name: found.most_common(1)[0][0] for name, found in counts.items()}


def _draw_layers(
    layers: Layers, usual: dict[str, Init], constants: Constants
) -> Iterator[str]:
    if all(isinstance(init, TorchDefault) for init in usual.values()):
        yield "module.reset_parameters()"
        return
    for name, init in usual.items():
        line = _draw(f"module.{name}", init, constants)
        if all(name in {p.name for p in parameters} for parameters in layers):
            yield line
        else:
            yield f"if module.{name} is not None:"
            yield f"    {line}"


def _draw_others(
    layers: Layers, usual: dict[str, Init], constants: Constants
) -> Iterator[str]:
    for parameters, paths in layers.items():
        for parameter in parameters:
            if parameter.init != usual[parameter.name]:
                for path in paths:
                    tensor = f"{_attribute(path)}.{parameter.name}"
                    yield _draw(tensor, parameter.init, constants)


def _attribute(path: str) -> str:
    """A path as a Python expression: `self.blocks[3].attn.qkv`."""
    return "self" + "".join(
        f"[{part}]" if part.isdigit() else f".{part}" for part in path.split(".")
    )


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
            number = constants.number(name, value) if name else repr(value)
            return f"nn.init.constant_({tensor}, {number})"
        case TorchDefault():
            raise AssertionError(f"{tensor} is initialised together with its module")
