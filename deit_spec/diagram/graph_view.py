"""The graph as a figure needs it: layers, costs, and short names for equal blocks."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby

import networkx as nx

from deit_spec.cost import Cost, costs
from deit_spec.diagram.cost_range import CostRange, range_of
from deit_spec.diagram.marks import Mark, Marks, titled
from deit_spec.diagram.zero_rates import layers_of, with_zero_rates
from deit_spec.graph import LayerGraph, Scope, build_scopes, runs
from deit_spec.ops import Images, Shape, show

TO = "–"  # noqa: RUF001  -- the dash of a range
_NUMBER = re.compile(r"\d+")


def condense(names: Iterable[str]) -> list[str]:
    """Join consecutive names whose first number counts up.

    >>> condense(["blocks.0.add2", "blocks.1.add2", "blocks.2.add2", "norm"])
    ['blocks.0–2.add2', 'norm']
    """  # noqa: RUF002
    groups: list[list[str]] = []
    for name in names:
        if groups and name == _successor(groups[-1][-1]):
            groups[-1].append(name)
        else:
            groups.append([name])
    return [_range(group[0], group[-1]) for group in groups]


def _successor(name: str) -> str | None:
    """Return a name with its first number increased by one."""
    if number := _NUMBER.search(name):
        return f"{name[: number.start()]}{int(number[0]) + 1}{name[number.end() :]}"
    return None


def _range(first: str, last: str) -> str:
    if first == last:
        return first
    end = _NUMBER.findall(last)[0]
    return _NUMBER.sub(lambda number: f"{number[0]}{TO}{end}", first, count=1)


def spread(texts: Sequence[str], joint: str) -> str:
    """Join texts that differ in some words, with `joint` between these words.

    >>> spread(["part 0 of 3", "part 1 of 3"], ", ")
    'part 0, 1 of 3'
    """
    if len(set(texts)) == 1:
        return texts[0]
    words = [text.split(" ") for text in texts]
    if len({len(row) for row in words}) > 1:
        return joint.join(texts)
    columns = zip(*words, strict=True)
    return " ".join(joint.join(dict.fromkeys(column)) for column in columns)


def ends(texts: Iterable[str]) -> list[str]:
    """Return the first and the last of the texts that differ, or the only one twice."""
    found = [*dict.fromkeys(texts)]
    return [found[0], found[-1]]


def range_of_shapes(shapes: Iterable[Shape]) -> str:
    """Format the shapes of a value in equal blocks, with both ends of other sizes."""
    first, last = (text.split(" ") for text in ends(map(show, shapes)))
    sizes = [
        size if size == other else f"{size.rstrip(',]')}…{other.rpartition('=')[2]}"
        for size, other in zip(first, last, strict=True)
    ]
    return " ".join(sizes)


def details_of(graph: LayerGraph) -> str:
    """Write the target and the size of the images, for the title of a figure."""
    images = [op.summary for _, op in graph.ops() if isinstance(op, Images)]
    return ", ".join([graph.target.value, *images[:1]])


def relative(path: str, parent: str) -> str:
    """Return a path relative to its parent."""
    return path.removeprefix(f"{parent}.") if parent else path


class View:
    """A graph, with everything that a figure shows of it, computed in O(layers).

    `flow` are the layers that an output depends on, `extra` is the prediction if
    nothing else depends on it, and `dead` are the unused layers. Unless `expand` draws
    blocks separately, the graph has layers of rate 0 that make blocks equal.
    """

    def __init__(
        self,
        graph: LayerGraph,
        *,
        expand: bool,
        detail: bool,
        marks: Marks | None = None,
    ) -> None:
        graph = graph if expand else with_zero_rates(graph, marks)
        self.graph = graph
        self.expand = expand
        self.detail = detail
        self.root: Scope = build_scopes(graph)
        self.order = graph.order()
        self.places = {path: place for place, path in enumerate(self.order)}
        self.marks = None if marks is None else _completed(marks, graph, expand=expand)
        self.costs = costs(graph) if self.marks is None else self.marks.costs
        self.extra = _extra(graph)
        self.flow = graph.live() - {self.extra}
        drawn = self.flow | {self.extra}
        self.dead = [path for path in self.order if path not in drawn]
        self.subtotals: dict[str, Cost] = defaultdict(Cost)
        for path in self.order:
            if path in self.flow:
                for scope in around(path):
                    self.subtotals[scope] += self.costs[path]
        self.alive = set(self.subtotals)
        self.names: dict[str, list[str]] = defaultdict(list)
        for name, path in (*graph.outputs.items(), *graph.taps.items()):
            self.names[path].append(name)
        is_only_output = [*graph.outputs.values()] == [graph.predict]
        if graph.predict not in {None, self.extra} and not is_only_output:
            self.names[graph.predict].append("predict")
        self._runs: list[tuple[Scope, ...]] = []

    @contextmanager
    def inside(self, scopes: tuple[Scope, ...]) -> Iterator[None]:
        """While drawing the first of several equal scopes, refer to all of them."""
        self._runs.append(scopes)
        yield
        self._runs.pop()

    def runs(self, scopes: list[Scope]) -> Iterator[list[Scope]]:
        """Split a sequence into runs of scopes that are equal, and marked alike."""
        for run in runs(scopes):
            for _, alike in groupby(run, self._marking):
                yield [*alike]

    def _marking(self, scope: Scope) -> list[tuple[str, Mark]]:
        """The marks of the layers of a scope, by their paths in it."""
        marks = {} if self.marks is None else self.marks.layers
        return [
            (relative(path, scope.path), marks[path])
            for path in layers_of(scope)
            if path in marks
        ]

    def mark(self, paths: Iterable[str]) -> Mark | None:
        """Return the mark of layers that are drawn as one node, if any."""
        return None if self.marks is None else self.marks.of(paths)

    def title(self, name: str, paths: Iterable[str]) -> str:
        """Put the sign of layers before their name, if they differ."""
        return titled(name, self.mark(paths))

    def twins(self, path: str) -> list[str]:
        """Return the layers that a drawn layer represents, itself first.

        A value from outside of equal blocks represents what each of them reads there.
        """
        paths = [path]
        for scopes in self._runs:
            inside = f"{scopes[0].path}." if scopes else ""
            if len(scopes) < 2:  # noqa: PLR2004  -- a single scope
                continue
            if path in scopes[0].inputs:
                place = scopes[0].inputs.index(path)
                paths = [*dict.fromkeys(scope.inputs[place] for scope in scopes)]
            elif path.startswith(inside):
                paths = [
                    f"{scope.path}.{other[len(inside) :]}"
                    if other.startswith(inside)
                    else other
                    for scope in scopes
                    for other in paths
                ]
        return paths

    def summary(self, path: str) -> str:
        """Summarize a layer, with the range of values in equal scopes."""
        texts = (self.graph.op(twin).summary for twin in self.twins(path))
        return spread(ends(texts), " … ")

    def output_names(self, path: str) -> list[str]:
        """Return the names of the outputs that a value is."""
        twins = self.twins(path)
        return condense(name for twin in twins for name in self.names.get(twin, ()))

    def shape(self, path: str) -> str:
        """Format the shape of a value, with the range of sizes in equal scopes."""
        return range_of_shapes(map(self.graph.shape, self.twins(path)))

    def cost(self, path: str) -> CostRange:
        """Return the cost of a layer in equal scopes."""
        return range_of([self.costs[twin] for twin in self.twins(path)])

    def subtotal(self, scopes: Sequence[Scope]) -> CostRange:
        """Return the cost of a scope in equal scopes, or of these scopes."""
        paths = [scope.path for scope in scopes]
        paths = self.twins(paths[0]) if len(paths) == 1 else paths
        return range_of([self.subtotals[path] for path in paths])

    def whole(self, scopes: Sequence[Scope]) -> Cost:
        """Return the cost of all of these scopes."""
        return sum((self.subtotals[scope.path] for scope in scopes), Cost())

    def readers(self, path: str) -> list[str]:
        """Return the layers in the flow that read a value."""
        return [path for path in self.graph.readers(path) if path in self.flow]

    def reads_of(self, scope: Scope) -> Iterator[str]:
        """Return the values from outside that a scope reads."""
        inside = f"{scope.path}."
        for value in scope.inputs:
            if any(path.startswith(inside) for path in self.readers(value)):
                yield value

    def main_output(self, scope: Scope) -> int:
        """Return the index of the output that continues: the one that is read first."""
        inside = f"{scope.path}."

        def rank(place: int) -> tuple[bool, int, bool, int]:
            value = scope.outputs[place]
            readers = [p for p in self.readers(value) if not p.startswith(inside)]
            first = min((self.places[p] for p in readers), default=0)
            return bool(readers), -first, value in self.flow, self.places[value]

        return max(range(len(scope.outputs)), key=rank)


def _extra(graph: LayerGraph) -> str | None:
    """Return the prediction if it is a layer that nothing else reads."""
    path = graph.predict
    if path is None or path in graph.returned() or graph.readers(path):
        return None
    outputs = graph.returned()
    needed = {*outputs}.union(*(nx.ancestors(graph.network, p) for p in outputs))
    inputs = graph.inputs(path)
    return path if inputs and needed.issuperset(inputs) else None


def _completed(marks: Marks, graph: LayerGraph, *, expand: bool) -> Marks:
    """Mark each layer of rate 0 that was added to a graph as that of the next block."""
    found = marks.layers if expand else marks.alike
    added = {
        path: _successor(path) or path for path in graph if path not in marks.costs
    }
    more = {path: found[twin] for path, twin in added.items() if twin in found}
    free = dict.fromkeys(added, Cost())
    return replace(marks, layers={**found, **more}, costs={**marks.costs, **free})


def around(path: str) -> Iterator[str]:
    """Return the scopes that contain a layer."""
    while "." in path:
        path = path.rpartition(".")[0]
        yield path
