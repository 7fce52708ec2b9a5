"""The classes of a generated module, inner ones first, the model last."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from textwrap import indent

from deit_spec.codegen.arguments import Argument, Lifted, find_arguments
from deit_spec.codegen.body import WIDTH, Body, calls_of, with_comment
from deit_spec.codegen.constants import Constants
from deit_spec.codegen.initialise import write_reset
from deit_spec.codegen.members import Members, own_numbers
from deit_spec.codegen.naming import DOCSTRINGS, name_classes, role_of
from deit_spec.graph import LayerGraph, Scope, build_scopes
from deit_spec.ops import FunctionOp, Images, letters


@dataclass(frozen=True)
class Classes:
    """Writes the classes of a graph."""

    graph: LayerGraph
    constants: Constants
    root: Scope
    names: dict[int, str]
    arguments: dict[int, tuple[Argument, ...]]
    live: set[str]

    @classmethod
    def of(cls, graph: LayerGraph, constants: Constants) -> "Classes":
        """Find and name the structures of a graph."""
        root = build_scopes(graph)
        names, arguments = name_classes(root), find_arguments(graph, root)
        return cls(graph, constants, root, names, arguments, graph.live())

    def write(self) -> Iterator[str]:
        """The source of each class."""
        written: set[int] = set()
        for scope in self.root.walk():
            if scope.is_sequence or scope.structure in written:
                continue
            written.add(scope.structure)
            yield self._model() if scope is self.root else self._inner(scope)

    def _inner(self, scope: Scope) -> str:
        names = ["x"]
        if len(scope.inputs) > 1:
            names = [path.rpartition(".")[2] for path in scope.inputs]
            if len(self.graph.shape(scope.inputs[0])) > 2:  # noqa: PLR2004  -- [B, N, C]
                names[0] = "x"
        body = self._body(
            scope, dict(zip(scope.inputs, names, strict=True)), scope.outputs
        )
        values = body.write()
        given = ", ".join(f"{name}: Tensor" for name in names)
        texts = [value.text for value in values]
        kind, result = "Tensor", f"return {', '.join(texts)}"
        if len(values) == 1:
            comment = body.comment(scope.outputs[0], values[0])
            result = "\n".join(with_comment(result, comment))
        else:
            kind = f"tuple[{', '.join(['Tensor'] * len(values))}]"
            if len(f"def forward(self, {given}) -> {kind}:") > WIDTH + 4:
                kind = "tuple[Tensor, ...]"
            if len(result) > WIDTH:
                inside = "".join(f"    {text},\n" for text in texts)
                result = f"return (\n{inside})"
        return self._class(
            scope,
            DOCSTRINGS.get(role_of(scope), "A part of the model."),
            [_method("forward", given, kind, [*body.lines, result])],
        )

    def _body(
        self,
        scope: Scope,
        inputs: dict[str, str],
        results: Iterable[str],
        taps: Mapping[str, str] | None = None,
    ) -> Body:
        self.constants.batch = f"{next(iter(inputs.values()))}.shape[0]"
        stored: dict[str, list[str]] = {}
        for name, path in (taps or {}).items():
            stored.setdefault(path, []).append(name)
        wanted = _needed(self.graph, [*results, *stored], inputs)
        calls = list(calls_of(self.graph, scope, wanted))
        mine = {c: a.name for a in self.arguments[scope.structure] for c in a.columns}
        attributes = {
            constant: f"self.{name}"
            for constant, name in own_numbers(self.graph, scope, mine).items()
        }
        names = Lifted(self.constants, attributes)
        return Body(self.graph, names, calls, inputs, tuple(results), stored)

    def _class(self, scope: Scope, docstring: str, methods: list[str]) -> str:
        arguments = "".join(
            f", {argument.name}: {argument.type}"
            for argument in self.arguments[scope.structure]
        )
        members = Members(
            self.graph, self.constants, self.names, self.arguments, self.live
        )
        lines = ["super().__init__()", *members.write(scope)]
        if scope is self.root:
            lines.append("self.reset_parameters()")
        constructor = _method("__init__", arguments[2:], "None", lines)
        body = "\n\n".join([f'"""{docstring}"""', constructor, *methods])
        name = self.names[scope.structure]
        return f"class {name}(nn.Module):\n{indent(body, ' ' * 4)}\n"

    def _model(self) -> str:
        methods = [self._forward()]
        if self.graph.predict is not None:
            methods.append(self._predict(self.graph.predict))
        reset = list(write_reset(self.graph, self.constants))
        methods.append(
            _method(
                "reset_parameters", "", "None", reset, "Initialises all parameters."
            )
        )
        return self._class(self.root, self._describe(), methods)

    def _describe(self) -> str:
        return f"The model, for images {letters(self.graph.shape(self._images()))}."

    def _forward(self) -> str:
        outputs, taps = self.graph.outputs, self.graph.taps
        images = self._images()
        body = self._body(self.root, {images: "images"}, outputs.values(), taps)
        values = body.write()
        lines = self._check_images(images)
        if returns_tuple(self.graph):
            given = {n: v.text for n, v in zip(outputs, values, strict=True)}
            if taps:
                lines.append("taps: dict[str, Tensor] = {}")
                given["taps"] = "taps"
            result = _output(given)
            if len(result) > WIDTH:
                body.lines += [f"{n} = {t}" for n, t in given.items() if n != t]
                result = _output({name: name for name in given})
            lines += [*body.lines, result]
            return _method("forward", "images: Tensor", "DeiTOutput", lines)
        (path,) = outputs.values()
        comment = body.comment(path, values[0])
        lines += [*body.lines, *with_comment(f"return {values[0].text}", comment)]
        return _method("forward", "images: Tensor", "Tensor", lines)

    def _images(self) -> str:
        (path,) = (p for p, op in self.graph.ops() if isinstance(op, Images))
        return path

    def _check_images(self, path: str) -> list[str]:
        op = self.graph.op(path)
        if not isinstance(op, Images):
            return []
        channels = self.constants.number("CHANNELS", op.channels)
        side = self.constants.number("IMAGE_SIZE", op.side)
        sizes = [side, side, channels] if op.channels_last else [channels, side, side]
        shown = ", ".join(f"{{{size}}}" for size in sizes)
        return [
            f"if images.shape[1:] != ({', '.join(sizes)}):",
            f'    expected = f"[B, {shown}]"',
            "    found = list(images.shape)",
            '    raise ValueError(f"expected images {expected}, got {found}")',
        ]

    def _predict(self, path: str) -> str:
        """The source of `predict`, based on what `forward` returns."""
        outputs = self.graph.outputs
        op, shape = self.graph.op(path), letters(self.graph.shape(path))
        what = op.summary if isinstance(op, FunctionOp) else "logits"
        docstring = f"The {what}, {shape}."
        if not returns_tuple(self.graph):
            lines = ["return self(images)"]
        else:
            given = {output: f"output.{name}" for name, output in outputs.items()}
            body = self._body(self.root, given, [path])
            (value,) = body.write()
            lines = ["output = self(images)", *body.lines, f"return {value.text}"]
            if lines[-1].startswith("return output.") and value.text.count(".") == 1:
                lines = [f"return self(images).{value.text.partition('.')[2]}"]
        return _method("predict", "images: Tensor", "Tensor", lines, docstring)


def returns_tuple(graph: LayerGraph) -> bool:
    """Whether `forward` returns a named tuple; a single output is a plain tensor."""
    return len(graph.outputs) > 1 or bool(graph.taps)


def _output(given: Mapping[str, str]) -> str:
    fields = ", ".join(f"{name}={text}" for name, text in given.items())
    return f"return DeiTOutput({fields})"


def _needed(
    graph: LayerGraph, results: Iterable[str], given: Iterable[str]
) -> set[str]:
    """The layers between the inputs and the results."""
    found = set(given)
    waiting = [path for path in results if path not in found]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting.extend(graph.inputs(path))
    return found - set(given)


def _method(
    name: str, given: str, kind: str, lines: Iterable[str], docstring: str = ""
) -> str:
    signature = (
        f"def {name}({', '.join(['self', *([given] if given else [])])}) -> {kind}:"
    )
    body = [f'"""{docstring}"""'] if docstring else []
    return "\n".join([signature, *(indent(line, " " * 4) for line in [*body, *lines])])
