"""`deit-spec validate` as a process, against the bare imports that it needs.

    python benchmarks/validate.py [--rounds N] [--explain]

The peer does nothing but import pydantic, yaml and networkx: the floor under any
tool that is built on these. Both may keep their bytecode, as installed programs do.
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
AIM = "≤ 1.50"

_LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \| +(\w+)")
LEAST = 500
"""Microseconds that make a package worth a row."""


def run(command: list[str]) -> str:
    """Run a command that must succeed, and return what it wrote to stderr."""
    environment = dict(os.environ)
    # A source tree is compiled once, by the warm-up, as an installed package is.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=ROOT, env=environment
    )
    return done.stderr


def imports(arguments: list[str], rounds: int) -> Counter[str]:
    """Microseconds of importing, by package, in the quickest of some rounds."""
    found = [_imports(arguments) for _ in range(rounds)]
    return min(found, key=Counter.total)


def _imports(arguments: list[str]) -> Counter[str]:
    times: Counter[str] = Counter()
    for line in run([sys.executable, "-X", "importtime", *arguments]).splitlines():
        if match := _LINE.match(line):
            times[match[2]] += int(match[1])
    return times


def explain(rounds: int) -> None:
    """Print the packages on which we spend more than the peer."""
    ours, theirs = imports(OURS, rounds), imports(THEIRS[1:], rounds)
    more = {name: ours[name] - theirs[name] for name in ours}
    packages = [
        name
        for name in sorted(more, key=more.__getitem__, reverse=True)
        if more[name] >= LEAST
    ]
    rows = [_row("all", ours.total(), theirs.total())]
    rows += [_row(name, ours[name], theirs[name]) for name in packages]
    show("time of importing, by package", ("ours", "theirs", "more"), rows)


def _row(name: str, ours: int, theirs: int) -> tuple[str, ...]:
    return name, *(milliseconds(n / 1e6) for n in (ours, theirs, ours - theirs))


def main() -> None:
    """Measure, and print the figure beside its aim."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--explain", action="store_true")
    options = parser.parse_args()
    pairs = in_turns(lambda: run(OURS), lambda: run(THEIRS), options.rounds)
    rows = [("deit-spec validate", *pairs.cells(AIM))]
    show("validate specs/base.yaml, against the bare imports", COLUMNS, rows)
    if options.explain:
        explain(min(options.rounds, 5))


if __name__ == "__main__":
    main()
