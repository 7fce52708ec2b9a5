"""Options and errors of the commands that use a trained model."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deit_spec.cli.inputs import check
from deit_spec.cli.options import option, set_option
from deit_spec.cli.output import fail, protect, report
from deit_spec.diagnostics import DiagnosedError

if TYPE_CHECKING:
    from deit_spec.distill.trained_model import TrainedModel

ModelArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A model folder or a run's model.safetensors; with --weights also a spec, "
        "the name of a published model, or - for standard input.",
    ),
]
WeightsOption = Annotated[
    Path | None,
    option(
        "--weights",
        "The checkpoint to use instead of that of the model.",
        metavar="FILE",
    ),
]
RecipeOption = Annotated[
    Path | None,
    option(
        "--recipe",
        "The recipe whose data settings to use instead of those of the run.",
        metavar="FILE",
    ),
]
SetOption = Annotated[
    list[str] | None,
    set_option("Set a field of the recipe, such as data.unreadable=10."),
]
BatchOption = Annotated[
    int,
    option(
        "--batch-size",
        "The number of images in a batch.",
        metavar="N",
        min=1,
        max=1_000_000,
    ),
]
DeviceOption = Annotated[
    str | None,
    option(
        "--device", "The torch device; by default a GPU if available.", metavar="DEVICE"
    ),
]


def open_model(model: str, weights: Path | None, recipe: Path | None) -> "TrainedModel":
    """Find a model by its folder or its spec, or exit if it cannot be used."""
    from deit_spec.distill.trained_model import find_model

    with model_errors():
        trained = find_model(model, weights, check)
    protect(trained.weights, *([recipe] if recipe else []))
    if trained.opened is not None:
        path = trained.opened.path
        protect(path, *(path.iterdir() if path.is_dir() else ()))
        report(trained.opened.diagnostics)
    return trained


@contextmanager
def model_errors() -> Iterator[None]:
    """Report why a model, images or a recipe cannot be used, and exit with 1 or 2."""
    from deit_spec.distill.evaluation import NoImagesError
    from deit_spec.distill.optional_packages import MissingPackageError
    from deit_spec.distill.trained_model import ModelError
    from deit_spec.model.class_names import ClassNamesError

    try:
        yield
    except DiagnosedError as error:
        report(error.diagnostics)
        raise typer.Exit(1) from None
    except (ClassNamesError, MissingPackageError, ModelError, NoImagesError) as error:
        fail(str(error))
