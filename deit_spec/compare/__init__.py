"""`deit-spec diff`: the differences between two models."""

from deit_spec.compare.compared_model import ComparedModel, check_compared, is_special
from deit_spec.compare.cost_difference import Amount
from deit_spec.compare.model_difference import ModelDifference, compare
from deit_spec.compare.spec_difference import DEFAULT, FieldChange

__all__ = [
    "DEFAULT",
    "Amount",
    "ComparedModel",
    "FieldChange",
    "ModelDifference",
    "check_compared",
    "compare",
    "is_special",
]
