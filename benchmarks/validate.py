"""Compare the process `deit-spec validate` with the bare imports that it needs.

    python benchmarks/validate.py [--rounds N] [--explain]

The baseline only imports pydantic, yaml and networkx, which is the minimum for a tool
that uses them. Both may cache bytecode, as installed programs do.
"""

import argparse
import os
import re
import subprocess
import sys
import sysconfig
from collections import Counter
from pathlib import Path

from paired import COLUMNS, in_turns, milliseconds, show

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = Path(sysconfig.get_path("scripts"), "deit-spec")
OURS = [str(SCRIPT), "validate", "specs/base.yaml"]
THEIRS = [sys.executable, "-c", "import pydantic, yaml, networkx"]
TARGET = "≤ 1.50"

_LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \| +(\w+)")
LEAST = 500
"""Minimum time in microseconds for a package to be listed."""


def run(command: list[str]) -> str:
    """Run a command, check that it succeeds, and return its stderr."""
    environment = dict(os.environ)
    # The warm-up compiles the source tree, as an installation does.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=ROOT, env=environment
    )
    return done.stderr


def imports(arguments: list[str], rounds: int) -> Counter[str]:
    """Measure the import time by package in microseconds, for the fastest round."""
    found = [_imports(arguments) for _ in range(rounds)]
    return min(found, key=Counter.total)


def _imports(arguments: list[str]) -> Counter[str]:
    times: Counter[str] = Counter()
    for line in run([sys.executable, "-X", "importtime", *arguments]).splitlines():
        if match := _LINE.match(line):
            times[match[2]] += int(match[1])
    return times


def explain(rounds: int) -> None:
    """Print the packages with a longer import time than in the baseline."""
    ours, theirs = imports(OURS, rounds), imports(THEIRS[1:], rounds)
    more = {name: ours[name] - theirs[name] for name in ours}
    packages = [
        name
        for name in sorted(more, key=more.__getitem__, reverse=True)
        if more[name] >= LEAST
    ]
    rows = [_row("all", ours.total(), theirs.total())]
    rows += [_row(name, ours[name], theirs[name]) for name in packages]
    show("import time by package", ("ours", "theirs", "more"), rows)


def _row(name: str, ours: int, theirs: int) -> tuple[str, ...]:
    return name, *(milliseconds(n / 1e6) for n in (ours, theirs, ours - theirs))


def main() -> None:
    """Measure, and print the result next to its target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--explain", action="store_true")
    options = parser.parse_args()
    pairs = in_turns(lambda: run(OURS), lambda: run(THEIRS), options.rounds)
    rows = [("deit-spec validate", *pairs.cells(TARGET))]
    show("validate specs/base.yaml, compared with the bare imports", COLUMNS, rows)
    if options.explain:
        explain(min(options.rounds, 5))


if __name__ == "__main__":
    main()
