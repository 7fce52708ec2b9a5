"""What a figure needs to know about a graph, gathered once in O(layers)."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from deit_spec.cost import Cost, costs
from deit_spec.diagram.names import condense, spread
from deit_spec.graph import LayerGraph, Scope, build_scopes
from deit_spec.ops import show


class View:
    """A graph as one figure sees it.

    `flow` are the layers in the figure: all that an output depends on. `extra`
    is the prediction where nothing else needs it, `dead` is the rest. `alive`
    are the scopes that the flow goes through, `subtotals` what they cost.
    """

    def __init__(self, graph: LayerGraph, *, expand: bool, detail: bool) -> None:
        self.graph = graph
        self.expand = expand
        self.detail = detail
        self.root: Scope = build_scopes(graph)
        self.order = graph.order()
        self.places = {path: place for place, path in enumerate(self.order)}
        self.costs = costs(graph)
        self.extra = _extra(graph)
        self.flow = graph.live() - {self.extra}
        drawn = self.flow | {self.extra}
        self.dead = [path for path in self.order if path not in drawn]
        self.subtotals: dict[str, Cost] = defaultdict(Cost)
        for path in self.order:
            if path in self.flow:
                for scope in _around(path):
                    self.subtotals[scope] += self.costs[path]
        self.alive = set(self.subtotals)
        self.names: dict[str, list[str]] = defaultdict(list)
        for name, path in graph.outputs.items():
            self.names[path].append(name)
        if graph.predict and graph.predict != self.extra:
            single = graph.predict in self.names and len(graph.outputs) == 1
            if not single:
                self.names[graph.predict].append("predict")
        self._runs: list[tuple[Scope, ...]] = []

    @contextmanager
    def inside(self, scopes: tuple[Scope, ...]) -> Iterator[None]:
        """Draw the first of some equal scopes for all of them."""
        self._runs.append(scopes)
        yield
        self._runs.pop()

    def twins(self, path: str) -> list[str]:
        """The layers that a drawn layer stands for, itself first."""
        paths = [path]
        for scopes in self._runs:
            inside = f"{scopes[0].path}." if scopes else ""
            if len(scopes) > 1 and path.startswith(inside):
                paths = [
                    f"{scope.path}.{other[len(inside) :]}"
                    if other.startswith(inside)
                    else other
                    for scope in scopes
                    for other in paths
                ]
        return paths

    def summary(self, path: str) -> str:
        """What a layer does, and from where to where that goes in a run."""
        twins = self.twins(path)
        ends = (twins[0], twins[-1])
        return spread([self.graph.op(end).summary for end in ends], " … ")

    def output_names(self, path: str) -> list[str]:
        """What the model calls a value that it returns."""
        twins = self.twins(path)
        return condense(name for twin in twins for name in self.names.get(twin, ()))

    def shape(self, path: str) -> str:
        """The shape of a value, written out."""
        return show(self.graph.shape(path))

    def readers(self, path: str) -> list[str]:
        """The layers of the flow that read a value."""
        return [path for path in self.graph.readers(path) if path in self.flow]

    def read_by_extra(self, value: str) -> bool:
        """Whether the prediction reads a value."""
        return self.extra is not None and value in self.graph.inputs(self.extra)

    def read_by_only(self, value: str, path: str, scopes: tuple[Scope, ...]) -> bool:
        """Whether a layer, or the first of some scopes, is all that reads a value."""
        inside = f"{path}."
        readers = self.readers(value)
        if scopes:
            return len(scopes) == 1 and all(r.startswith(inside) for r in readers)
        return readers == [path]

    def reads_of(self, scope: Scope) -> Iterator[str]:
        """The values from outside that the flow through a scope reads."""
        inside = f"{scope.path}."
        for value in scope.inputs:
            if any(path.startswith(inside) for path in self.readers(value)):
                yield value

    def main_output(self, scope: Scope) -> int:
        """Which output of a scope goes on: the last one made that is read."""
        inside = f"{scope.path}."

        def rank(place: int) -> tuple[bool, bool, int]:
            value = scope.outputs[place]
            read = any(not p.startswith(inside) for p in self.readers(value))
            return read, value in self.flow, self.places[value]

        return max(range(len(scope.outputs)), key=rank, default=-1)


def _extra(graph: LayerGraph) -> str | None:
    """The prediction, where it is a layer that serves nothing else."""
    path = graph.predict
    if path is None or path in graph.outputs.values() or graph.readers(path):
        return None
    needed = _needed(graph)
    serves = all(source in needed for source in graph.inputs(path))
    return path if serves and graph.inputs(path) else None


def _needed(graph: LayerGraph) -> set[str]:
    """The layers that the outputs depend on."""
    found = set(graph.outputs.values())
    waiting = list(found)
    while waiting:
        for source in graph.inputs(waiting.pop()):
            if source not in found:
                found.add(source)
                waiting.append(source)
    return found


def _around(path: str) -> Iterator[str]:
    """The scopes around a layer."""
    while "." in path:
        path = path.rpartition(".")[0]
        yield path
