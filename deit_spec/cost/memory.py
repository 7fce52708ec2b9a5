"""The memory of activations, computed from the graph without running it.

A layer writes a new tensor, unless it is a view, which shares the memory of its input.
Parameters are not activations. docs/cost.md defines each number.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from deit_spec.graph import LayerGraph
from deit_spec.ops import BATCH, Images, TakeTokens, elements

_FLOAT32_SIZE = 4


class Dtype(Enum):
    """The dtype of parameters and activations."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"
    FLOAT64 = "float64"

    @property
    def size(self) -> int:
        """Bytes per element."""
        return {Dtype.FLOAT32: 4, Dtype.FLOAT64: 8}.get(self, 2)


@dataclass(frozen=True, slots=True)
class Peak:
    """The peak memory, and the layer at which it occurs."""

    bytes: int
    path: str


class Memory:
    """The activations of a model, for a batch size and a dtype."""

    def __init__(self, graph: LayerGraph, batch: int, dtype: Dtype) -> None:
        self.graph = graph
        self.batch = batch
        self.dtype = dtype
        self.paths = _reached(graph)

    def written(self) -> dict[str, int]:
        """The bytes that each layer writes in a forward pass for evaluation."""
        owners = self._owners(training=False)
        return {p: self._bytes(p) if owners[p] == p else 0 for p in self.paths}

    def peak(self) -> Peak:
        """The peak number of bytes in use during a forward pass for evaluation.

        Layers run one by one, and a tensor is freed after its last use. The images,
        which belong to the caller, and the outputs are not freed.
        """
        owners, written = self._owners(training=False), self.written()
        freed_by = self._freed_by(owners)
        alive, peak = 0, Peak(0, "")
        for path in self.paths:
            alive += written[path]
            if alive > peak.bytes:
                peak = Peak(alive, path)
            alive -= sum(written[owner] for owner in freed_by.get(path, ()))
        return peak

    def kept(self) -> dict[str, int]:
        """The bytes that autograd keeps in training, by the layer that writes them."""
        owners = self._owners(training=True)
        kept = dict.fromkeys(self.paths, 0)
        whole: set[str] = set()
        for path in self.paths:
            inputs = self.graph.inputs(path)
            keeps = self.graph.op(path).kept(*map(self.graph.shape, inputs))
            if keeps.inputs:
                whole.update(
                    source if self._is_copied(source, path) else owners[source]
                    for source in inputs
                )
            if keeps.output:
                whole.add(owners[path])
            statistics = keeps.statistics * max(self.dtype.size, _FLOAT32_SIZE)
            copies = keeps.copies if self.batch > 1 else 0
            numbers = (keeps.numbers + copies) * self.dtype.size
            kept[path] = self.batch * (numbers + statistics + keeps.flags)
        for path in whole:
            kept[path] += self._bytes(path)
        return kept

    def _is_copied(self, source: str, path: str) -> bool:
        """Whether a layer copies its input: a matrix product with some of the tokens.

        A copy is needed if there is no constant distance between the tokens, which are
        several tokens of several images.
        """
        graph, taken = self.graph, self.graph.op(source)
        if not isinstance(taken, TakeTokens):
            return False
        is_product = graph.op(path).macs(*map(graph.shape, graph.inputs(path))) > 0
        return is_product and self.batch > 1 and taken.tokens.known > 1

    def _bytes(self, path: str) -> int:
        if self.graph.op(path).learned:
            return 0
        shape = self.graph.shape(path)
        batch = self.batch if BATCH in shape else 1
        size = self.graph.op(path).item_size or self.dtype.size
        return batch * elements(shape) * size

    def _owners(self, *, training: bool) -> dict[str, str]:
        """The layer that owns the memory of each layer's value."""
        owners: dict[str, str] = {}
        for path in self.paths:
            op = self.graph.op(path)
            shared = op.view or (op.random and not training)
            owners[path] = owners[self.graph.inputs(path)[0]] if shared else path
        return owners

    def _freed_by(self, owners: dict[str, str]) -> dict[str, list[str]]:
        """The tensors that can be freed after each layer."""
        last = {owner: path for path, owner in owners.items()}
        for path in self.paths:
            last.update((owners[source], path) for source in self.graph.inputs(path))
        staying = {owners[path] for path in self.graph.returned()}
        freed: dict[str, list[str]] = {}
        for owner, path in last.items():
            if owner not in staying and not isinstance(self.graph.op(owner), Images):
                freed.setdefault(path, []).append(owner)
        return freed


def _reached(graph: LayerGraph) -> list[str]:
    """The layers that `forward` runs, in order."""
    waiting = graph.returned()
    found = set(waiting)
    while waiting:
        new = _new(graph.inputs(waiting.pop()), found)
        found.update(new)
        waiting.extend(new)
    return [path for path in graph.order() if path in found]


def _new(paths: Iterable[str], found: set[str]) -> list[str]:
    return [path for path in paths if path not in found]
