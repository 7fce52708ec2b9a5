"""Results for programs: one JSON object, its fields as docs/weights.md has them."""

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from deit_spec.diagnostics import Diagnostic, Span

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
        "dialect": plan.dialect,
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
        "diagnostics": [diagnostic_to_json(each) for each in diagnostics],
    }


def inspection_to_json(inspection: "Inspection") -> dict[str, Any]:
    """What a checkpoint is, the spec that fits it, and notes."""
    checkpoint = inspection.checkpoint
    return {
        "version": VERSION,
        "checkpoint": checkpoint.name,
        "format": checkpoint.format,
        "dialect": inspection.dialect,
        "tensors": len(checkpoint.tensors),
        "parameters": inspection.parameters,
        "dtypes": list(checkpoint.dtypes),
        "path": list(checkpoint.path),
        "beside": list(checkpoint.beside),
        "published": list(inspection.published),
        "spec": inspection.values,
        "diagnostics": [diagnostic_to_json(each) for each in inspection.diagnostics],
    }


def refusal_to_json(diagnostics: Iterable[Diagnostic]) -> dict[str, Any]:
    """What is said where the spec or the checkpoint cannot be read."""
    return {
        "version": VERSION,
        "diagnostics": [diagnostic_to_json(each) for each in diagnostics],
    }


def diagnostic_to_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """One finding."""
    labels = diagnostic.secondary
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "place": _place(diagnostic.primary.span),
        "labels": [{"text": each.text, "place": _place(each.span)} for each in labels],
        "notes": list(diagnostic.notes),
        "helps": list(diagnostic.helps),
    }


def _place(span: Span) -> dict[str, Any]:
    return {
        "file": span.source.name,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }
