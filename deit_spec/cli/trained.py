"""What `evaluate` and `predict` are given: a run, or a spec with weights."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deit_spec import published
from deit_spec.cli.arguments import path_of, set_option
from deit_spec.cli.messages import report
from deit_spec.cli.output import check, fail, made_from
from deit_spec.diagnostics import Diagnostic, Severity
from deit_spec.recipe.run_files import RECIPE, SPEC, WEIGHTS
from deit_spec.spec import Checked, DeiTSpec

if TYPE_CHECKING:
    from torch import nn

    from deit_spec.recipe import CheckedRecipe

ALONE = ("teacher=null", "loss.kind=none", "student.weights=null")
"""What a recipe is without its teacher, who need not be here any more."""

ModelArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="The folder of a run; or with --weights a YAML spec, a published name, "
        "or - for standard input.",
    ),
]
WeightsOption = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        metavar="FILE",
        parser=path_of,
        help="The checkpoint of a spec, or another than the run's.",
    ),
]
RecipeOption = Annotated[
    Path | None,
    typer.Option(
        "--recipe",
        metavar="FILE",
        parser=path_of,
        help="The recipe that says how images are read, in place of the run's.",
    ),
]
SetOption = Annotated[
    list[str] | None,
    set_option("Lay a value over the recipe, as data.unreadable=10; repeat it."),
]
BatchOption = Annotated[
    int, typer.Option("--batch-size", min=1, max=1_000_000, help="Images at once.")
]
DeviceOption = Annotated[
    str | None,
    typer.Option(
        "--device", help="As torch calls it; a GPU where there is one, else cpu."
    ),
]


@dataclass(frozen=True)
class Trained:
    """A model that can be asked: its spec, its weights, and its run if it has one."""

    name: str
    checked: Checked
    weights: Path
    folder: Path | None

    @property
    def spec(self) -> DeiTSpec:
        """The spec, which has no errors."""
        assert self.checked.spec is not None  # noqa: S101  -- `find_model` has looked
        return self.checked.spec


def find_model(model: str, weights: Path | None) -> Trained:
    """Find a model by a run's folder or by its spec, and check the spec.

    Raises:
        typer.Exit: The spec has errors, code 1; or there is no such run, or no
            weights or classes, code 2.
    """
    folder = Path(model) if model and Path(model).is_dir() else None
    if folder is not None:
        model = str(_in_run(folder, SPEC))
        weights = weights or _in_run(folder, WEIGHTS)
    if weights is None:
        if not Path(model).exists() and model not in published.names():
            fail(f"there is no folder of a run, spec or published model {model}")
        fail(f"a spec has no weights of its own: --weights FILE goes with {model}")
    checked = check(model)
    made_from(weights)
    _stop_at_errors(checked.diagnostics)
    trained = Trained(model, checked, weights, folder)
    if trained.spec.num_classes is None:
        fail(f"{model} has no class head: num_classes is null")
    return trained


def read_recipe(
    trained: Trained,
    recipe: Path | None,
    extra: Sequence[str] = (),
    otherwise: str | None = None,
) -> "CheckedRecipe":
    """Check the recipe that says how images are read, its teacher apart.

    It is `recipe`, or the run's, or else `{student, data}` with the data of
    `otherwise`, which is a text such as `data.builtin=digits`.

    Raises:
        typer.Exit: It has errors, code 1.
    """
    from deit_spec.recipe import check_recipe

    path = recipe
    if path is None and trained.folder is not None:
        path = _in_run(trained.folder, RECIPE)
    laid = [*ALONE, *_data_of(otherwise), *extra]
    student = json.dumps(_student(trained))
    if path is None:
        # Their defaults are for training, and suit no small images.
        made = {"student": {"spec": _student(trained)}, "data": {}}
        checked = check_recipe(made, laid)
    else:
        made_from(path)
        checked = check_recipe(path, [f"student.spec={student}", *laid])
    _stop_at_errors(checked.diagnostics)
    return checked


def load_model(trained: Trained, device: str) -> "nn.Module":
    """Build a model with its weights, as float32 and in evaluation mode.

    Raises:
        typer.Exit: The weights cannot be read or do not fit, code 1; or the device
            cannot be used, code 2.
    """
    from deit_spec.cli.weights.arguments import refusals
    from deit_spec.graph import Target
    from deit_spec.pipeline import compile_checked
    from deit_spec.weights import allowed, fill, make_plan, open_checkpoint, require

    compiled = compile_checked(trained.checked, Target.TRAIN)
    with refusals():
        checkpoint = open_checkpoint(trained.weights)
        plan = make_plan(compiled.graph, checkpoint)
        require(plan, allowed(strict=True))
        report(each for each in plan.diagnostics if _is(each, Severity.WARNING))
        source, name = compiled.source, compiled.graph.name
        model = fill(source, name, plan, checkpoint, device="cpu", dtype="float32")
    try:
        return model.to(device).eval()
    except (RuntimeError, AssertionError) as error:  # torch raises both
        reason = str(error).partition("\n")[0]
        fail(f"cannot use the device {device}: {reason}")


@contextmanager
def failures() -> Iterator[None]:
    """Say why images cannot be read.

    Raises:
        typer.Exit: They cannot, code 1; or a package for it is missing, code 2.
    """
    from deit_spec.distill.data import DataError
    from deit_spec.distill.extra import MissingPackageError
    from deit_spec.recipe import RecipeError

    try:
        yield
    except (DataError, RecipeError) as error:
        report(error.diagnostics)
        raise typer.Exit(1) from None
    except MissingPackageError as error:
        fail(str(error))


def _in_run(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        fail(f"{folder} is not the folder of a finished run: it has no {name}")
    return path


def _student(trained: Trained) -> str:
    """The spec, as a recipe in another folder names it."""
    path = Path(trained.name)
    return str(path.absolute()) if path.is_file() else trained.name


def _data_of(text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    nothing = ("builtin", "folder", "dataset", "train_images", "val_images")
    return (*(f"data.{each}=null" for each in nothing), text)


def _stop_at_errors(diagnostics: Sequence[Diagnostic]) -> None:
    errors = [each for each in diagnostics if _is(each, Severity.ERROR)]
    report(errors)
    if errors:
        raise typer.Exit(1)


def _is(found: Diagnostic, severity: Severity) -> bool:
    return found.severity is severity
