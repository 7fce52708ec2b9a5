"""Compute only the tokens that are read: exact, with the same parameters.

The heads read one or two tokens of the last block. Its attention therefore needs the
queries of these tokens alone, with the keys and values of all, and everything after it
runs on these tokens. What is read follows from the ops, not from the names of layers.
"""

from itertools import groupby
from typing import TypeAlias

from deit_spec.graph import LayerGraph
from deit_spec.ops import (
    Dim,
    LayerWeights,
    Linear,
    LinearPart,
    Op,
    SeparateHeads,
    Shape,
    SplitHeads,
    TakePart,
    TakeTokens,
)
from deit_spec.passes.drop_unread_layers import drop_unread_layers
from deit_spec.passes.infer_shapes import infer_shapes

Tokens: TypeAlias = range | None
"""Consecutive tokens of a value; None for all of them."""


def drop_unread_tokens(graph: LayerGraph) -> LayerGraph:
    """Compute only the tokens that the outputs depend on.

    A fused projection is split where its parts are read for different tokens: the
    queries of some tokens, and the keys and values of all.
    """
    for path, tokens in tokens_read(graph).items():
        if graph.op(path).keeps_tokens(tokens):
            graph.bypass(path, graph.inputs(path)[0])
    graph = infer_shapes(drop_unread_layers(graph))
    _Rewriting(graph).run()
    return infer_shapes(graph)


def tokens_read(graph: LayerGraph) -> dict[str, Tokens]:
    """The tokens of each value that the outputs depend on, in a typed graph.

    A range covers every token that is read, and may include others in between. Layers
    that no output depends on are absent.
    """
    read: dict[str, Tokens] = dict.fromkeys(graph.results())
    wiring = graph.wiring()
    for path in reversed(graph.order()):
        if path not in read:
            continue
        for argument, source in enumerate(wiring[path]):
            tokens = graph.op(path).tokens_read(argument, read[path])
            if source in read:
                tokens = _hull(read[source], tokens)
            read[source] = _unless_all(tokens, graph.shape(source))
    return read


def _hull(one: Tokens, other: Tokens) -> Tokens:
    if one is None or other is None:
        return None
    return range(min(one.start, other.start), max(one.stop, other.stop))


def _unless_all(tokens: Tokens, shape: Shape) -> Tokens:
    """None if these are all tokens of a value."""
    if tokens is None:
        return None
    axis = 2 if len(shape) == 4 else 1  # noqa: PLR2004  -- [B, H, N, D], or [B, N, …]
    return None if tokens.start == 0 and tokens.stop >= shape[axis].known else tokens


class _Rewriting:
    """The rewriting of a graph, layer by layer in the order of execution.

    `made` are the tokens of each value that the new graph computes.
    """

    def __init__(self, graph: LayerGraph) -> None:
        self.graph = graph
        self.read = tokens_read(graph)
        self.made: dict[str, Tokens] = {}
        self.order: list[str] = []
        self.spans = {path: graph.span(path) for path in graph.network}
        self.taken: dict[tuple[str, str, range], str] = {}
        self.usual = 0  # the number of tokens that has a symbol

    def run(self) -> None:
        for path in self.graph.order():
            if path not in self.graph.network or path in self.made:
                continue  # removed, or written with its projection
            op = self.graph.op(path)
            if isinstance(op, SplitHeads) and (parts := self.separate_parts(path)):
                self.split_projection(path, parts)
            else:
                self.write(path)
        self.graph.reorder(self.order)

    def write(self, path: str) -> None:
        """Make a layer read only the tokens that it needs from its inputs."""
        graph, op = self.graph, self.graph.op(path)
        sources = graph.inputs(path)
        self.made[path] = wanted = self.possible(path)
        inputs = []
        for argument, source in enumerate(sources):
            needed, given = op.tokens_read(argument, wanted), self.made[source]
            needed = _unless_all(needed, graph.shape(source))
            if argument in op.per_token and needed is not None and needed != given:
                inputs.append(self.take(path, source, needed))
            else:
                inputs.append(source)
                op = op.without_tokens(given.start if given else 0)
        if (*inputs,) != sources or op is not graph.op(path):
            graph.replace(path, op, inputs)
        self.order.append(path)

    def possible(self, path: str) -> Tokens:
        """The tokens to compute: those that are read, and others that are given.

        Tokens can only be taken from values `[B, N, C]`.
        """
        wanted = self.read.get(path)
        for argument, source in enumerate(self.graph.inputs(path)):
            is_fixed = len(self.graph.shape(source)) != 3  # noqa: PLR2004  -- as said
            if argument in self.graph.op(path).per_token and is_fixed:
                return self.made[source]
        return wanted

    def take(self, reader: str, source: str, tokens: range) -> str:
        """Take some tokens of a value, once for each group of layers."""
        scope = reader.rpartition(".")[0]
        key = (scope, source, tokens)
        if key not in self.taken:
            self.usual = self.usual or len(tokens)
            count = Dim(len(tokens), "R" if len(tokens) == self.usual else "")
            given = self.made[source]
            first = tokens.start - (given.start if given else 0)
            path = self.unused(f"{scope}.take" if scope else "take")
            span = self.spans.get(reader)
            self.taken[key] = self.graph.add(
                path, TakeTokens(first, count), [source], span
            )
            self.made[path] = tokens
            self.order.append(path)
        return self.taken[key]

    def unused(self, path: str) -> str:
        """A path that no layer has."""
        found, number = path, 2
        while found in self.graph.network:
            found, number = f"{path}{number}", number + 1
        return found

    def separate_parts(self, split: str) -> list[list[str]]:
        """The parts of a fused projection, grouped by the tokens that are read.

        Empty if all are read for the same tokens, or if another layer reads the
        projection as a whole.
        """
        graph = self.graph
        (linear,) = graph.inputs(split)
        readers = {
            op.index: path
            for path in graph.readers(split)
            if isinstance(op := graph.op(path), TakePart)
        }
        is_private = (
            isinstance(graph.op(linear), Linear)
            and graph.readers(linear) == (split,)
            and [*sorted(readers)] == [*range(len(graph.readers(split)))]
            and not {linear, split}.intersection(graph.results())
        )
        parts = [readers[index] for index in sorted(readers)]
        groups = [[*group] for _, group in groupby(parts, key=self.read.get)]
        return groups if is_private and len(groups) > 1 else []

    def split_projection(self, split: str, groups: list[list[str]]) -> None:
        """Replace `Linear -> SplitHeads -> TakePart…` by a projection per group."""
        graph = self.graph
        (linear,) = graph.inputs(split)
        (x,) = graph.inputs(linear)
        layer, heads = graph.op(linear), graph.op(split)
        assert isinstance(layer, Linear)  # noqa: S101  -- as `separate_parts` found
        assert isinstance(heads, SplitHeads)  # noqa: S101  -- the same
        width = layer.outputs.part(heads.parts)
        weights = LayerWeights(layer)
        graph.replace(linear, weights)
        graph.set_shape(linear, weights.infer())
        graph.network.remove_node(split)
        first = 0
        for group in groups:
            count, tokens = len(group), self.read[group[0]]
            names = "".join(part.rpartition(".")[2] for part in group)
            path = f"{split.rpartition('.')[0]}.{names}".removeprefix(".")
            op = LinearPart(first, count, heads.parts, width, layer.bias)
            made = self.add(f"{path}_proj", op, [x, linear], split, tokens)
            if count > 1:
                pieces = SplitHeads(count, heads.heads, heads.width)
                made = self.add(f"{path}_split", pieces, [made], split, tokens)
            for index, part in enumerate(group):
                one = SeparateHeads(heads.heads, heads.width)
                graph.replace(
                    part, TakePart(index, count) if count > 1 else one, [made]
                )
                self.write(part)
            first += count

    def add(
        self, path: str, op: Op, inputs: list[str], origin: str, tokens: Tokens
    ) -> str:
        """Add a layer of which some tokens are read, from where another comes from."""
        graph = self.graph
        path = graph.add(self.unused(path), op, inputs, self.spans[origin])
        graph.set_shape(path, op.infer(*graph.input_shapes(path)))
        self.read[path] = tokens
        self.write(path)
        return path
