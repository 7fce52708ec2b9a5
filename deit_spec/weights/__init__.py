"""Open, plan, convert and inspect checkpoints: every tensor is accounted for."""

from deit_spec.spec.weight_permissions import PERMISSIONS, Permission
from deit_spec.weights.convert import Writing, convert
from deit_spec.weights.execute import fill, realise, resample
from deit_spec.weights.inspect_checkpoint import Inspection, inspect
from deit_spec.weights.make_plan import make_plan
from deit_spec.weights.plan import (
    Kind,
    Plan,
    Step,
    allowed,
    find_forbidden,
    require,
    with_new_heads,
)
from deit_spec.weights.read import files_of, open_checkpoint
from deit_spec.weights.spec_metadata import make_metadata
from deit_spec.weights.state_dict import Checkpoint
from deit_spec.weights.target_formats import To
from deit_spec.weights.weight_findings import WeightsError

__all__ = [
    "PERMISSIONS",
    "Checkpoint",
    "Inspection",
    "Kind",
    "Permission",
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
    "make_metadata",
    "make_plan",
    "open_checkpoint",
    "realise",
    "require",
    "resample",
    "with_new_heads",
]
