"""The statements of `forward`, with readable nesting of expressions."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from deit_spec.graph import LayerGraph, Scope
from deit_spec.ops import (
    Flow,
    FunctionOp,
    Names,
    Op,
    Shape,
    TakePart,
    letters,
    same_sizes,
)

LONGEST = 70
"""Longer expressions are written on a separate line."""
WIDTH = 88 - 8
"""The length of a statement, without its indentation."""


@dataclass(frozen=True)
class Value:
    """The source of a value, the variables it reads, and the layers it comes from."""

    text: str
    reads: frozenset[str] = frozenset()
    infix: bool = False

    @property
    def is_name(self) -> bool:
        """Whether it is a variable."""
        return self.text in self.reads


@dataclass(frozen=True)
class Call:
    """A step of a body: a layer, or a call of a scope."""

    text: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    name: str
    op: Op | None = None


@dataclass
class Body:
    """Writes the statements that compute `results` from `inputs`.

    `calls` are in the order of execution. `inputs` maps the values that are given to
    their variables. Values of `taps` are stored in the dict `taps`, by these names.
    """

    graph: LayerGraph
    names: Names
    calls: list[Call]
    inputs: dict[str, str]
    results: tuple[str, ...]
    taps: dict[str, list[str]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.values = {
            path: Value(name, frozenset({name})) for path, name in self.inputs.items()
        }
        self.shapes = {
            name: self.graph.shape(path) for path, name in self.inputs.items()
        }
        self.left = Counter(self.results)
        self.readers: dict[str, Call] = {}
        for call in self.calls:
            self.left.update(call.inputs)
            self.readers.update(dict.fromkeys(call.inputs, call))
        self.done: set[str] = set()
        # Values that are still needed; their number does not grow with the length.
        self.waited_for = set(self.inputs)

    def write(self) -> list[Value]:
        """Write the statements, and return the values of the results."""
        for call in self.calls:
            if call.outputs[0] not in self.done:
                self._step(call)
        return [self.values[path] for path in self.results]

    def comment(self, path: str, value: Value) -> str:
        """A comment with the shape, if it differs from that of the input."""
        shape = self.graph.shape(path)
        before = self._shape_before(value)
        kept = before is not None and same_sizes(before, shape)
        return "" if kept else f"  # {letters(shape)}"

    def _shape_before(self, value: Value) -> Shape | None:
        read = [name for name in self.shapes if name in value.reads]
        read.sort(key=lambda name: _place(name, value.text))
        return self.shapes[read[0]] if read else None

    def _step(self, call: Call) -> None:
        if isinstance(call.op, TakePart) and (parts := self._parts(call.op, call)):
            self._unpack(call.op, parts)
            return
        if len(call.outputs) > 1:
            self._assign_all(call)
            return
        (path,) = call.outputs
        value = self._value(call)
        self.values[path] = value
        self.waited_for.add(path)
        if path in self.taps or not self._stays_pending(call, path, value):
            self._assign(call, path, value)

    def _value(self, call: Call) -> Value:
        arguments = [self._take(path) for path in call.inputs]
        reads = frozenset[str]().union(*(a.reads for a in arguments))
        texts = [argument.text for argument in arguments]
        if call.op is not None and call.op.learned:
            return Value(call.text)
        if isinstance(call.op, FunctionOp):
            text = call.op.expression(self.names, *texts)
            if self.names.batch in text:
                reads |= {self.names.batch.partition(".")[0]}
            return Value(text, reads, call.op.infix)
        return Value(f"{call.text}({', '.join(texts)})", reads)

    def _take(self, path: str) -> Value:
        self.left[path] -= 1
        if not self.left[path]:
            self.waited_for.discard(path)
        return self.values[path]

    def _stays_pending(self, call: Call, path: str, value: Value) -> bool:
        """Whether the value is written inside the expression that reads it."""
        if call.op is not None and call.op.learned:
            return True
        if self.left[path] != 1 or len(value.text) > LONGEST:
            return False
        if path in self.results:
            # Of several tokens or grids, all but the first have a line with a shape.
            return path == self.results[0] or not self._is_stream(path)
        return self._nests(call, path, value)

    def _nests(self, call: Call, path: str, value: Value) -> bool:
        """Whether the only reader uses the value as it is written."""
        reader = self.readers[path]
        numbered = call.text.endswith("]")
        flow = call.op.flow if call.op else Flow.LINE if numbered else Flow.NESTED
        if isinstance(reader.op, FunctionOp) and (value.infix or reader.op.atoms):
            return False
        if flow is not Flow.NESTED:
            return flow is Flow.INLINE
        if reader.op is None:
            return True  # a module, which shows in its class where the shape changes
        return same_sizes(self.graph.shape(reader.outputs[0]), self.graph.shape(path))

    def _assign(self, call: Call, path: str, value: Value) -> None:
        live = self._live(path)
        reader = self.readers.get(path)
        name = call.name
        if reader is not None and name.startswith(f"{reader.name}_"):
            name = reader.name  # q_proj is a step on the way to q
        name = "x" if self._is_stream(path) and "x" not in live else _free(name, live)
        comment = self.comment(path, value)
        stored = self._stored(path)
        targets = [*([] if self._is_only_stored(path) else [name]), *stored]
        line = f"{' = '.join(targets)} = {value.text}"
        if stored and len(line) + len(comment) > WIDTH:
            self.lines += with_comment(f"{name} = {value.text}", comment)
            self.lines.append(f"{' = '.join(stored)} = {name}")
        else:
            self.lines += with_comment(line, comment)
        self._bind(path, name)

    def _bind(self, path: str, name: str) -> None:
        self.values[path] = Value(name, frozenset({name}))
        if self.left[path]:
            self.waited_for.add(path)
        else:
            self.waited_for.discard(path)
        self.shapes[name] = self.graph.shape(path)

    def _live(self, *but: str) -> set[str]:
        """The variables that later statements read."""
        values = (
            self.values[path].reads
            for path in self.waited_for
            if path in self.values and path not in but
        )
        given = {"images"}.intersection(self.inputs.values())
        return given.union(*values)

    def _parts(self, op: TakePart, call: Call) -> list[Call]:
        """The calls that take a part of the same tensor, if they take all parts."""
        parts = [
            other
            for other in self.calls
            if isinstance(other.op, TakePart) and other.inputs == call.inputs
        ]
        return parts if len(parts) == op.parts else []

    def _unpack(self, op: TakePart, parts: list[Call]) -> None:
        parts = sorted(parts, key=lambda call: getattr(call.op, "index", 0))
        *_, source = (self._take(path) for call in parts for path in call.inputs)
        live = self._live()
        names = [_free(call.name, live) for call in parts]
        shape = letters(self.graph.shape(parts[0].outputs[0]))
        text = op.all_parts(source.text)
        self.lines.append(f"{', '.join(names)} = {text}  # each {shape}")
        for call, name in zip(parts, names, strict=True):
            self._bind(call.outputs[0], name)
            self.done.add(call.outputs[0])

    def _assign_all(self, call: Call) -> None:
        """Assign each of several values that a module returns."""
        value = self._value(call)
        live = self._live()
        names: dict[str, str] = {}
        for path in call.outputs:
            name = path.rpartition(".")[2] if names else call.name
            if self._is_stream(path) and not names and "x" not in live:
                name = "x"
            names[path] = _free(name, live | set(names.values()))
            self._bind(path, names[path])
        needed = [
            [*([] if self._is_only_stored(path) else [name]), *self._stored(path)]
            for path, name in names.items()
        ]
        targets = needed
        if len(_assignment([first for first, *_ in targets], value)) > WIDTH:
            targets = [[name, *self._stored(path)] for path, name in names.items()]
        line = _assignment([first for first, *_ in targets], value)
        rest = {first: others for first, *others in targets}
        if len(line) > WIDTH:
            line = _assignment(["values"], value)
            rest = {f"values[{i}]": each for i, each in enumerate(needed)}
        self.lines.append(line)
        self.lines += [" = ".join([*each, text]) for text, each in rest.items() if each]

    def _is_stream(self, path: str) -> bool:
        """Whether a value is tokens or a grid, not a vector."""
        return len(self.graph.shape(path)) > 2  # noqa: PLR2004  -- [B, C]

    def _is_only_stored(self, path: str) -> bool:
        """Whether a value is a tap that nothing else reads."""
        return path in self.taps and not self.left[path]

    def _stored(self, path: str) -> list[str]:
        """Where the value of a tap is stored."""
        return [f'taps["{name}"]' for name in self.taps.get(path, ())]


def _assignment(targets: list[str], value: Value) -> str:
    return f"{', '.join(targets)} = {value.text}"


def with_comment(line: str, comment: str) -> list[str]:
    """A line and its comment, which is above it if both are too long."""
    if comment and len(line) + len(comment) > WIDTH:
        return [comment.strip(), line]
    return [line + comment]


def calls_of(
    graph: LayerGraph, scope: Scope, wanted: set[str], prefix: str = "self"
) -> Iterable[Call]:
    """The steps of a scope that the given layers depend on."""
    form = "{}[{}]" if scope.is_sequence else "{}.{}"
    for name, item in scope.items.items():
        attribute = form.format(prefix, name)
        if isinstance(item, str):
            if item in wanted:
                inputs = graph.inputs(item)
                yield Call(attribute, inputs, (item,), name, graph.op(item))
        elif item.is_sequence and not item.is_chain():
            yield from calls_of(graph, item, wanted, attribute)
        elif wanted.intersection(item.outputs):
            called = item.name if not item.name.isdigit() else "x"
            yield Call(attribute, tuple(item.inputs), tuple(item.outputs), called)


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name = f"{name}_"
    return name


def _place(name: str, text: str) -> int:
    found = re.search(rf"\b{name}\b", text)
    return found.start() if found else len(text)
