"""The tree of scopes in a graph, and which of them have the same structure.

A scope is a group of paths with a common prefix: `blocks.3.attn`. Two scopes
have the same structure if their layers, shapes and connections are the same; they then
share a class in generated code and a box in a diagram. Equal structure is detected,
not assumed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields

from deit_spec.graph.layer_graph import LayerGraph
from deit_spec.graph.verify import IllegalGraphError
from deit_spec.ops import Op, letters


@dataclass
class Scope:
    """A group of layers, in the order of execution.

    `inputs` are the layers outside the scope that it reads, and `outputs` its own
    layers that are read outside, both in order of first use. `structure` is equal for
    scopes with the same structure. `values` are the numbers that may differ between
    these, such as drop path rates.
    """

    path: str
    items: dict[str, "Scope | str"] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    structure: int = -1
    values: tuple[float, ...] = ()

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]

    @property
    def is_sequence(self) -> bool:
        """Whether the items are numbered: `blocks`."""
        return bool(self.items) and all(name.isdigit() for name in self.items)

    @property
    def scopes(self) -> list["Scope"]:
        """The scopes among the items."""
        return [item for item in self.items.values() if isinstance(item, Scope)]

    def is_chain(self) -> bool:
        """Whether each item reads only the single output of the previous item."""
        scopes = self.scopes
        if len(scopes) != len(self.items) or not self.is_sequence:
            return False
        carried = self.inputs
        for scope in scopes:
            if len(scope.inputs) != 1 or scope.inputs != carried:
                return False
            carried = scope.outputs
        return len(carried) == 1 and self.outputs == carried

    def walk(self) -> Iterator["Scope"]:
        """Yield all nested scopes and this one, inner ones first."""
        for scope in self.scopes:
            yield from scope.walk()
        yield self


def runs(scopes: list[Scope]) -> list[list[Scope]]:
    """Split a sequence into runs of equal structure."""
    cut: list[list[Scope]] = []
    for scope in scopes:
        if cut and cut[-1][0].structure == scope.structure:
            cut[-1].append(scope)
        else:
            cut.append([scope])
    return cut


def build_scopes(graph: LayerGraph) -> Scope:
    """Group the layers of a typed graph by path, in O(layers).

    Raises:
        IllegalGraphError: Two scopes read each other, so neither can run as a unit.
    """
    order = graph.order()
    root = Scope("")
    scopes = {"": root}
    for path in order:
        parent = _scope(scopes, path.rpartition(".")[0])
        parent.items[path.rpartition(".")[2]] = path
    _find_borders(graph, scopes, order)
    _Interner(graph).number(root)
    return root


def _scope(scopes: dict[str, Scope], path: str) -> Scope:
    if path not in scopes:
        scope = scopes[path] = Scope(path)
        parent, _, name = path.rpartition(".")
        _scope(scopes, parent).items[name] = scope
    return scopes[path]


def _enclosing(path: str) -> list[str]:
    """The scopes that contain a layer, outermost first."""
    parts = path.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def _find_borders(
    graph: LayerGraph, scopes: dict[str, Scope], order: list[str]
) -> None:
    inputs: dict[str, dict[str, None]] = {path: {} for path in scopes}
    outputs: dict[str, dict[str, None]] = {path: {} for path in scopes}
    for path in order:
        around = _enclosing(path)
        for source in graph.inputs(path):
            theirs = _enclosing(source)
            for outer in around:
                if outer not in theirs:
                    inputs[outer][source] = None
            for outer in theirs:
                if outer not in around:
                    outputs[outer][source] = None
    for path in graph.results():
        for outer in _enclosing(path):
            outputs[outer][path] = None
    for path, scope in scopes.items():
        scope.inputs, scope.outputs = list(inputs[path]), list(outputs[path])


class _Interner:
    """Maps equal keys to equal numbers, so that keys do not grow with their scope.

    Shapes are compared by their letters: blocks with different numbers of tokens, as
    after merging, have the same structure.
    """

    def __init__(self, graph: LayerGraph) -> None:
        self.graph = graph
        self.live = graph.live()
        self.numbers: dict[object, int] = {}
        self.ops: dict[int, int] = {}

    def intern(self, key: object) -> int:
        return self.numbers.setdefault(key, len(self.numbers))

    def number(self, scope: Scope) -> None:
        for child in scope.scopes:
            self.number(child)
        values: list[float] = []
        places = {path: ("in", place) for place, path in enumerate(scope.inputs)}
        keys: list[object] = [self._shapes(scope.inputs)]
        for place, (name, item) in enumerate(scope.items.items()):
            if isinstance(item, Scope):
                sources, made, kind = item.inputs, item.outputs, item.structure
                values.extend(item.values)
            else:
                sources, made = list(self.graph.inputs(item)), [item]
                kind = self._layer(item)
                values.extend(self._values(item))
            if late := [source for source in sources if source not in places]:
                raise IllegalGraphError(
                    f"{name} reads {late}, which run after it began"
                )
            keys.append((name, kind, tuple(places[source] for source in sources)))
            for index, path in enumerate(made):
                places[path] = (str(place), index)
        keys.append(tuple(places[path] for path in scope.outputs))
        if scope.is_sequence:
            # Generated item by item, so its numbers are part of its structure.
            keys.append(tuple(values))
            values = []
        scope.structure = self.intern(tuple(keys))
        scope.values = tuple(values)

    def _shapes(self, paths: list[str]) -> int:
        return self.intern(
            ("shapes", *(letters(self.graph.shape(path)) for path in paths))
        )

    def _layer(self, path: str) -> int:
        op = self.graph.op(path)
        shape, live = letters(self.graph.shape(path)), path in self.live
        return self.intern(("layer", self._op(op), shape, live))

    def _op(self, op: Op) -> int:
        # Blocks share their ops, so most are found by identity, without hashing.
        if id(op) not in self.ops:
            lifted = {name for name, _ in op.lifted}
            names = [field.name for field in fields(op) if field.name not in lifted]  # type: ignore[arg-type]
            said = tuple((name, getattr(op, name)) for name in names)
            self.ops[id(op)] = self.intern((type(op), said))
        return self.ops[id(op)]

    def _values(self, path: str) -> list[float]:
        op = self.graph.op(path)
        return [getattr(op, name) for name, _ in op.lifted]
