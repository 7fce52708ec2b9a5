"""Parameters, operations and activation memory of a graph."""

from deit_spec.cost.conventions import Convention
from deit_spec.cost.count import Cost, cost_of, costs, summarise, total
from deit_spec.cost.forms import as_csv, as_json
from deit_spec.cost.memory import Dtype, Memory, Peak
from deit_spec.cost.report import By, Report, Row, Setting, report
from deit_spec.cost.units import short, short_bytes

__all__ = [
    "By",
    "Convention",
    "Cost",
    "Dtype",
    "Memory",
    "Peak",
    "Report",
    "Row",
    "Setting",
    "as_csv",
    "as_json",
    "cost_of",
    "costs",
    "report",
    "short",
    "short_bytes",
    "summarise",
    "total",
]
