"""The parameters of a layer graph, and what of its model weights depend on."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from deit_spec.diagnostics import Label
from deit_spec.graph import LayerGraph
from deit_spec.ops import (
    Dropout,
    DropPath,
    Init,
    LayerNorm,
    MeanLogits,
    MeanOfTokens,
    Op,
    Parameter,
    SplitHeads,
)
from deit_spec.spec.field_names import SPEC
from deit_spec.weights.shape_info import ShapeInfo, find_shape_info
from deit_spec.weights.state_dict import Sizes
from deit_spec.yaml_source.scalars import value_text

Kind = TypeVar("Kind", bound=Op)


@dataclass(frozen=True)
class GraphParameters:
    """The learnable tensors of a graph, and the settings that no shape shows."""

    graph: LayerGraph

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """Every learnable tensor by its state-dict name."""
        return {
            f"{path}.{parameter.name}" if parameter.name else path: parameter
            for path, op in self.graph.ops()
            for parameter in op.parameters
        }

    @cached_property
    def shapes(self) -> dict[str, Sizes]:
        """The shape of each tensor."""
        return {
            name: tuple(dim.known for dim in parameter.shape)
            for name, parameter in self.parameters.items()
        }

    @cached_property
    def info(self) -> ShapeInfo:
        """What the shapes show."""
        return find_shape_info(self.shapes)

    def init(self, name: str) -> Init:
        """How a tensor is initialised."""
        return self.parameters[name].init

    @property
    def num_heads(self) -> int:
        """The number of attention heads."""
        return next(self._ops(SplitHeads)).heads.known

    @property
    def eps(self) -> float:
        """What LayerNorm adds to the variance."""
        return next(self._ops(LayerNorm)).eps

    @property
    def dropout(self) -> float:
        """The largest rate of dropout."""
        return max((op.rate for op in self._ops(Dropout)), default=0.0)

    @property
    def drop_path(self) -> float:
        """The largest rate of stochastic depth."""
        return max((op.rate for op in self._ops(DropPath)), default=0.0)

    @property
    def reads_mean(self) -> bool:
        """Whether a head reads the mean of tokens."""
        return any(self._ops(MeanOfTokens))

    @property
    def joins_by_mean_logits(self) -> bool:
        """Whether two heads are joined by the mean of their logits."""
        return any(self._ops(MeanLogits))

    def label(self, field: str) -> Iterator[Label]:
        """Label the value of a field, if the spec sets it."""
        span = self.graph.places.get(field)
        if span is not None and span.source.text and span.line == span.end_line:
            yield Label(span, "here in the spec")

    def default(self, field: str) -> Iterator[str]:
        """Say what a field is by default, if the spec does not set it."""
        if field not in self.graph.places:
            value = SPEC.default_of(tuple(field.split(".")))
            yield f"`{field}` is {value_text(value)} by default"

    def _ops(self, kind: type[Kind]) -> Iterator[Kind]:
        return (op for _, op in self.graph.ops() if isinstance(op, kind))
