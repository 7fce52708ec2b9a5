"""Studies: a recipe with other losses, images and seeds, side by side."""

from deit_spec.distill.study.report import as_json, as_markdown
from deit_spec.distill.study.results import ForeignError, Result, Results
from deit_spec.distill.study.running import StoppedError, Watch, run_study
from deit_spec.distill.study.summary import Summary, summarise
from deit_spec.distill.study.writing import write_report

__all__ = [
    "ForeignError",
    "Result",
    "Results",
    "StoppedError",
    "Summary",
    "Watch",
    "as_json",
    "as_markdown",
    "run_study",
    "summarise",
    "write_report",
]
