"""The arguments and the errors that `evaluate` and `predict` share."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deit_spec.cli.arguments import path_of, set_option
from deit_spec.cli.messages import report
from deit_spec.cli.output import check, fail, made_from
from deit_spec.diagnostics import DiagnosedError
from deit_spec.recipe.run_files import CLASSES, RECIPE

if TYPE_CHECKING:
    from deit_spec.distill.trained_model import TrainedModel

ModelArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A run folder; or with --weights a YAML spec, a published name, or - for "
        "standard input.",
    ),
]
WeightsOption = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        metavar="FILE",
        parser=path_of,
        help="The checkpoint to use; it replaces that of a run.",
    ),
]
RecipeOption = Annotated[
    Path | None,
    typer.Option(
        "--recipe",
        metavar="FILE",
        parser=path_of,
        help="The recipe that says how images are read; it replaces that of a run.",
    ),
]
SetOption = Annotated[
    list[str] | None,
    set_option("Set a field of the recipe, as data.unreadable=10; may be repeated."),
]
BatchOption = Annotated[
    int, typer.Option("--batch-size", min=1, max=1_000_000, help="Images in a batch.")
]
DeviceOption = Annotated[
    str | None,
    typer.Option(
        "--device",
        help="As torch names it; by default a GPU, if there is one.",
    ),
]


def open_model(model: str, weights: Path | None, recipe: Path | None) -> "TrainedModel":
    """Find a model by its run folder or its spec, and check the spec.

    Raises:
        typer.Exit: The spec has errors, code 1; or there is no such model, code 2.
    """
    from deit_spec.distill.trained_model import find_model

    with failures():
        trained = find_model(model, weights, check)
    run = trained.folder
    made_from(trained.weights, *([run / RECIPE, run / CLASSES] if run else []))
    made_from(*([recipe] if recipe else []))
    return trained


@contextmanager
def failures() -> Iterator[None]:
    """Report why a model, images or a recipe cannot be used.

    Raises:
        typer.Exit: With code 1 for findings; with code 2 for wrong usage or a missing
            package.
    """
    from deit_spec.distill.evaluation import NoImagesError
    from deit_spec.distill.extra import MissingPackageError
    from deit_spec.distill.trained_model import ModelError

    try:
        yield
    except DiagnosedError as error:
        report(error.diagnostics)
        raise typer.Exit(1) from None
    except (MissingPackageError, ModelError, NoImagesError) as error:
        fail(str(error))
