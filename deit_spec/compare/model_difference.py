"""All differences between two models."""

from dataclasses import dataclass
from typing import Any

from deit_spec.compare.compared_model import ComparedModel
from deit_spec.compare.cost_difference import Amount, compare_costs
from deit_spec.compare.graph_difference import GraphDifference, compare_graphs
from deit_spec.compare.spec_difference import FieldChange, compare_specs
from deit_spec.compare.weights_difference import WeightsDifference, compare_weights
from deit_spec.pipeline import TargetName, target_of
from deit_spec.spec import SpecLike

VERSION = 1
"""The version of the JSON format; it changes when a key is removed or redefined."""


@dataclass(frozen=True)
class ModelDifference:
    """What differs between two models."""

    a: ComparedModel
    b: ComparedModel
    fields: tuple[FieldChange, ...]
    costs: tuple[Amount, ...]
    graph: GraphDifference
    weights: WeightsDifference

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs."""
        return not self.fields and self.graph.is_empty and self.weights.is_empty

    def as_json(self) -> dict[str, Any]:
        """The differences as plain data. docs/diff.md lists the keys."""
        a, b = (
            {"model": model.reference, "name": model.spec.name, "digest": digest}
            for model, digest in zip((self.a, self.b), self.graph.digests, strict=True)
        )
        return {
            "version": VERSION,
            "a": a,
            "b": b,
            "same_function": self.graph.is_empty,
            "fields": [change.as_json() for change in self.fields],
            "cost": {amount.name: amount.as_json() for amount in self.costs},
            "graph": self.graph.as_json(),
            "weights": self.weights.as_json(),
        }


def diff(a: SpecLike, b: SpecLike, *, target: TargetName = "train") -> ModelDifference:
    """Compare two models: their fields, graphs, cost and weights.

    Each model is the path of a YAML spec, of a model folder or of a checkpoint, the
    name of a published model, `git:REV:PATH`, a mapping, or a `DeiTSpec`. Both are
    compiled for `target`.

    Raises:
        SpecError: A spec has errors, or git does not have it.
        WeightsError: A checkpoint cannot be read.
        ValueError: The target is neither `train` nor `inference`.
    """
    purpose = target_of(target)
    return compare(*(ComparedModel.open(each, purpose) for each in (a, b)))


def compare(a: ComparedModel, b: ComparedModel) -> ModelDifference:
    """Compare two models that were compiled for the same target.

    Raises:
        WeightsError: A checkpoint cannot be read.
    """
    return ModelDifference(
        a,
        b,
        tuple(compare_specs(a, b)),
        compare_costs(a, b),
        compare_graphs(a.graph, b.graph),
        compare_weights(a, b),
    )
