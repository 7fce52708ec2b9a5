"""Run all benchmarks one after the other, each in its own process."""

import subprocess
import sys
from pathlib import Path

SCRIPTS = (
    "validate",
    "many",
    "load",
    "scaling",
    "weights",
    "inference",
    "export",
    "training_step",
    "fine_tuning",
    "train",
)


def main() -> None:
    """Run all benchmarks; exit with 1 if one fails. Targets are not checked."""
    here = Path(__file__).resolve().parent
    failed = [
        name
        for name in SCRIPTS
        if subprocess.run([sys.executable, here / f"{name}.py"], check=False).returncode
    ]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
