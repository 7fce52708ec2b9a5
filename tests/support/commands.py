"""Runs the command line: in this process, or as a process of its own."""

import io
import os
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from unittest import mock

from deit_spec import cli

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "specs"
COMMAND = (sys.executable, "-m", "deit_spec")
UNSET = {"NO_COLOR", "COLUMNS", "FORCE_COLOR", "DEIT_SPEC_TRACEBACK"}
"""Environment variables that would change the output."""


class _Pipe(io.BytesIO):
    """Keeps what was written when the stream that wraps it is closed."""

    def close(self) -> None:
        pass


def run(
    *arguments: str,
    cwd: Path = ROOT,
    stdin: str | bytes = "",
    env: Mapping[str, str] | None = None,
    merged: bool = False,
) -> CompletedProcess[str]:
    """Run `deit-spec` in this process, with pipes of UTF-8 as its streams.

    The result is that of `run_process`; only imports and signal handlers are not
    those of a new process. `merged` writes stderr into stdout, as `2>&1` does.
    """
    source = stdin.encode() if isinstance(stdin, str) else stdin
    out = _Pipe()
    err = out if merged else _Pipe()
    with _as_a_process(source, out, err, cwd, env or {}):
        code = cli.execute(arguments)
    stderr = "" if merged else _text(err)
    return CompletedProcess(["deit-spec", *arguments], code, _text(out), stderr)


def run_process(
    *arguments: str,
    cwd: Path = ROOT,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
) -> CompletedProcess[str]:
    """Run `deit-spec` as a process with pipes of UTF-8."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        input=stdin,
        env={
            **environment(),
            "PYTHONPATH": str(ROOT),
            "PYTHONUTF8": "1",
            **(env or {}),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def launch(
    *arguments: str | Path, processes: int = 2
) -> subprocess.CompletedProcess[str]:
    """Run `deit-spec` in several processes on the CPU, as `torchrun` does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run"),
            *("--nproc_per_node", str(processes), "--master_port", str(port)),
            *("-m", "deit_spec", *map(str, arguments)),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def environment() -> dict[str, str]:
    """The environment without the variables that would change the output."""
    return {name: os.environ[name] for name in os.environ.keys() - UNSET}


@contextmanager
def _as_a_process(
    stdin: bytes,
    stdout: _Pipe,
    stderr: _Pipe,
    cwd: Path,
    env: Mapping[str, str],
) -> Iterator[None]:
    """Set streams, variables and warnings as in a new process, and restore them."""
    streams = {
        "stdin": io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"),
        "stdout": _stream(stdout),
        "stderr": _stream(stderr),
    }
    handlers = {each: signal.getsignal(each) for each in signal.valid_signals()}
    with (
        mock.patch.multiple(sys, argv=["deit-spec"], **streams),
        mock.patch.dict(os.environ, {**environment(), **env}, clear=True),
        chdir(cwd),
        _printed_warnings(),
    ):
        try:
            yield
        finally:
            for number, handler in handlers.items():
                if signal.getsignal(number) is not handler:
                    signal.signal(number, handler)
            for stream in (sys.stdout, sys.stderr):
                stream.flush()


def _stream(buffer: _Pipe) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        buffer, encoding="utf-8", errors="backslashreplace", write_through=True
    )


@contextmanager
def _printed_warnings() -> Iterator[None]:
    """Print warnings to stderr; pytest would raise them as errors."""

    def show(*warning: Any, **_: object) -> None:
        sys.stderr.write(warnings.formatwarning(*warning))

    with warnings.catch_warnings():
        warnings.resetwarnings()
        for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning):
            warnings.simplefilter("ignore", category)
        warnings.simplefilter("ignore", ResourceWarning)
        warnings.showwarning = show
        yield


def _text(buffer: _Pipe) -> str:
    """The text that was written, with line endings as `subprocess` returns them."""
    data = io.BytesIO(buffer.getvalue())
    return io.TextIOWrapper(data, encoding="utf-8").read()
