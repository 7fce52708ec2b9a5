"""Diagnostics as data, and one renderer for each format."""

from deit_spec.diagnostics.catalogue import CATALOGUE, Entry, diagnose
from deit_spec.diagnostics.diagnostic import (
    Diagnostic,
    Edit,
    Fix,
    Label,
    Severity,
    Source,
    Span,
    apply_fixes,
    has_errors,
    in_source_order,
)
from deit_spec.diagnostics.formats import DiagnosedError

__all__ = [
    "CATALOGUE",
    "DiagnosedError",
    "Diagnostic",
    "Edit",
    "Entry",
    "Fix",
    "Label",
    "Severity",
    "Source",
    "Span",
    "apply_fixes",
    "diagnose",
    "has_errors",
    "in_source_order",
]
