"""A trained model to evaluate or to predict with, the recipe and the labels for it."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
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
from deit_spec.distill.exported_model import load_exported
from deit_spec.distill.optional_packages import require_packages
from deit_spec.graph import LayerGraph, Target
from deit_spec.loading import OWN, load_weights
from deit_spec.model.class_names import (
    IMAGENET_CLASSES,
    class_names_of_weights,
    imagenet_class_names,
    match_model_classes,
    read_class_names,
)
from deit_spec.model.exported_interface import ExportedInterface
from deit_spec.model.inherited_parts import inherit_parts
from deit_spec.model.model_folder import (
    WITHOUT_TRAINING,
    Kind,
    ModelFolder,
    open_model_folder,
)
from deit_spec.model.preprocessing import Preprocessing, preprocessing_of
from deit_spec.model.spec_or_model import is_model_path
from deit_spec.passes import PassOptions
from deit_spec.pipeline import Compiled, SpecError, compile_checked
from deit_spec.recipe import CheckedRecipe, RecipeError, check_recipe
from deit_spec.recipe.class_matching import Relation, differences
from deit_spec.recipe.overrides import Override
from deit_spec.recipe.run_files import HEADS, RECIPE, SPEC
from deit_spec.spec import Checked, DeiTSpec, check_spec

CHECKED_LATER = ("DS509", "DS538")
"""Rules on the classes of the data, which `open_data` matches by name."""
_DATA_FIELDS = (
    *("builtin", "folder", "dataset", "train", "val", "columns"),
    *("only_classes", "train_images", "val_images"),
)


class ModelError(ValueError):
    """A model or its device cannot be used; the text says why."""


@dataclass(frozen=True)
class TrainedModel:
    """A model to evaluate or to predict with: a model, or a spec with weights.

    `name` is the path or published name of the spec, and `checked` the spec without
    errors. `opened` is the model folder or file; None for a spec with weights.
    """

    name: str
    checked: Checked
    weights: Path
    opened: ModelFolder | None = None

    @property
    def spec(self) -> DeiTSpec:
        """The spec."""
        assert self.checked.spec is not None  # noqa: S101  -- see `find_model`
        return self.checked.spec

    @property
    def folder(self) -> Path | None:
        """The folder of the run, if the model is one."""
        if self.opened is None or self.opened.kind is not Kind.RUN:
            return None
        return self.opened.path

    @property
    def interface(self) -> ExportedInterface | None:
        """What an exported file takes and returns; None for other models."""
        return None if self.opened is None else self.opened.interface

    @property
    def heads(self) -> tuple[str, ...]:
        """The heads of its output; `fused` alone of an exported file with two."""
        if not self.spec.has_two_heads:
            return ("cls",)
        return tuple(HEADS) if self.interface is None else ("fused",)

    @property
    def best_device(self) -> str:
        """`cuda` if there is a GPU that it can use, else `cpu`."""
        return best_device() if self.interface is None else "cpu"

    def load(
        self,
        device: str,
        report: Callable[[Sequence[Diagnostic]], object] = lambda _: None,
    ) -> nn.Module:
        """Build the model with its weights, in float32 and in evaluation mode.

        `report` receives the warnings about the weights. An exported file is opened in
        its own engine, on the CPU, and returns the prediction only.

        Raises DiagnosedError, ModelError for a device, or MissingPackageError for an
        engine.
        """
        if self.opened is not None and self.opened.kind is Kind.EXPORTED:
            if torch.device(device).type != "cpu":
                message = f"{self.weights} is an exported file, which runs on the CPU"
                raise ModelError(f"cannot use the device {device}: {message}")
            return load_exported(self.opened)
        passes = PassOptions(drop_unread=True, taps=())
        compiled = compile_checked(self.checked, Target.TRAIN, passes)
        model = self.load_compiled(compiled, report)
        try:
            return model.to(device).eval()
        except (RuntimeError, AssertionError) as error:  # torch raises both
            reason = first_line_of(error)
            raise ModelError(f"cannot use the device {device}: {reason}") from None

    def load_compiled(
        self,
        compiled: Compiled,
        report: Callable[[Sequence[Diagnostic]], object] = lambda _: None,
        whole: LayerGraph | None = None,
    ) -> nn.Module:
        """Build a compiled form of the model with its weights, in float32 on the CPU.

        `report` and `whole` are passed to `deit_spec.loading.load_weights`.
        """
        return load_weights(
            compiled,
            self.weights,
            permissions=OWN if self.opened else frozenset(),
            device="cpu",
            dtype="float32",
            report=report,
            whole=whole,
        )

    def read_recipe(
        self,
        path: Path | None = None,
        overrides: Sequence[str] = (),
        data: Override | None = None,
    ) -> CheckedRecipe:
        """Check the recipe that says how images are read, without its teacher.

        It is the one at `path`, or the run's, or has nothing but this model. `data`
        replaces its dataset.

        Raises RecipeError, or ModelError if the run has no recipe.
        """
        changes: list[str | Override] = [*overrides]
        if path is None and self.folder is not None:
            path = _file_of_run(self.folder, RECIPE)
            # The run's list of classes has been written beside it.
            changes = ["data.classes=null", *changes]
        if data is not None:
            fields = [f"data.{field}=null" for field in _DATA_FIELDS]
            changes = [*fields, data, *changes]
        spec_path = Path(self.name)
        spec = str(spec_path.absolute()) if spec_path.is_file() else self.name
        if path is None:
            document: dict[str, Any] = {"student": {"spec": spec}, "data": {}}
            laid = [*WITHOUT_TRAINING, *changes]
            checked = check_recipe(
                document, laid, without=CHECKED_LATER, student=self.checked
            )
        else:
            laid = [f"student.spec={json.dumps(spec)}", *WITHOUT_TRAINING, *changes]
            checked = check_recipe(
                path, laid, without=CHECKED_LATER, student=self.checked
            )
        if errors := _errors(checked.diagnostics):
            raise RecipeError(errors)
        return checked

    def preprocessing(
        self, recipe: Path | None = None, crop: float | None = None
    ) -> Preprocessing:
        """How images are read: by a recipe, as the model says, or as ImageNet's."""
        require_packages("images", "PIL", "numpy")
        checked = None if recipe is None else self.read_recipe(recipe)
        found = self.preprocessing_for(checked)
        if found is None:
            written = None if checked is None else checked.recipe
            return preprocessing_of(self.spec, written, crop)
        return found if crop is None else replace(found, crop=crop)

    def preprocessing_for(
        self, checked: CheckedRecipe | None, overrides: Sequence[str] | None = None
    ) -> Preprocessing | None:
        """The preprocessing of the model, with the statistics that a recipe writes.

        With `overrides`, those that they set. None if the model has none.
        """
        found = self.own_preprocessing()
        if found is None or checked is None or checked.recipe is None:
            return found
        for name in ("mean", "std"):
            is_set = overrides is None or any(
                each.startswith(f"data.{name}=") for each in overrides
            )
            if is_set and (value := getattr(checked.recipe.data, name)):
                found = replace(found, **{name: value})
        return found

    def own_preprocessing(self) -> Preprocessing | None:
        """The preprocessing of the model or its weights; None if it is not known."""
        if self.opened is not None:
            return self.opened.preprocessing
        return inherit_parts(self.spec, [str(self.weights)])[0]

    def own_class_names(self) -> tuple[str, ...] | None:
        """The names of the classes of the model or its weights; None if not known."""
        if self.opened is not None:
            return self.opened.classes
        names = class_names_of_weights(self.weights)
        # Weights beside the names of another model are weights without names.
        is_own = names is not None and len(names) == self.spec.num_classes
        return names if is_own else None

    def class_names(self, path: Path | None = None) -> tuple[str, ...] | None:
        """The names of the classes: of a file, of the run, or of ImageNet, if known.

        Raises ClassNamesError, or DiagnosedError if the file has other classes than the
        run.
        """
        own = self.own_class_names()
        if path is None and own is None and self.spec.num_classes == IMAGENET_CLASSES:
            return imagenet_class_names()
        if path is None:
            return own
        names = read_class_names(path, self.spec.num_classes)
        return names if own is None else _in_order_of(own, names, path)


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

    `model` is a model folder or file; or, with `weights`, the path of a spec or the
    name of a published model. Raises ModelError if there is none, or it has no class
    head, and DiagnosedError if it cannot be used.
    """
    opened = None
    if is_model_path(model):
        opened = open_model_folder(Path(model), weights)
        checked, weights = opened.checked, opened.weights
        if opened.kind is Kind.RUN:
            model = str(Path(model) / SPEC)
    elif weights is None:
        if not Path(model).exists() and model not in published.names():
            message = f"{model} does not exist, and is not a published model"
            raise ModelError(message)
        raise ModelError(f"{model} has no weights; add --weights FILE")
    else:
        checked = check(model)
    if checked.spec is None:
        raise SpecError(_errors(checked.diagnostics))
    if checked.spec.num_classes is None:
        raise ModelError(f"{model} has no class head: num_classes is null")
    if opened and opened.interface and opened.interface.output == "features":
        raise ModelError(f"{model} returns features, not classes")
    return TrainedModel(model, checked, weights, opened)


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
