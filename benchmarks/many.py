"""Compare `deit-spec validate FOLDER` on many specs with only parsing them.

    python benchmarks/many.py [--rounds N] [--files N] [FOLDER]

Both are processes, so the startup time is included. The baseline parses every file
with `yaml.CSafeLoader` and imports only yaml. Without a folder, distinct specs of a
dozen lines are generated; some have `variant` and some extend a published spec.
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
TARGET = "≤ 3.00"
OURS = [sys.executable, "-m", "deit_spec", "validate"]
THEIRS = """
import sys
from pathlib import Path
import yaml
for path in Path(sys.argv[1]).glob("*.yaml"):
    with open(path, "rb") as file:
        yaml.load(file, yaml.CSafeLoader)
"""
PEER = [sys.executable, "-c", THEIRS]


def write_spec(folder: Path, index: int, draw: random.Random) -> Path:
    """Write one generated spec."""
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


def run(command: list[str], folder: Path) -> None:
    """Run a command on a folder, and check that it succeeds."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run(
        [*command, str(folder)], check=True, env=environment, capture_output=True
    )


def measure(folder: Path, rounds: int) -> None:
    """Print the result next to its target, and the time for two specs (the startup)."""
    with tempfile.TemporaryDirectory() as one:
        write_spec(Path(one), 0, random.Random(0))  # noqa: S311
        write_spec(Path(one), 1, random.Random(1))  # noqa: S311
        start = in_turns(
            lambda: run(OURS, Path(one)), lambda: run(PEER, Path(one)), rounds
        )
    pairs = in_turns(lambda: run(OURS, folder), lambda: run(PEER, folder), rounds)
    rows = [
        ("validate all", *pairs.cells(TARGET)),
        ("validate two", *start.cells("")),
    ]
    count = len(list(folder.glob("*.yaml")))
    show(f"{count:,} files, compared with parsing them", COLUMNS, rows)


def main() -> None:
    """Measure the specs in the given folder, or generated ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("folder", type=Path, nargs="?")
    options = parser.parse_args()
    if options.folder:
        measure(options.folder, options.rounds)
        return
    with tempfile.TemporaryDirectory() as folder:
        draw = random.Random(0)  # noqa: S311  -- the same files every time
        for index in range(options.files):
            write_spec(Path(folder), index, draw)
        measure(Path(folder), options.rounds)


if __name__ == "__main__":
    main()
