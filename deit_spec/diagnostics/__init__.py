"""Findings as data, and one small renderer for each form they are printed in."""

from deit_spec.diagnostics.catalogue import CATALOGUE, Entry, diagnose
from deit_spec.diagnostics.errors import DiagnosedError
from deit_spec.diagnostics.model import (
    Diagnostic,
    Edit,
    Fix,
    Label,
    Severity,
    Source,
    Span,
    has_errors,
    in_source_order,
)

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
    "diagnose",
    "has_errors",
    "in_source_order",
]
