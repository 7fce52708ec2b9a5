"""What a long command writes to, whether anybody reads it or not."""

import os
import signal
import sys


def outlive_readers() -> None:
    """Let the command go on where whoever reads its lines has gone.

    `deit-spec train … 2>&1 | head` ends nothing that took days. A file that is full
    is told of as ever.
    """
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None:
            setattr(sys, name, _Enduring(stream))


class _Enduring:
    """A stream whose lines go nowhere once its reader has gone."""

    def __init__(self, stream: object) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text, or drop it."""
        try:
            return int(self._stream.write(text))  # type: ignore[attr-defined]
        except BrokenPipeError:
            self._leave()
            return len(text)

    def flush(self) -> None:
        """Flush, or drop what is left."""
        try:
            self._stream.flush()  # type: ignore[attr-defined]
        except BrokenPipeError:
            self._leave()

    def _leave(self) -> None:
        self._stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)
