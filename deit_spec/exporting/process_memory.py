"""The memory that a call needs, measured in a new process."""

import re
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path

_STATUS = Path("/proc/self/status")
_SECONDS_TO_END = 5.0


def peak_growth(
    prepare: Callable[[], object], call: Callable[[], object], modules: Sequence[str]
) -> int | None:
    """The bytes by which the resident memory of a new process grows in a call.

    The process has imported `modules` and has called `prepare`. What counts is its peak
    during `call`, which includes what is freed later. Both must be picklable. Modules
    that start threads, which a fork would lose, are imported by `prepare`.

    Linux alone has the figures; elsewhere, and if the call fails, it is None.
    """
    if sys.platform != "linux":
        return None
    # A server that has imported the modules forks a process for each call.
    context = get_context("forkserver")
    context.set_forkserver_preload(list(modules))
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(sender, prepare, call))
    try:
        with _without_interrupts():
            process.start()
        sender.close()
        growth: int | None = receiver.recv()
        process.join(_SECONDS_TO_END)
    except (EOFError, OSError):  # the process or the server was killed
        return None
    else:
        return growth
    finally:
        if process.pid is not None:
            process.kill()
            process.join()


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Block SIGINT in a process that is started, for this process handles it."""
    resource_tracker.ensure_running()  # otherwise the start would unblock the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _measure(
    sender: Connection, prepare: Callable[[], object], call: Callable[[], object]
) -> None:
    """Send the growth of this process, or None if the call fails."""
    try:
        prepare()
        before = _kilobytes("VmRSS")
        call()
        sender.send(1024 * (_kilobytes("VmHWM") - before))
    except Exception:  # noqa: BLE001  -- the caller meets the same error by itself
        sender.send(None)


def _kilobytes(name: str) -> int:
    (number,) = re.findall(rf"^{name}:\s+(\d+) kB$", _STATUS.read_text(), re.MULTILINE)
    return int(number)
