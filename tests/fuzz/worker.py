"""One process of the fuzzer; `run.py` starts several.

    python tests/fuzz/worker.py KIND FIGURES CORPUS [options of libFuzzer]

It is guided by the coverage of deit_spec. It stops at an exception, at 300 MB of
memory, after one second in `answer` or ten in `answer_every_option`, and leaves the
input next to FIGURES. A study may take longer, because each pair of an arm and a size
is checked as a recipe. Input that is slow with instrumentation is timed again without.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import atheris

with atheris.instrument_imports(include=["deit_spec"]):
    from fuzz import texts
    from fuzz.answer import answer, answer_every_option

LONGEST: Final = {"specs": 1.0, "recipes": 1.0, "studies": 10.0}
"""The most seconds for `answer`, and a tenth of those for `answer_every_option`."""
MOST: Final = 300_000
"""The most memory of the process in KiB, including the fuzzer's own."""
WRITTEN_EVERY: Final = 2.0
TIMING: Final = Path(__file__).with_name("timing.py")


class Figures:
    """The number of inputs, and the time and memory that they took."""

    def __init__(self, path: Path, kind: str) -> None:
        self._kind, self._longest = kind, LONGEST[kind]
        self._path, self._began, self._written = path, time.monotonic(), 0.0
        self.inputs, self.longest = 0, 0.0
        self.timed_again = 0

    def add(self, data: bytes, seconds: float, options: float) -> None:
        """Record an answer, and save an input that exceeds a limit."""
        self.inputs += 1
        if seconds > self._longest or options > 10 * self._longest:
            seconds, options = self._again(data)
        if seconds > self.longest:
            self.longest = seconds
            self._path.with_suffix(".longest").write_bytes(data)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        is_slow = seconds > self._longest or options > 10 * self._longest
        if is_slow or memory > MOST:
            self._path.with_suffix(".broken").write_bytes(data)
            raise AssertionError(f"{seconds:.2f} s, {options:.2f} s, {memory:,} KiB")
        if time.monotonic() - self._written > WRITTEN_EVERY:
            self._write(memory)

    def _again(self, data: bytes) -> tuple[float, float]:
        """Time an input that took too long again, without instrumentation."""
        slow = self._path.with_suffix(f".slow-{self.timed_again}")
        slow.write_bytes(data)
        self.timed_again += 1
        command = [sys.executable, TIMING, slow, self._kind]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds, options = map(float, done.stdout.split())
        return seconds, options

    def _write(self, memory: int) -> None:
        self._written = time.monotonic()
        figures = {
            "inputs": self.inputs,
            "timed_again": self.timed_again,
            "seconds": round(self._written - self._began, 1),
            "longest": round(self.longest, 3),
            "memory": memory,
        }
        self._path.write_text(json.dumps(figures), encoding="utf-8")


def main() -> None:
    """Fuzz until libFuzzer reaches the limits in its options."""
    program, kind, path, *options = sys.argv
    figures, language = Figures(Path(path), kind), texts.LANGUAGES[kind]

    def one(given: bytes) -> None:
        data = language.text(atheris.FuzzedDataProvider(given))
        try:
            began = time.process_time()
            answer(data, kind)
            answered = time.process_time()
            answer_every_option(data, kind)
            ended = time.process_time()
        except Exception:
            Path(path).with_suffix(".broken").write_bytes(data)
            raise
        figures.add(data, answered - began, ended - answered)

    atheris.Setup([program, *options], one)
    atheris.Fuzz()


main()
