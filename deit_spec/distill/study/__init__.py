"""Studies: runs of a recipe with other settings, images and seeds, compared."""

from deit_spec.distill.study.run_study import StoppedError, Watch, run_study
from deit_spec.distill.study.study_report import as_json, as_markdown, write_report
from deit_spec.distill.study.study_results import (
    Result,
    Results,
    Summary,
    summarise,
)

__all__ = [
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
