"""Fuzz `deit-spec validate` in several processes, and print statistics.

    python tests/fuzz/run.py [--minutes N] [--jobs N]

`make fuzz` installs atheris and runs it. Inputs that bring new coverage stay in
build/fuzz/corpus, so that the next run goes on from there.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import texts

BUILD = texts.ROOT / "build" / "fuzz"
WORKER = Path(__file__).with_name("worker.py")
LONGEST_INPUT = 4096
FOUND = ("broken", "crash-*", "timeout-*", "oom-*")
"""Name prefixes of the input that ended a worker; the last ones are libFuzzer's."""


def main() -> None:
    """Run the workers; exit 1 if one found something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    corpus = BUILD / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for index, seed in enumerate(texts.seeds()):
        # The first byte selects how the rest is read: here, as the text itself.
        (corpus / f"seed-{index}").write_bytes(b"\x01" + seed)
    workers = [start(index, corpus, options.minutes) for index in range(options.jobs)]
    codes = [worker.wait() for worker in workers]
    report(options.jobs)
    found = [path for kind in FOUND for path in sorted(BUILD.glob(f"*.{kind}"))]
    for path in found:
        print(f"found {path}")
    sys.exit(1 if any(codes) or found else 0)


def start(index: int, corpus: Path, minutes: float) -> subprocess.Popen[bytes]:
    """Start one worker, whose log is written next to its statistics."""
    figures = BUILD / f"{index}.json"
    for old in BUILD.glob(f"{index}.*"):
        old.unlink()
    command = [
        sys.executable,
        str(WORKER),
        str(figures),
        f"-max_total_time={round(minutes * 60)}",
        f"-max_len={LONGEST_INPUT}",
        f"-artifact_prefix={BUILD}/{index}.",
        # Wall-clock time, for input that never ends; the worker measures CPU time.
        "-timeout=60",
        "-reload=10",
        f"-seed={index + 1}",
        str(corpus),
    ]
    log = figures.with_suffix(".log").open("wb")
    return subprocess.Popen(command, stdout=log, stderr=log)


def report(jobs: int) -> None:
    """Print the combined statistics of all workers."""
    found = [json.loads((BUILD / f"{index}.json").read_text()) for index in range(jobs)]
    print(f"inputs tried      {sum(each['inputs'] for each in found):,}")
    print(f"time              {sum(each['seconds'] for each in found) / 60:.1f} min")
    print(f"longest answer    {max(each['longest'] for each in found) * 1000:.0f} ms")
    print(f"timed once more   {sum(each['timed_again'] for each in found)}")
    memory = max(each["memory"] for each in found) / 1000
    print(f"peak memory       {memory:.0f} MB, the fuzzer's own among them")


main()
