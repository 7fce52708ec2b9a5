"""The cost of a model by layer or by stage."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from deit_spec.cost.conventions import Convention, count
from deit_spec.cost.memory import Dtype, Memory, Peak
from deit_spec.graph import LayerGraph, Target


class By(Enum):
    """The parts of the model that the rows of a report stand for."""

    STAGE = "stage"
    NODE = "node"


@dataclass(frozen=True, slots=True)
class Setting:
    """The options of a report."""

    batch: int = 1
    dtype: Dtype = Dtype.FLOAT32
    convention: Convention = Convention.MATMUL
    by: By = By.STAGE


@dataclass(frozen=True, slots=True)
class Row:
    """The cost of a part of the model. The rows add up to the total.

    `forward_bytes` is written by a forward pass for evaluation. `training_bytes` is
    kept by autograd for the backward pass; None for a model that is not trained.
    """

    path: str
    parameters: int = 0
    count: int = 0
    forward_bytes: int = 0
    training_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The cost of a graph for given options.

    `counts` has the total in every convention. `peak` is the peak memory of a forward
    pass for evaluation.
    """

    graph: LayerGraph
    setting: Setting
    rows: tuple[Row, ...]
    total: Row
    counts: dict[Convention, int]
    peak: Peak

    @property
    def parameter_bytes(self) -> int:
        """The memory of the parameters."""
        return self.total.parameters * self.setting.dtype.size


def report(graph: LayerGraph, setting: Setting) -> Report:
    """Compute the cost of a graph with inferred shapes."""
    memory = Memory(graph, setting.batch, setting.dtype)
    nodes = _by_node(graph, memory, setting)
    stages = stages_of(graph)
    grouped = _grouped(nodes, stages) if setting.by is By.STAGE else nodes
    return Report(
        graph,
        setting,
        tuple(grouped),
        _sum("total", nodes),
        {each: sum(_counts(graph, each, setting.batch)) for each in Convention},
        memory.peak(),
    )


def stages_of(graph: LayerGraph) -> dict[str, str]:
    """The stage of each layer: `embedding`, a numbered block, or `readout`."""
    stages: dict[str, str] = {}
    outside = "embedding"
    for path in graph.order():
        parts = path.split(".")
        numbered = [place for place, part in enumerate(parts) if part.isdigit()]
        if numbered:
            outside = "readout"
            stages[path] = ".".join(parts[: numbered[0] + 1])
        else:
            stages[path] = outside
    return stages


def _by_node(graph: LayerGraph, memory: Memory, setting: Setting) -> list[Row]:
    trained = graph.target is Target.TRAIN
    written, kept = memory.written(), memory.kept() if trained else {}
    counts = _counts(graph, setting.convention, setting.batch)
    return [
        Row(
            path,
            sum(parameter.count for parameter in graph.op(path).parameters),
            number,
            written.get(path, 0),
            kept.get(path, 0) if trained else None,
        )
        for path, number in zip(graph.order(), counts, strict=True)
    ]


def _counts(graph: LayerGraph, convention: Convention, batch: int) -> list[int]:
    """The operations of each layer; 0 if no output depends on it."""
    live = graph.live()
    return [
        batch * count(convention, graph.op(path), graph.input_shapes(path))
        if path in live
        else 0
        for path in graph.order()
    ]


def _grouped(nodes: Iterable[Row], stages: dict[str, str]) -> list[Row]:
    groups: dict[str, list[Row]] = {}
    for row in nodes:
        groups.setdefault(stages[row.path], []).append(row)
    return [_sum(stage, rows) for stage, rows in groups.items()]


def _sum(path: str, rows: Iterable[Row]) -> Row:
    found = list(rows)
    kept = [row.training_bytes for row in found if row.training_bytes is not None]
    return Row(
        path,
        sum(row.parameters for row in found),
        sum(row.count for row in found),
        sum(row.forward_bytes for row in found),
        sum(kept) if kept else None,
    )
