"""Options and errors of the commands that use a trained model."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deit_spec.cli.inputs import check
from deit_spec.cli.options import option, set_option
from deit_spec.cli.output import fail, protect, protect_folder, report
from deit_spec.diagnostics import DiagnosedError
from deit_spec.diagnostics.printable import reason_of, visible

if TYPE_CHECKING:
    from deit_spec.distill.prediction import UnreadableImage
    from deit_spec.distill.trained_model import TrainedModel

ModelArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A model folder or a run's model.safetensors; with --weights also a spec, "
        "the name of a published model, or - for standard input.",
    ),
]
RunnableArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A model folder, a run's model.safetensors or an exported file; with "
        "--weights also a spec, the name of a published model, or - for standard "
        "input.",
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
ImagesArgument = Annotated[
    list[Path],
    typer.Argument(metavar="IMAGES...", help="Images and folders of images."),
]
LabelsOption = Annotated[
    Path | None,
    option(
        "--labels",
        "The class names: one per line, or a list or mapping in JSON. "
        "By default those of the run or, for 1000 classes, of ImageNet.",
        metavar="FILE",
    ),
]
CropOption = Annotated[
    float | None,
    option(
        "--crop",
        "The ratio of image size to resized size; by default 0.875, or 1 for digits.",
        metavar="RATIO",
        min=0.1,
        max=1.0,
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


def open_model(
    model: str, weights: Path | None, recipe: Path | None, *, exported: bool = False
) -> "TrainedModel":
    """Find a model by its folder or its spec, or exit if it cannot be used.

    An exported file is an error unless the command can run it.
    """
    from deit_spec.distill.trained_model import find_model
    from deit_spec.model.exported_file import files_of_export
    from deit_spec.weights import weight_findings

    with model_errors():
        trained = find_model(model, weights, check)
        if trained.interface is not None and not exported:
            raise weight_findings.exported(model)
    protect(*files_of_export(trained.weights), *([recipe] if recipe else []))
    if trained.opened is not None:
        protect(trained.opened.path)
        protect_folder(trained.opened.path)
        report(trained.opened.diagnostics)
    return trained


def class_names(trained: "TrainedModel", path: Path | None) -> Sequence[str]:
    """The names of the classes; nothing if they are not known."""
    from deit_spec.model.class_names import IMAGENET_CLASSES

    if path is not None:
        protect(path)
    with model_errors():
        names = trained.class_names(path)
    if names is None and trained.spec.num_classes == IMAGENET_CLASSES:
        text = "note: the class names of ImageNet are not available without timm"
        typer.echo(text, err=True)
    return names or ()


def image_paths(images: Sequence[Path]) -> tuple[list[Path], str | None]:
    """The paths of images and of those in folders, and a note of other files there."""
    from deit_spec.distill.image_files import note_of_ignored
    from deit_spec.distill.prediction import images_in

    ignored = Counter[str]()
    try:
        paths = images_in(images, ignored)
    except FileNotFoundError as error:
        fail(str(error))
    except OSError as error:
        fail(f"cannot list {error.filename}: {reason_of(error)}")
    protect(*paths)
    return paths, note_of_ignored(ignored)


def report_unread(unreadable: "Sequence[UnreadableImage]", note: str | None) -> None:
    """Report the images that could not be read, and then exit with 1."""
    if note:
        typer.echo(visible(f"note: {note}"), err=True)
    for each in unreadable:
        text = f"error: cannot read {each.image}: {each.reason}"
        typer.echo(visible(text), err=True)
    if unreadable:
        raise typer.Exit(1)


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
