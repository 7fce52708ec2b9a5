"""`deit-spec diff`: the differences between two models."""

from deit_spec.compare.compared_model import ComparedModel, check_compared, is_special
from deit_spec.compare.cost_difference import Amount
from deit_spec.compare.folded_blocks import block_of, fold
from deit_spec.compare.graph_difference import Change, GraphDifference, NodeChange
from deit_spec.compare.model_difference import ModelDifference, compare
from deit_spec.compare.spec_difference import DEFAULT, FieldChange

__all__ = [
    "DEFAULT",
    "Amount",
    "Change",
    "ComparedModel",
    "FieldChange",
    "GraphDifference",
    "ModelDifference",
    "NodeChange",
    "block_of",
    "check_compared",
    "compare",
    "fold",
    "is_special",
]
