"""Merge similar patches after the attention of each block: approximate, and faster.

Token merging (Bolya et al., ICLR 2023). The number of tokens falls from block to block,
and the shapes stay static: `[B, N, C] -> [B, N - r, C]`.
"""

from collections.abc import Sequence
from itertools import repeat

from deit_spec.graph import LayerGraph
from deit_spec.ops import (
    Add,
    Attend,
    AttendBySize,
    DivideBySize,
    JoinTokens,
    LogSizes,
    MatchTokens,
    MeanOfHeads,
    MergeSizes,
    Op,
    SumTokens,
    UnitSizes,
)
from deit_spec.passes.infer_shapes import infer_shapes


def merge_tokens(graph: LayerGraph, merged: int | Sequence[int]) -> LayerGraph:
    """Merge `merged` patches in every block, or the number given for each block.

    At most half of the patches that a block has are merged. Class and distillation
    token never are. Later attention counts a token as often as it has patches.
    """
    merging = _Merging(graph)
    attentions = [path for path, op in graph.ops() if isinstance(op, Attend)]
    numbers = repeat(merged) if isinstance(merged, int) else merged
    for attend, number in zip(attentions, numbers, strict=False):
        merging.weigh(attend)
        merging.merge(attend, number)
    merging.order()
    return infer_shapes(graph)


class _Merging:
    """The rewriting of a typed graph, attention by attention.

    `patches` are left, after `prefix` other tokens, and `sizes` is the path of the
    sizes of all tokens; None before the first merge, when all are 1. `leading` and
    `following` are the new layers before and after others.
    """

    def __init__(self, graph: LayerGraph) -> None:
        self.graph = graph
        self.span = graph.places.get("variant.merge_tokens")
        join = next(path for path, op in graph.ops() if isinstance(op, JoinTokens))
        *prefix, patches = (shape[1].known for shape in graph.input_shapes(join))
        self.prefix, self.patches = sum(prefix), patches
        self.sizes: str | None = None
        self.leading: dict[str, list[str]] = {}
        self.following: dict[str, list[str]] = {}

    def weigh(self, attend: str) -> None:
        """Add the logarithms of the sizes to the scores of an attention."""
        if self.sizes is None:
            return
        scope = _scope(attend)
        bias = self.add(f"{scope}.bias", LogSizes(), self.sizes)
        inputs = self.graph.inputs(attend)
        (parts,) = self.graph.inputs(inputs[0])
        self.leading[parts] = [bias]
        self.graph.replace(attend, AttendBySize(), [*inputs, bias])

    def merge(self, attend: str, number: int) -> None:
        """Merge tokens by the keys of an attention, where its residual ends."""
        number = min(number, self.patches // 2)
        if not number:
            return
        graph, x = self.graph, self.residual(attend)
        readers, scope = graph.readers(x), _scope(x)
        keys = self.add(
            f"{_scope(attend)}.keys", MeanOfHeads(), graph.inputs(attend)[1]
        )
        new: list[str] = []
        if self.sizes is None:
            self.sizes = self.add(f"{scope}.unit_sizes", UnitSizes(), x)
            new = [self.sizes]
        match = MatchTokens(self.prefix, number)
        index = self.add(f"{scope}.index", match, keys)
        total = SumTokens(self.prefix, number)
        sums = self.add(f"{scope}.sums", total, x, self.sizes, index)
        sizes = self.add(f"{scope}.sizes", MergeSizes(number), self.sizes, index)
        mean = DivideBySize(self.prefix)
        merged = self.add(f"{scope}.merge", mean, sums, sizes)
        self.following[x] = [keys, index, *new, sums, sizes, merged]
        for reader in readers:
            inputs = [merged if path == x else path for path in graph.inputs(reader)]
            graph.replace(reader, graph.op(reader), inputs)
        self.sizes = sizes
        self.patches -= number

    def residual(self, attend: str) -> str:
        """The first sum after an attention."""
        path = attend
        while not isinstance(self.graph.op(path), Add):
            path = self.graph.readers(path)[0]
        return path

    def add(self, path: str, op: Op, *inputs: str) -> str:
        return self.graph.add(path, op, inputs, self.span)

    def order(self) -> None:
        """Put the new layers where they belong."""
        placed = (*self.leading.values(), *self.following.values())
        new = {path for paths in placed for path in paths}
        old = [path for path in self.graph.network if path not in new]
        self.graph.reorder(
            each
            for path in old
            for each in (
                *self.leading.get(path, ()),
                path,
                *self.following.get(path, ()),
            )
        )


def _scope(path: str) -> str:
    return path.rpartition(".")[0]
