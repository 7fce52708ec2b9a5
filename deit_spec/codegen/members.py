"""The attributes of a generated class: its parameters, layers and inner modules."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from textwrap import indent

from deit_spec.codegen.arguments import Argument, Lifted
from deit_spec.codegen.constants import Constants
from deit_spec.graph import LayerGraph, Scope, runs
from deit_spec.ops import FunctionOp, ModuleOp, ParameterOp

LIST_WIDTH = 88 - 16
"""The length of an entry of a module list, with its comma."""


@dataclass(frozen=True)
class Members:
    """Writes the assignments of an `__init__`."""

    graph: LayerGraph
    constants: Constants
    class_names: dict[int, str]
    arguments: dict[int, tuple[Argument, ...]]
    live: set[str]

    def write(self, scope: Scope) -> Iterator[str]:
        """One statement per attribute, in the order of use."""
        mine = {c: a.name for a in self.arguments[scope.structure] for c in a.columns}
        for name in own_numbers(self.graph, scope, mine).values():
            yield f"self.{name} = {name}"
        column = 0
        for name, item in scope.items.items():
            if isinstance(item, str):
                width = len(self.graph.op(item).lifted)
                if text := self._layer(item, mine, column):
                    if item not in self.live:
                        yield "# Not used here; kept so that state dicts match."
                    yield f"self.{name} = {text}"
            elif item.is_sequence:
                width = 0
                yield f"self.{name} = {self._sequence(item)}"
            else:
                width = len(item.values)
                yield f"self.{name} = {self._module(item, mine, column)}"
            column += width

    def _layer(self, path: str, mine: dict[int, str], column: int) -> str | None:
        op = self.graph.op(path)
        if isinstance(op, ParameterOp):
            (parameter,) = op.parameters
            sizes = ", ".join(self.constants.dim(dim) for dim in parameter.shape)
            return f"nn.Parameter(torch.empty({sizes}))"
        if isinstance(op, ModuleOp):
            lifted = {
                name.upper(): mine[column + offset]
                for offset, (_, name) in enumerate(op.lifted)
                if column + offset in mine
            }
            arguments = op.arguments(Lifted(self.constants, lifted))
            return f"{op.torch_type}({', '.join(arguments)})"
        return None

    def _module(self, scope: Scope, mine: dict[int, str], column: int) -> str:
        given = []
        for argument in self.arguments[scope.structure]:
            place = argument.columns[0]
            value = mine.get(column + place) or self._rate(argument, scope)
            given.append(f"{argument.name}={value}")
        return f"{self.class_names[scope.structure]}({', '.join(given)})"

    def _rate(self, argument: Argument, scope: Scope) -> str:
        return repr(scope.values[argument.columns[0]])

    def _sequence(self, scope: Scope) -> str:
        """The numbered modules, as a comprehension if they have the same structure."""
        container = "Sequential" if scope.is_chain() else "ModuleList"
        length = self.constants.number("DEPTH", len(scope.items))
        entries = []
        first = 0
        for run in runs(scope.scopes):
            entries += self._run(run, first, len(scope.items), length)
            first += len(run)
        if (len(entries) == 1 and entries[0].startswith("*")) or len(scope.items) == 1:
            inner = entries[0]
            if container == "ModuleList":
                inner = inner[2:-1] if inner.startswith("*(") else f"[{inner}]"
            return f"nn.{container}({inner})"
        lines = "".join(f"    {entry},\n" for entry in entries)
        if container == "ModuleList":
            lines = indent(
                "".join(f"{_wrapped(entry)},\n" for entry in entries), " " * 8
            )
            return f"nn.ModuleList(\n    [\n{lines}    ]\n)"
        return f"nn.Sequential(\n{lines})"

    def _run(self, run: list[Scope], first: int, length: int, depth: str) -> list[str]:
        """Write modules of one class, on one line if a formula gives their numbers."""
        name = self.class_names[run[0].structure]
        arguments = self.arguments[run[0].structure]
        if len(run) == 1:
            return [self._module(run[0], {}, 0)]
        if not arguments:
            count = _count(len(run), length, depth)
            return [f"*({name}() for _ in range({count}))"]
        formulas = [self._formula(a, run, first, length, depth) for a in arguments]
        if not all(formulas):
            return [self._module(scope, {}, 0) for scope in run]
        given = ", ".join(
            f"{argument.name}={formula}"
            for argument, formula in zip(arguments, formulas, strict=True)
        )
        bounds = _bounds(first, first + len(run), length, depth)
        return [f"*({name}({given}) for i in range({bounds}))"]

    def _formula(
        self, argument: Argument, run: list[Scope], first: int, length: int, depth: str
    ) -> str | None:
        """The formula of a number that grows linearly with the block, or None."""
        values = [scope.values[argument.columns[0]] for scope in run]
        last = length - 1
        if first + len(run) != length or argument.type != "float":
            return None
        largest = values[-1]
        grown = [largest * (first + index) / last for index in range(len(run))]
        if grown != values:
            return None
        name = self.constants.number(argument.name.upper(), largest)
        return f"{name} * i / ({depth} - 1)"


def _wrapped(entry: str) -> str:
    """An entry of a module list, on several lines if it is too long for one."""
    if len(entry) < LIST_WIDTH:
        return entry
    made, _, numbers = entry[2:-1].partition(" for ")
    return f"*(\n    {made}\n    for {numbers}\n)"


def own_numbers(
    graph: LayerGraph, scope: Scope, arguments: Mapping[int, str]
) -> dict[str, str]:
    """The arguments that `forward` uses, which are attributes, by their constants.

    `arguments` are the names of all arguments by the columns of `Scope.values`.
    """
    found, column = dict[str, str](), 0
    for item in scope.items.values():
        if isinstance(item, Scope):
            column += 0 if item.is_sequence else len(item.values)
            continue
        op = graph.op(item)
        for _, name in op.lifted:
            if column in arguments and isinstance(op, FunctionOp):
                found[name.upper()] = arguments[column]
            column += 1
    return found


def _count(count: int, length: int, depth: str) -> str:
    less = length - count
    if less == 0:
        return depth
    return f"{depth} - {less}" if less == 1 else str(count)


def _bounds(first: int, stop: int, length: int, depth: str) -> str:
    end = depth if stop == length else str(stop)
    return end if first == 0 else f"{first}, {end}"
