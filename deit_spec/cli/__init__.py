"""The command line: one file a command, each thin."""

import gc
import os
import signal
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from types import FrameType
from typing import NoReturn

USAGE = 2
DEFECT = 3
INTERRUPTED = 130
_interrupts: list[int] = []


def main() -> None:
    """Run `deit-spec` on the arguments of this process, and exit."""
    gc.disable()  # imports create many objects and little garbage
    # The search for plugins of pydantic takes longer the more packages are installed.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    if hasattr(signal, "SIGPIPE"):  # a closed pipe ends the process, as is usual
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = execute(sys.argv[1:])
    except KeyboardInterrupt:  # during the imports as well
        code = INTERRUPTED
    if "torch" not in sys.modules:  # torch may have threads to end in the last search
        gc.freeze()  # the search for garbage would take a fifth of `validate`
    if processes := sys.modules.get("deit_spec.distill.training.processes"):
        processes.exit_from_group(code)
    sys.exit(code)


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    """Raise KeyboardInterrupt, and record it: compiled code may raise another error."""
    _interrupts.append(number)
    raise KeyboardInterrupt


def execute(arguments: Sequence[str]) -> int:
    """Run a command in this process, and return its exit code.

    0 is success, 1 means that errors were found, 2 wrong usage and 3 an internal
    error. Settings of the process, such as signal handlers, are left to `main`.
    """
    from deit_spec.cli import output
    from deit_spec.cli.app import command

    output.reset()
    try:
        command()(args=arguments, prog_name="deit-spec")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception as error:  # noqa: BLE001  -- no traceback reaches a user
        return _report_exception(error)
    finally:
        output.flush()
    return 0


def _report_exception(error: Exception) -> int:
    """Report an exception that no command has handled, and return the exit code."""
    if _interrupts:
        return INTERRUPTED
    from deit_spec.cli import output
    from deit_spec.diagnostics import DiagnosedError, Label, Span, diagnose
    from deit_spec.diagnostics.formats import Format
    from deit_spec.diagnostics.printable import reason_of, visible

    help_ = (
        "please report it, with the spec and the output of the same command "
        "under DEIT_SPEC_TRACEBACK=1"
    )
    message = f"internal error: {type(error).__name__}: {error}"
    if isinstance(error, DiagnosedError):
        output.report(error.diagnostics)
        return 1
    if os.environ.get("DEIT_SPEC_TRACEBACK"):
        import traceback

        traceback.print_exception(error)
    elif isinstance(error, OSError):
        path = "" if error.filename is None else f"{visible(str(error.filename))}: "
        print(f"error: {path}{reason_of(error)}", file=sys.stderr)  # noqa: T201
    elif output.chosen_format() is Format.TEXT:  # without rich, which may be the cause
        text = f"error[DS901]: {visible(message)}\n  = help: {help_}"
        print(text, file=sys.stderr)  # noqa: T201
    else:
        here = Label(Span.of_file("deit-spec"))
        output.report([diagnose("DS901", message, here, helps=[help_])])
    return USAGE if isinstance(error, OSError) else DEFECT


__all__ = ["execute", "main"]
