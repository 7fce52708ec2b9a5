"""A run that is killed at random moments is never broken."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
KILLS = 20


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_killed_at_any_moment_it_goes_on_to_the_same_end(tmp_path: Path) -> None:
    program = TESTS / "support" / "killing.py"
    result = subprocess.run(
        [sys.executable, "-W", "error", program, tmp_path, str(KILLS)],
        env={**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith(f"killed {KILLS} times\n")
