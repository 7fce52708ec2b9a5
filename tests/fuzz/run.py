"""Fuzz one kind of input in several processes, and print statistics.

    python tests/fuzz/run.py [--kind KIND] [--minutes N] [--jobs N]

Specs, recipes and studies are texts, which atheris changes so that they reach new code;
`make fuzz` installs it. Inputs that do so stay in build/fuzz/KIND/corpus, so that the
next run goes on from there. Runs and checkpoints are folders, which are damaged at
random, from a seed.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from texts import LANGUAGES, ROOT

HERE = Path(__file__).parent
FOLDERS = ("runs", "checkpoints")
LONGEST_INPUT = 4096
FOUND = ("broken", "crash-*", "timeout-*", "oom-*")
"""Name prefixes of the input that ended a worker; the last ones are libFuzzer's."""


def main() -> None:
    """Run the workers; exit 1 if one found something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=[*LANGUAGES, *FOLDERS], default="specs")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    build = ROOT / "build" / "fuzz" / options.kind
    build.mkdir(parents=True, exist_ok=True)
    for old in build.glob("[0-9]*.*"):
        if old.is_file():
            old.unlink()
    seconds = round(options.minutes * 60)
    workers = [
        start(options.kind, index, build, seconds) for index in range(options.jobs)
    ]
    codes = [worker.wait() for worker in workers]
    report(options.kind, [build / f"{index}.json" for index in range(options.jobs)])
    found = [path for kind in FOUND for path in sorted(build.glob(f"*.{kind}"))]
    for path in found:
        print(f"found {path}")
    sys.exit(1 if any(codes) or found else 0)


def start(kind: str, index: int, build: Path, seconds: int) -> subprocess.Popen[bytes]:
    """Start one worker, whose log is written next to its statistics."""
    figures = build / f"{index}.json"
    if kind in FOLDERS:
        options = [str(HERE / "folder_worker.py"), kind, str(figures), str(seconds)]
    else:
        options = [
            *(str(HERE / "worker.py"), kind, str(figures)),
            f"-max_total_time={seconds}",
            f"-max_len={LONGEST_INPUT}",
            f"-artifact_prefix={build}/{index}.",
            # Wall-clock time, for input that never ends; the worker measures CPU time.
            "-timeout=60",
            "-reload=10",
            f"-seed={index + 1}",
            str(corpus(kind, build)),
        ]
    log = figures.with_suffix(".log").open("wb")
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    environment = {**os.environ, "PYTHONPATH": path}
    command = [sys.executable, *options]
    return subprocess.Popen(command, stdout=log, stderr=log, env=environment)


def corpus(kind: str, build: Path) -> Path:
    """The folder of the inputs to start from."""
    folder = build / "corpus"
    folder.mkdir(exist_ok=True)
    for index, seed in enumerate(LANGUAGES[kind].seeds()):
        # The first byte selects how the rest is read: here, as the text itself.
        (folder / f"seed-{index}").write_bytes(b"\x01" + seed)
    return folder


def report(kind: str, paths: list[Path]) -> None:
    """Print the combined statistics of all workers."""
    found = [json.loads(path.read_text()) for path in paths if path.exists()]
    print(f"{kind} tried".ljust(18) + f"{sum(each['inputs'] for each in found):,}")
    print(f"time              {sum(each['seconds'] for each in found) / 60:.1f} min")
    longest = max((each["longest"] for each in found), default=0)
    print(f"longest answer    {longest * 1000:.0f} ms")
    print(f"timed once more   {sum(each['timed_again'] for each in found)}")
    memory = max((each["memory"] for each in found), default=0) / 1000
    print(f"peak memory       {memory:.0f} MB, the fuzzer's own among them")


main()
