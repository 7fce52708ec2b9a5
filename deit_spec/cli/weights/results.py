"""Results for programs: one JSON object, its fields as docs/weights.md has them."""

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from deit_spec.diagnostics import Diagnostic, json_form

if TYPE_CHECKING:
    from deit_spec.weights import Inspection, Plan

VERSION = 1
"""Counts up when a field goes or changes its meaning; new fields may come."""


def as_text(value: dict[str, Any]) -> str:
    """Lay an object out; what no UTF-8 can say is escaped."""
    return json.dumps(value, indent=2) + "\n"


def plan_to_json(
    plan: "Plan", allowed: Iterable[str], diagnostics: Sequence[Diagnostic]
) -> dict[str, Any]:
    """What becomes of every tensor, and all findings."""
    return {
        "version": VERSION,
        "spec": plan.spec,
        "checkpoint": plan.checkpoint,
        "format": plan.format,
        "dialect": plan.naming_scheme,
        "reconciles": plan.reconciles,
        "needs": sorted(plan.needs),
        "allowed": sorted(allowed),
        "steps": [
            {
                "tensor": step.name,
                "shape": list(step.shape),
                "fate": step.kind.value,
                "sources": list(step.sources),
                "reason": step.reason,
                "needs": sorted(step.needs),
            }
            for step in plan.steps
        ],
        "dropped": [
            {"tensor": each.name, "reason": each.reason, "needs": sorted(each.needs)}
            for each in plan.dropped
        ],
        "missing": list(plan.missing),
        "left_over": list(plan.left_over),
        "diagnostics": json_form.listed(diagnostics),
    }


def inspection_to_json(inspection: "Inspection") -> dict[str, Any]:
    """What a checkpoint is, the spec that fits it, and notes."""
    checkpoint = inspection.checkpoint
    return {
        "version": VERSION,
        "checkpoint": checkpoint.name,
        "format": checkpoint.format,
        "dialect": inspection.naming_scheme,
        "tensors": len(checkpoint.tensors),
        "parameters": inspection.parameters,
        "dtypes": list(checkpoint.dtypes),
        "path": list(checkpoint.path),
        "prefix": checkpoint.prefix,
        "beside": list(checkpoint.beside),
        "published": list(inspection.published),
        "spec": inspection.values,
        "diagnostics": json_form.listed(inspection.diagnostics),
    }
