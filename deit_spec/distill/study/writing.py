"""What a study leaves in its folder: tables for people and programs, and the plot."""

import json
from pathlib import Path

from deit_spec.atomic_write import write_file
from deit_spec.distill.study.plot import draw
from deit_spec.distill.study.report import as_json, as_markdown
from deit_spec.distill.study.summary import Summary

NAME = "study"


def write_report(summary: Summary, folder: Path) -> None:
    """Write `study.md`, `study.json`, `study.png` and `study.svg`, each whole.

    Raises:
        OSError: One cannot be written.
    """
    for form, picture in draw(summary).items():
        write_file(folder / f"{NAME}.{form}", picture)
    write_file(folder / f"{NAME}.json", json.dumps(as_json(summary), indent=2) + "\n")
    write_file(folder / f"{NAME}.md", as_markdown(summary, f"{NAME}.png"))
