"""Run every benchmark, each in a process of its own, one after the other."""

import subprocess
import sys
from pathlib import Path

SCRIPTS = ("validate", "many", "load", "scaling", "weights", "train")


def main() -> None:
    """Run them all; exit 1 if one could not run. A missed aim is no failure."""
    here = Path(__file__).resolve().parent
    failed = [
        name
        for name in SCRIPTS
        if subprocess.run([sys.executable, here / f"{name}.py"], check=False).returncode
    ]
    if failed:
        sys.exit(f"could not run: {', '.join(failed)}")


if __name__ == "__main__":
    main()
