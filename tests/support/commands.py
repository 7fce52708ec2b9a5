"""The commands as processes."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "specs"
COMMAND = (sys.executable, "-m", "deit_spec")


def run(
    *arguments: str, cwd: Path = ROOT, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run `deit-spec` as a pipe of UTF-8."""
    unset = {"NO_COLOR", "COLUMNS", "FORCE_COLOR"}
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        input=stdin,
        env={**kept, "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
