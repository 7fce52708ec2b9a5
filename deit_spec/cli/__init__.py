"""The command line: one file a command, each thin."""

import atexit
import gc
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from typing import NoReturn

USAGE = 2
DEFECT = 3
INTERRUPTED = 130


def main() -> None:
    """Run `deit-spec` on the arguments of this process, and exit."""
    try:
        _prepare_process()
        code = execute(sys.argv[1:])
    except KeyboardInterrupt:  # during the imports as well
        code = INTERRUPTED
    _exit(code)


def execute(arguments: Sequence[str]) -> int:
    """Run a command in this process, and return its exit code.

    0 is success, 1 means that errors were found, 2 wrong usage and 3 an internal
    error. Settings of the process, such as signal handlers, are left to `main`.
    """
    from deit_spec.cli import messages, output
    from deit_spec.cli.app import command

    messages.reset()
    output.reset()
    try:
        command()(args=arguments, prog_name="deit-spec")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception as error:  # noqa: BLE001  -- no traceback reaches a user
        return _report_exception(error)
    finally:
        messages.flush()
    return 0


@contextmanager
def fast_imports() -> Iterator[None]:
    """Import without garbage collection: modules live until the process ends."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.freeze()
            gc.enable()


def _prepare_process() -> None:
    # The search for plugins of pydantic takes longer the more packages are installed.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    with fast_imports():
        import deit_spec.cli.app  # noqa: F401
    if hasattr(signal, "SIGPIPE"):  # a closed pipe ends the process, as is usual
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _exit(code: int) -> NoReturn:
    """End the process, at once if all that is left to do is to free memory.

    Freeing it object by object takes a fifth of the time of `validate`. torch has
    more to do at the end: it joins workers and closes files.
    """
    if "torch" in sys.modules:
        sys.exit(code)
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):  # a full disk or a closed stream
        sys.exit(code)
    atexit._run_exitfuncs()  # noqa: SLF001  -- `os._exit` would skip them
    os._exit(code)


def _report_exception(error: Exception) -> int:
    """Report an exception that no command has handled, and return the exit code."""
    from deit_spec.cli import messages
    from deit_spec.diagnostics import DiagnosedError
    from deit_spec.diagnostics.printable import reason_of

    if isinstance(error, DiagnosedError):
        messages.report(error.diagnostics)
        return 1
    if os.environ.get("DEIT_SPEC_TRACEBACK"):
        import traceback

        traceback.print_exception(error)
    elif isinstance(error, OSError):
        print(f"error: {reason_of(error)}", file=sys.stderr)  # noqa: T201
    else:
        _report_defect(f"internal error: {type(error).__name__}: {error}")
    return USAGE if isinstance(error, OSError) else DEFECT


def _report_defect(message: str) -> None:
    from deit_spec.cli import messages
    from deit_spec.diagnostics import Label, Span, diagnose
    from deit_spec.diagnostics.formats import Format
    from deit_spec.diagnostics.printable import visible

    help_ = (
        "please report it, with the spec and the output of the same command "
        "under DEIT_SPEC_TRACEBACK=1"
    )
    if messages.chosen() is Format.TEXT:  # without rich, which may be the cause
        text = f"error[DS901]: {visible(message)}\n  = help: {help_}"
        print(text, file=sys.stderr)  # noqa: T201
        return
    here = Label(Span.of_file("deit-spec"))
    messages.report([diagnose("DS901", message, here, helps=[help_])])


__all__ = ["execute", "main"]
