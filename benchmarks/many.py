"""Validating many files in one process, against parsing them and doing nothing more.

    python benchmarks/many.py [--rounds N] [--files N] [PATH ...]

Both are processes, so each pays its start. The peer parses every file with
`yaml.CSafeLoader` and imports nothing but yaml. Without paths, files of a dozen
lines are made up: all distinct, some with `variant`, some extending a published
spec.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from paired import COLUMNS, in_turns, show

ROOT = Path(__file__).resolve().parents[1]
AIM = "≤ 3.00"
OURS = """
import sys
from pathlib import Path
from deit_spec.spec import check_spec
for path in Path(sys.argv[1]).read_text().splitlines():
    assert check_spec(Path(path)).spec is not None, path
"""
THEIRS = """
import sys
import yaml
with open(sys.argv[1]) as names:
    for path in names.read().splitlines():
        with open(path, "rb") as file:
            yaml.load(file, yaml.CSafeLoader)
"""
STARTS = "import deit_spec.spec"


def write_spec(folder: Path, index: int, draw: random.Random) -> Path:
    """Write one of the made-up specs."""
    heads = draw.choice([3, 6, 12])
    lines = [
        f"# model {index} of a sweep",
        f"name: m{index}",
        *(["extends: deit_tiny_distilled_patch16_224"] if index % 4 == 0 else []),
        "# the image",
        f"image_size: {16 * draw.randint(8, 30)}",
        "patch_size: 16  # pixels",
        f"embed_dim: {64 * heads}",
        f"depth: {draw.randint(2, 24)}",
        f"num_heads: {heads}",
        f"mlp_ratio: {draw.choice(['4.0', '3', '2.0'])}",
        f"dropout: {draw.choice(['0.0', '0.1'])}",
        "num_classes: 1000",
        "teacher_num_classes: 1000",
        *(
            ["variant:", f"  drop_path: 0.{draw.randint(1, 9)}"]
            if index % 3 == 0
            else []
        ),
    ]
    path = folder / f"m{index:05}.yaml"
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


def run(code: str, *arguments: Path) -> None:
    """Run code in a process that must succeed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run(
        [sys.executable, "-c", code, *arguments], check=True, env=environment
    )


def measure(paths: list[Path], rounds: int) -> None:
    """Print the figure beside its aim, and how much of ours is the start."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as names:
        names.write("\n".join(str(path.resolve()) for path in paths))
        names.flush()
        listed = Path(names.name)
        pairs = in_turns(lambda: run(OURS, listed), lambda: run(THEIRS, listed), rounds)
        start = in_turns(lambda: run(STARTS), lambda: run("import yaml"), rounds)
    rows = [
        ("validate them all", *pairs.cells(AIM)),
        ("start alone", *start.cells("")),
    ]
    show(f"{len(paths):,} files, against parsing them", COLUMNS, rows)


def main() -> None:
    """Measure the files that are named, or made-up ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("paths", metavar="PATH", type=Path, nargs="*")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        draw = random.Random(0)  # noqa: S311  -- the same files each time
        paths = options.paths or [
            write_spec(Path(folder), index, draw) for index in range(options.files)
        ]
        measure(paths, options.rounds)


if __name__ == "__main__":
    main()
