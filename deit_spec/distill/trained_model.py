"""A trained model to evaluate or to predict with: a run, or a spec with weights."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from deit_spec import published
from deit_spec.diagnostics import (
    DiagnosedError,
    Diagnostic,
    Label,
    Severity,
    Span,
    diagnose,
)
from deit_spec.diagnostics.printable import first_line_of, listed
from deit_spec.distill.optional_packages import require_packages
from deit_spec.graph import Target
from deit_spec.model.class_names import (
    IMAGENET_CLASSES,
    ClassNamesError,
    class_names_of_weights,
    imagenet_class_names,
    match_model_classes,
    read_class_names,
)
from deit_spec.model.preprocessing import Preprocessing, preprocessing_of
from deit_spec.pipeline import SpecError, compile_checked
from deit_spec.recipe import CheckedRecipe, RecipeError, check_recipe
from deit_spec.recipe.class_matching import Relation, differences
from deit_spec.recipe.run_files import CLASSES, RECIPE, SPEC, WEIGHTS
from deit_spec.recipe.run_records import read_classes
from deit_spec.spec import Checked, DeiTSpec, check_spec
from deit_spec.weights import allowed, fill, make_plan, open_checkpoint, require

WITHOUT_TEACHER = ("teacher=null", "loss.kind=none", "student.weights=null")
"""Overrides that remove the files from a recipe that only training needs."""
CHECKED_LATER = ("DS509", "DS538")
"""Rules on the classes of the data, which `open_data` matches by name."""
_DATA_FIELDS = (
    *("builtin", "folder", "dataset", "train", "val", "columns"),
    *("train_images", "val_images"),
)


class ModelError(ValueError):
    """A model or its device cannot be used; the text says why."""


@dataclass(frozen=True)
class TrainedModel:
    """A spec without errors, a file of weights, and the run folder if there is one."""

    name: str
    """The path or the published name of the spec."""
    checked: Checked
    weights: Path
    folder: Path | None

    @property
    def spec(self) -> DeiTSpec:
        """The spec."""
        assert self.checked.spec is not None  # noqa: S101  -- see `find_model`
        return self.checked.spec

    def load(
        self,
        device: str,
        report: Callable[[Sequence[Diagnostic]], object] = lambda _: None,
    ) -> nn.Module:
        """Build the model with its weights, in float32 and in evaluation mode.

        `report` receives the warnings about the weights.

        Raises:
            WeightsError: The weights cannot be read or do not fit.
            ModelError: The device cannot be used.
        """
        compiled = compile_checked(self.checked, Target.TRAIN)
        checkpoint = open_checkpoint(self.weights)
        plan = make_plan(compiled.graph, checkpoint)
        require(plan, allowed(strict=True))
        report([d for d in plan.diagnostics if d.severity is Severity.WARNING])
        source, name = compiled.source, compiled.graph.name
        model = fill(source, name, plan, checkpoint, device="cpu", dtype="float32")
        try:
            return model.to(device).eval()
        except (RuntimeError, AssertionError) as error:  # torch raises both
            reason = first_line_of(error)
            raise ModelError(f"cannot use the device {device}: {reason}") from None

    def read_recipe(
        self,
        path: Path | None = None,
        overrides: Sequence[str] = (),
        data: str | None = None,
    ) -> CheckedRecipe:
        """Check the recipe that says how images are read, without its teacher.

        It is the one at `path`, or the run's, or has nothing but this model. `data` is
        an override that replaces its dataset, as `data.builtin=digits`.

        Raises:
            RecipeError: The recipe has errors.
            ModelError: The run folder has no recipe.
        """
        if path is None and self.folder is not None:
            path = _file_of_run(self.folder, RECIPE)
            # The run's list of classes has been written beside it.
            overrides = ["data.classes=null", *overrides]
        if data is not None:
            fields = [f"data.{field}=null" for field in _DATA_FIELDS]
            overrides = [*fields, data, *overrides]
        spec_path = Path(self.name)
        spec = str(spec_path.absolute()) if spec_path.is_file() else self.name
        if path is None:
            document: dict[str, Any] = {"student": {"spec": spec}, "data": {}}
            laid = [*WITHOUT_TEACHER, *overrides]
            checked = check_recipe(document, laid, without=CHECKED_LATER)
        else:
            laid = [f"student.spec={json.dumps(spec)}", *WITHOUT_TEACHER, *overrides]
            checked = check_recipe(path, laid, without=CHECKED_LATER)
        if errors := _errors(checked.diagnostics):
            raise RecipeError(errors)
        return checked

    def preprocessing(self, recipe: Path | None, crop: float | None) -> Preprocessing:
        """How images are read: by a recipe, by the run's, or as ImageNet's."""
        require_packages("images", "PIL", "numpy")
        is_known = recipe is not None or self.folder is not None
        found = self.read_recipe(recipe).recipe if is_known else None
        return preprocessing_of(self.spec, found, crop)

    def own_class_names(self) -> tuple[str, ...] | None:
        """The names of the classes of the weights or the run; None if not known."""
        names = class_names_of_weights(self.weights)
        # Weights beside the names of another model are weights without names.
        if names is not None and len(names) == self.spec.num_classes:
            return names
        if self.folder is None or not (self.folder / CLASSES).is_file():
            return None
        return self._counted(read_classes(self.folder / CLASSES), self.folder / CLASSES)

    def class_names(self, path: Path | None = None) -> tuple[str, ...] | None:
        """The names of the classes: of a file, of the run, or of ImageNet, if known.

        Raises:
            ClassNamesError: The file cannot be read, or has not as many names.
            RunFileError: The file of the run is damaged.
            DiagnosedError: The names in the file are not those of the run.
        """
        own = self.own_class_names()
        if path is None and own is None and self.spec.num_classes == IMAGENET_CLASSES:
            return imagenet_class_names()
        if path is None:
            return own
        names = self._counted(read_class_names(path), path)
        return names if own is None else _in_order_of(own, names, path)

    def _counted(self, names: tuple[str, ...], path: Path) -> tuple[str, ...]:
        count = self.spec.num_classes
        if len(names) != count:
            labels = f"the number of labels in {path} is {len(names):,}"
            raise ClassNamesError(f"{labels}, but the model has {count:,} classes")
        return names


def _in_order_of(
    own: Sequence[str], names: Sequence[str], path: Path
) -> tuple[str, ...]:
    """Sort the names in a file as the classes of a model."""
    match = match_model_classes(names, own)
    if match.relation is Relation.DIFFERENT:
        found = diagnose(
            "DS538",
            f"the file has the classes {listed(names)}, but the model has "
            f"{listed(own)}",
            Label(Span.of_file(path)),
            notes=differences(match, "the file", "the model"),
            helps=["leave `--labels` out to use the names of the model"],
        )
        raise DiagnosedError([found])
    by_index = dict(zip(match.indices, names, strict=True))
    return tuple(by_index[index] for index in range(len(own)))


def find_model(
    model: str,
    weights: Path | None = None,
    check: Callable[[str], Checked] = check_spec,
) -> TrainedModel:
    """Find a trained model, and check its spec with `check`.

    `model` is a run folder; or, with `weights`, the path of a spec or the name of a
    published model.

    Raises:
        ModelError: There is no such run or spec, or no weights, or no class head.
        SpecError: The spec has errors.
    """
    folder = Path(model) if model and Path(model).is_dir() else None
    if folder is not None:
        model = str(_file_of_run(folder, SPEC))
        weights = weights or _file_of_run(folder, WEIGHTS)
    if weights is None:
        if not Path(model).exists() and model not in published.names():
            raise ModelError(f"{model} is not a run folder, spec or published model")
        raise ModelError(f"{model} has no weights; add --weights FILE")
    checked = check(model)
    if checked.spec is None:
        raise SpecError(_errors(checked.diagnostics))
    if checked.spec.num_classes is None:
        raise ModelError(f"{model} has no class head: num_classes is null")
    return TrainedModel(model, checked, weights, folder)


def best_device() -> str:
    """`cuda` if there is a GPU, else `cpu`."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def _file_of_run(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise ModelError(f"{folder} is not a finished run: it has no {name}")
    return path


def _errors(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    return [each for each in diagnostics if each.severity is Severity.ERROR]
