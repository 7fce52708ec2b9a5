"""The layer graph: layers as nodes, and the values between them as edges."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any

import networkx as nx

from deit_spec.diagnostics import Span
from deit_spec.notebook_display import DrawnInNotebook
from deit_spec.ops import Op, Parameter, Shape


class Target(Enum):
    """The purpose of the compiled model."""

    TRAIN = "train"
    INFERENCE = "inference"


class Stage(Enum):
    """The stage of compilation; `verify` checks the invariants of each stage."""

    LOWERED = "lowered"
    TYPED = "typed"
    FINAL = "final"


class LayerGraph(DrawnInNotebook):
    """A `networkx.DiGraph` of ops, in the order in which they run.

    `network` is that graph. The name of a node is its path, which is also the torch
    module path: `blocks.3.attn.qkv`. Its attributes are

    - `path`: the same path,
    - `op`: the op, a frozen dataclass of `deit_spec.ops`,
    - `parameters`: the op's learnable tensors (name, shape, initialisation),
    - `span`: the location in the spec that the layer comes from, or None,
    - `shape`: the output shape, a tuple of `Dim`; None until inferred.

    An edge has `argument`, the position among the inputs of its target, and `shape`,
    the shape of its value. `network.graph` has `name`, `digest`, `target`, `stage`,
    `outputs` (name to path), `taps` (name to path), `predict` (a path, or None) and
    `places` (field of the spec to the location of its value).
    """

    def __init__(self, name: str, digest: str, target: Target = Target.TRAIN) -> None:
        self.network: nx.DiGraph[str] = nx.DiGraph(
            name=name,
            digest=digest,
            target=target,
            stage=Stage.LOWERED,
            outputs={},
            taps={},
            predict=None,
            places={},
        )

    @property
    def name(self) -> str:
        """The name of the spec."""
        return str(self.network.graph["name"])

    @property
    def digest(self) -> str:
        """The content hash of the spec."""
        return str(self.network.graph["digest"])

    @property
    def target(self) -> Target:
        """The purpose of the model."""
        target: Target = self.network.graph["target"]
        return target

    @target.setter
    def target(self, target: Target) -> None:
        self.network.graph["target"] = target

    @property
    def stage(self) -> Stage:
        """The stage of compilation."""
        stage: Stage = self.network.graph["stage"]
        return stage

    @stage.setter
    def stage(self, stage: Stage) -> None:
        self.network.graph["stage"] = stage

    @property
    def outputs(self) -> Mapping[str, str]:
        """What `forward` returns: the path of each output, by name."""
        outputs: Mapping[str, str] = self.network.graph["outputs"]
        return outputs

    @outputs.setter
    def outputs(self, outputs: Mapping[str, str]) -> None:
        self.network.graph["outputs"] = dict(outputs)

    @property
    def taps(self) -> Mapping[str, str]:
        """What `forward` returns besides its outputs: the path of each tap, by name."""
        taps: Mapping[str, str] = self.network.graph["taps"]
        return taps

    @taps.setter
    def taps(self, taps: Mapping[str, str]) -> None:
        self.network.graph["taps"] = dict(taps)

    @property
    def predict(self) -> str | None:
        """The path of what `predict` returns; None if there is no head."""
        path: str | None = self.network.graph["predict"]
        return path

    @predict.setter
    def predict(self, path: str | None) -> None:
        self.network.graph["predict"] = path

    @property
    def places(self) -> Mapping[str, Span]:
        """The locations of the values of all fields that the spec sets."""
        places: Mapping[str, Span] = self.network.graph["places"]
        return places

    @places.setter
    def places(self, places: Mapping[str, Span]) -> None:
        self.network.graph["places"] = dict(places)

    def add(
        self,
        path: str,
        op: Op,
        inputs: Iterable[str] = (),
        span: Span | None = None,
    ) -> str:
        """Add a layer, and return its path.

        Raises:
            ValueError: The path exists, or an input is unknown or listed twice.
        """
        inputs = tuple(inputs)
        known = self.network.adj
        unknown = [source for source in inputs if source not in known]
        if path in known or unknown or len(set(inputs)) < len(inputs):
            raise ValueError(f"cannot add {path} reading {', '.join(inputs)}")
        self.network.add_node(
            path, path=path, op=op, parameters=op.parameters, span=span, shape=None
        )
        for argument, source in enumerate(inputs):
            self.network.add_edge(source, path, argument=argument, shape=None)
        return path

    def replace(self, path: str, op: Op, inputs: Iterable[str] = ()) -> None:
        """Replace the op and the inputs of a layer; its readers and shape stay."""
        self.network.nodes[path].update(op=op, parameters=op.parameters)
        self.network.remove_edges_from([*self.network.in_edges(path)])
        for argument, source in enumerate(inputs):
            shape = self.network.nodes[source]["shape"]
            self.network.add_edge(source, path, argument=argument, shape=shape)

    def reorder(self, paths: Iterable[str]) -> None:
        """Set the order of the layers; `paths` are all of them."""
        network: nx.DiGraph[str] = nx.DiGraph(**self.network.graph)
        network.add_nodes_from((path, self.network.nodes[path]) for path in paths)
        network.add_edges_from(self.network.edges(data=True))
        self.network = network

    def bypass(self, path: str, source: str | None = None) -> None:
        """Remove a layer, and connect its readers to its only input, or to `source`."""
        if source is None:
            (source,) = self.inputs(path)
        for reader, edge in self.network.succ[path].items():
            self.network.add_edge(source, reader, **edge)
        self.network.remove_node(path)
        self.outputs, self.taps = (
            {name: source if value == path else value for name, value in given.items()}
            for given in (self.outputs, self.taps)
        )
        if self.predict == path:
            self.predict = source

    def op(self, path: str) -> Op:
        """The op of a layer."""
        op: Op = self.network.nodes[path]["op"]
        return op

    def span(self, path: str) -> Span | None:
        """The location in the spec that the layer comes from."""
        span: Span | None = self.network.nodes[path]["span"]
        return span

    def inputs(self, path: str) -> tuple[str, ...]:
        """The paths of a layer's inputs, in the order of its arguments."""
        sources = tuple(self.network.predecessors(path))
        if len(sources) < 2:  # noqa: PLR2004  -- nothing to order
            return sources
        edges = self.network.pred[path]
        return tuple(sorted(sources, key=lambda source: edges[source]["argument"]))

    def wiring(self) -> dict[str, Sequence[str]]:
        """The inputs of every layer, in one pass over the edges."""
        found: dict[str, list[str]] = {path: [] for path in self.network}
        disordered: set[str] = set()
        edges: Iterable[tuple[str, str, int]] = self.network.edges(data="argument")
        for source, path, argument in edges:
            sources = found[path]
            if argument != len(sources):
                disordered.add(path)
            sources.append(source)
        return {**found, **{path: self.inputs(path) for path in disordered}}

    def readers(self, path: str) -> tuple[str, ...]:
        """The paths of the layers that read a layer."""
        return tuple(self.network.successors(path))

    def shape(self, path: str) -> Shape:
        """The output shape of a layer.

        Raises:
            KeyError: It is not inferred yet.
        """
        shape: Shape | None = self.network.nodes[path]["shape"]
        if shape is None:
            raise KeyError(path)
        return shape

    def input_shapes(self, path: str) -> tuple[Shape, ...]:
        """The input shapes of a layer, in the order of its arguments."""
        return tuple(self.shape(source) for source in self.inputs(path))

    def set_shape(self, path: str, shape: Shape) -> None:
        """Set the shape of a layer's output and of its outgoing edges."""
        self.network.nodes[path]["shape"] = shape
        for edge in self.network.succ[path].values():
            edge["shape"] = shape

    def set_shapes(self, shapes: Mapping[str, Shape]) -> None:
        """Set the shapes of all outputs and edges."""
        for path, node in self.network.nodes(data=True):
            node["shape"] = shapes[path]
        for source, _, edge in self.network.edges(data=True):
            edge["shape"] = shapes[source]

    def ops(self) -> Iterator[tuple[str, Op]]:
        """Every path with its op, in the order in which they were added."""
        nodes: Iterator[tuple[str, Any]] = iter(self.network.nodes(data="op"))
        return nodes

    def tensors(self) -> dict[str, Parameter]:
        """Every learnable tensor by its name in the state dict."""
        return {
            f"{path}.{parameter.name}" if parameter.name else path: parameter
            for path, op in self.ops()
            for parameter in op.parameters
        }

    def shapes(self) -> dict[str, Shape | None]:
        """The output shape of every layer by path; None until inferred."""
        nodes: Iterator[tuple[str, Any]] = iter(self.network.nodes(data="shape"))
        return dict(nodes)

    def order(self) -> list[str]:
        """The paths in the order of execution, if possible that of adding them.

        Raises:
            networkx.NetworkXUnfeasible: The graph has a cycle.
        """
        places = {path: place for place, path in enumerate(self.network)}
        if all(places[source] < places[path] for source, path in self.network.edges):
            return list(places)
        return list(
            nx.lexicographical_topological_sort(self.network, key=places.__getitem__)
        )

    def returned(self) -> list[str]:
        """The paths of all values that `forward` returns."""
        return [*self.outputs.values(), *self.taps.values()]

    def results(self) -> list[str]:
        """The paths of all values that `forward` and `predict` return."""
        predicted = [] if self.predict is None else [self.predict]
        return [*self.returned(), *predicted]

    def live(self) -> set[str]:
        """The paths that an output or `predict` depends on."""
        return self.needed(path for path in self.results() if path in self.network)

    def needed(self, paths: Iterable[str]) -> set[str]:
        """Some paths, and all that they depend on."""
        waiting = [*paths]
        found = set(waiting)
        while waiting:
            for source in self.network.predecessors(waiting.pop()):
                if source not in found:
                    found.add(source)
                    waiting.append(source)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.order())

    def __len__(self) -> int:
        return len(self.network)

    def __repr__(self) -> str:
        return (
            f"<LayerGraph {self.name!r} for {self.target.value}, {self.stage.value}, "
            f"{len(self)} layers>"
        )
