"""`deit-spec diff`: the differences between two models."""

from deit_spec.compare.compared_model import ComparedModel, check_compared, is_special
from deit_spec.compare.cost_difference import Amount
from deit_spec.compare.folded_blocks import block_of, fold
from deit_spec.compare.folded_changes import changes_of, fold_changes, value_range
from deit_spec.compare.graph_difference import (
    Change,
    GraphDifference,
    NodeChange,
    compare_graphs,
)
from deit_spec.compare.merged_graph import mark_layers, merge_graphs
from deit_spec.compare.model_difference import ModelDifference, compare, diff
from deit_spec.compare.spec_difference import DEFAULT, FieldChange
from deit_spec.compare.weights_difference import WeightsDifference

__all__ = [
    "DEFAULT",
    "Amount",
    "Change",
    "ComparedModel",
    "FieldChange",
    "GraphDifference",
    "ModelDifference",
    "NodeChange",
    "WeightsDifference",
    "block_of",
    "changes_of",
    "check_compared",
    "compare",
    "compare_graphs",
    "diff",
    "fold",
    "fold_changes",
    "is_special",
    "mark_layers",
    "merge_graphs",
    "value_range",
]
