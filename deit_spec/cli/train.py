"""`deit-spec train`: train a student as a recipe describes."""

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deit_spec.cli.inputs import require_kind
from deit_spec.cli.options import AllowCodeOption, output_option, set_option
from deit_spec.cli.output import SIGNAL_EXIT, fail, ignore_closed_pipes, report
from deit_spec.diagnostics import DiagnosedError
from deit_spec.recipe.documents import Kind

if TYPE_CHECKING:
    from deit_spec.distill.training import Finished
    from deit_spec.recipe import CheckedRecipe


def run(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A YAML recipe.")],
    output: Annotated[
        Path, output_option("FOLDER", "The run folder to write; it must be empty.")
    ],
    *,
    overrides: Annotated[
        list[str] | None,
        set_option("Set a field of the recipe, such as optimizer.lr=1e-3."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Resume the run in FOLDER, if there is one."),
    ] = False,
    allow_code: AllowCodeOption = False,
) -> None:
    """Train the student of a recipe.

    Use `accelerate launch -m deit_spec train` for several processes. On SIGINT,
    SIGTERM or SIGUSR1, finish the current step, save a checkpoint and exit; on a
    second signal, exit immediately.
    """
    from deit_spec.recipe import check_recipe

    ignore_closed_pipes()
    checked = check_recipe(recipe, overrides or ())
    if checked.recipe is None:
        require_kind(recipe, checked.document, Kind.RECIPE)
    if _is_first_process():
        report(checked.diagnostics)
    if checked.recipe is None:
        raise typer.Exit(1)
    finished = _train(checked, output, resume=resume, allow_code=allow_code)
    if finished.signal is not None:
        if _is_first_process():
            name = signal.Signals(finished.signal).name
            where = f"after step {finished.step}, which was saved"
            if not finished.step:
                where = "before the first step"
            typer.echo(
                f"stopped by {name} {where}; the same command with --resume continues "
                "the run",
                err=True,
            )
        raise typer.Exit(SIGNAL_EXIT + finished.signal)


def _train(
    checked: "CheckedRecipe", output: Path, *, resume: bool, allow_code: bool
) -> "Finished":
    """Train, and report errors."""
    from deit_spec.cli.training_progress import RunProgress, progress_bar
    from deit_spec.distill.memory_allocator import keep_freed_memory
    from deit_spec.distill.optional_packages import MissingPackageError
    from deit_spec.distill.training import processes, train

    keep_freed_memory()
    try:
        with progress_bar(enabled=_is_first_process()) as bar:
            return train(
                checked,
                output,
                resume=resume,
                allow_code=allow_code,
                reporter=RunProgress(bar),
            )
    except DiagnosedError as error:
        if processes.is_first_to_report(str(error)):
            report(error.diagnostics)
        raise typer.Exit(1) from None
    except MissingPackageError as error:
        fail(str(error))
    except RuntimeError as error:
        if not processes.is_lost_process(error):
            raise
        # The other process has reported the reason, unless it was killed.
        typer.echo("error: another process of the run has ended", err=True)
        raise typer.Exit(1) from None


def _is_first_process() -> bool:
    """Whether this is the first process of `accelerate launch` or `torchrun`."""
    return int(os.environ.get("RANK") or 0) == 0
