"""JSON and CSV output of a report, with exact numbers."""

import csv
import io
from dataclasses import asdict, fields
from typing import Any

from deit_spec.cost.report import Report, Row

VERSION = 1
"""Incremented when a JSON key is removed or changes its meaning."""


def as_json(report: Report) -> dict[str, Any]:
    """Convert a report to plain data. docs/cost.md lists the keys."""
    graph, setting = report.graph, report.setting
    total = asdict(report.total)
    del total["path"]
    return {
        "version": VERSION,
        "name": graph.name,
        "digest": graph.digest,
        "target": graph.target.value,
        "batch": setting.batch,
        "dtype": setting.dtype.value,
        "convention": setting.convention.value,
        "by": setting.by.value,
        "total": {**total, "parameter_bytes": report.parameter_bytes},
        "counts": {each.value: number for each, number in report.counts.items()},
        "peak": asdict(report.peak),
        "rows": [asdict(row) for row in report.rows],
    }


def as_csv(report: Report) -> str:
    """Convert the rows of a report to CSV, without the total, which is their sum."""
    text = io.StringIO()
    names = [field.name for field in fields(Row)]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in report.rows)
    return text.getvalue()
