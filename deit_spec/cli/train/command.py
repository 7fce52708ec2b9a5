"""The command: check the recipe, train, and say how it ended."""

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deit_spec.cli import messages
from deit_spec.cli.arguments import AllowCodeOption, output_option, set_option
from deit_spec.cli.output import BY_SIGNAL, fail, require_kind
from deit_spec.cli.streams import outlive_readers
from deit_spec.recipe.documents import Kind

if TYPE_CHECKING:
    from deit_spec.distill.training import Finished
    from deit_spec.recipe import CheckedRecipe


def run(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A recipe, a YAML file.")
    ],
    output: Annotated[
        Path, output_option("FOLDER", "The folder of the run: empty, or not there.")
    ],
    *,
    overrides: Annotated[
        list[str] | None,
        set_option("Set a field of the recipe, such as optimizer.lr=1e-3."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with the run in FOLDER, if there is one."),
    ] = False,
    allow_code: AllowCodeOption = False,
) -> None:
    """Train a student; under `accelerate launch -m deit_spec train`, in many processes.

    SIGINT and SIGTERM finish the step, save and exit; a second one exits at once.
    """
    from deit_spec.recipe import check_recipe

    outlive_readers()
    checked = check_recipe(recipe, overrides or ())
    if checked.recipe is None:
        require_kind(recipe, checked.document, Kind.RECIPE)
    if _variable("RANK") == 0:  # the others would say the same
        messages.report(checked.diagnostics)
    if checked.recipe is None:
        raise typer.Exit(1)
    finished = _train(checked, output, resume=resume, allow_code=allow_code)
    if finished.signal is not None:
        if _variable("RANK") == 0:
            name = signal.Signals(finished.signal).name
            typer.echo(
                f"stopped by {name} after step {finished.step}, which is saved; the "
                "same command with --resume goes on",
                err=True,
            )
        raise typer.Exit(BY_SIGNAL + finished.signal)


def _train(
    checked: "CheckedRecipe", output: Path, *, resume: bool, allow_code: bool
) -> "Finished":
    """Train, and report what cannot be helped as findings.

    Raises:
        typer.Exit: It ended with errors, code 1, or lacks a package, code 2.
    """
    from deit_spec.cli.train.reporting import open_reporter
    from deit_spec.distill.data import DataError
    from deit_spec.distill.extra import MissingPackageError
    from deit_spec.distill.training import RunError, train
    from deit_spec.distill.training.processes import (
        is_first_to_say,
        is_of_a_lost_process,
    )
    from deit_spec.weights import WeightsError

    try:
        with open_reporter() as reporter:
            return train(
                checked,
                output,
                resume=resume,
                allow_code=allow_code,
                reporter=reporter,
            )
    except (RunError, DataError, WeightsError) as error:
        if is_first_to_say(str(error)):
            messages.report(error.diagnostics)
        raise typer.Exit(1) from None
    except MissingPackageError as error:
        fail(str(error))
    except RuntimeError as error:
        if not is_of_a_lost_process(error):
            raise
        # It has told why, unless it was killed.
        typer.echo("error: another process of the run has ended", err=True)
        raise typer.Exit(1) from None


def _variable(name: str) -> int:
    """A number that `accelerate launch` and `torchrun` set; 0 without them."""
    return int(os.environ.get(name) or 0)
