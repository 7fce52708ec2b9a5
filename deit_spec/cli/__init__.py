"""The command line: one file a command, each thin."""

import gc
import os
import signal
import sys
from io import TextIOWrapper

USAGE = 2
DEFECT = 3
INTERRUPTED = 130


def main() -> None:
    """Run `deit-spec`, and exit 0, 1 (a spec has errors), 2 (usage) or 3 (a defect)."""
    try:
        _run()
    except KeyboardInterrupt:  # while it is imported, too
        sys.exit(INTERRUPTED)


def _run() -> None:
    # Plugins of pydantic have no part in a command, and to look for them takes as
    # long as there are packages.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # What is imported lives to the end: to collect it is work for nothing.
    gc.disable()
    from deit_spec.cli import messages
    from deit_spec.cli.app import app

    gc.freeze()
    gc.enable()
    if hasattr(signal, "SIGPIPE"):  # a closed pipe ends us, as it does other tools
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except Exception as error:  # noqa: BLE001  -- the last line before a traceback
        sys.exit(_answer(error))
    finally:
        messages.flush()


def _answer(error: Exception) -> int:
    """Print what went wrong, and return the exit code."""
    from deit_spec.cli.messages import report
    from deit_spec.pipeline import SpecError
    from deit_spec.recipe import RecipeError

    if isinstance(error, SpecError | RecipeError):
        report(error.diagnostics)
        return 1
    if os.environ.get("DEIT_SPEC_TRACEBACK"):
        import traceback

        traceback.print_exception(error)
        return USAGE if isinstance(error, OSError) else DEFECT
    if isinstance(error, OSError):
        from deit_spec.diagnostics.printable import reason_of

        print(f"error: {reason_of(error)}", file=sys.stderr)  # noqa: T201
        return USAGE
    _tell_defect(f"a defect of deit-spec: {type(error).__name__}: {error}")
    return DEFECT


def _tell_defect(message: str) -> None:
    from deit_spec.cli import messages
    from deit_spec.diagnostics import Label, Span, diagnose
    from deit_spec.diagnostics.formats import Format
    from deit_spec.diagnostics.printable import visible

    help_ = (
        "please report it, with the spec and the output of the same command "
        "under DEIT_SPEC_TRACEBACK=1"
    )
    if messages.chosen() is Format.TEXT:  # without rich, which may be what fails
        text = f"error[DS901]: {visible(message)}\n  = help: {help_}"
        print(text, file=sys.stderr)  # noqa: T201
        return
    here = Label(Span.of_file("deit-spec"))
    messages.report([diagnose("DS901", message, here, helps=[help_])])


__all__ = ["main"]
