"""Checkpoints in, out, and planned: every tensor accounted for."""

from deit_spec.weights.allowance import (
    ALLOWANCES,
    Allowance,
    allowed,
    find_forbidden,
    require,
)
from deit_spec.weights.checkpoint import Checkpoint
from deit_spec.weights.convert import To, Writing, convert
from deit_spec.weights.execute import fill, realise, resample
from deit_spec.weights.inspect_checkpoint import Inspection, inspect
from deit_spec.weights.make_plan import make_plan
from deit_spec.weights.plan import Kind, Plan, Step
from deit_spec.weights.read import files_of, open_checkpoint
from deit_spec.weights.weight_findings import WeightsError

__all__ = [
    "ALLOWANCES",
    "Allowance",
    "Checkpoint",
    "Inspection",
    "Kind",
    "Plan",
    "Step",
    "To",
    "WeightsError",
    "Writing",
    "allowed",
    "convert",
    "files_of",
    "fill",
    "find_forbidden",
    "inspect",
    "make_plan",
    "open_checkpoint",
    "realise",
    "require",
    "resample",
]
