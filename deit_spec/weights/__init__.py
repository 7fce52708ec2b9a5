"""Open, plan, convert and inspect checkpoints: every tensor is accounted for.

What imports torch is imported on first use: a plan needs names and shapes only.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from deit_spec.spec.weight_permissions import PERMISSIONS, Permission
from deit_spec.weights.checkpoint import Checkpoint
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
from deit_spec.weights.spec_metadata import make_metadata
from deit_spec.weights.target_formats import To
from deit_spec.weights.weight_findings import WeightsError

if TYPE_CHECKING:
    from deit_spec.weights.convert_checkpoint import Writing, convert
    from deit_spec.weights.execute import fill, realise, resample
    from deit_spec.weights.read import files_of, open_checkpoint

_HOMES = {
    "Writing": "convert_checkpoint",
    "convert": "convert_checkpoint",
    "files_of": "read",
    "fill": "execute",
    "open_checkpoint": "read",
    "realise": "execute",
    "resample": "execute",
}


if not TYPE_CHECKING:  # or else any name would be valid

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value


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
