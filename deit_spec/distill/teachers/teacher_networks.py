"""Create the network of a teacher: of timm, of a spec, or by Python code."""

import sys
import warnings
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor, nn

from deit_spec.diagnostics import DiagnosedError
from deit_spec.diagnostics.printable import first_line_of, listed
from deit_spec.distill import runtime_errors as errors
from deit_spec.distill.evaluation import Fusion, answers_of
from deit_spec.distill.optional_packages import require_packages
from deit_spec.distill.runtime_errors import DataError, recipe_of, unusable_teacher
from deit_spec.loading import OWN, load
from deit_spec.model.class_names import class_names_of_weights
from deit_spec.model.model_folder import ModelFolder, open_model_folder
from deit_spec.recipe import CheckedRecipe
from deit_spec.recipe.checked_recipe import function_of, is_model, named
from deit_spec.weights import WeightsError, allowed, open_checkpoint


class TeacherNetwork(NamedTuple):
    """A network, and its input; what is None is as for the student."""

    network: nn.Module
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    size: int | None = None
    """The only image size that it accepts."""
    channels: int | None = None
    classes: tuple[str, ...] | None = None
    """The names of its classes, if they are known."""


def timm_network(
    checked: CheckedRecipe, name: str, weights: Path | None, classes: int
) -> TeacherNetwork:
    """Create a model of timm with the weights of a file, or with downloaded ones."""
    require_packages("teachers of timm", "timm")
    settings = recipe_of(checked).teacher
    import timm  # noqa: PLC0415  -- takes seconds

    options = {}
    if weights is not None:
        own = None if settings is None else settings.num_classes
        options["num_classes"] = own or classes_of_file(name, weights) or classes
    try:
        network: Any = timm.create_model(name, pretrained=weights is None, **options)
    except Exception as error:  # noqa: BLE001  -- it raises many kinds
        reason = f"timm: {first_line_of(error)}"
        raise unusable_teacher(checked, "teacher.timm", reason) from None
    names = None
    if weights is not None:
        _load_weights(checked, network, weights)
        names = class_names_of_weights(weights)
    config = network.pretrained_cfg
    channels, size, _ = config["input_size"]
    fixed_size = size if config.get("fixed_input_size") else None
    statistics = config["mean"], config["std"]
    return TeacherNetwork(network, *statistics, fixed_size, channels, names)


def classes_of_file(name: str, path: Path) -> int | None:
    """The size of the head in weights for a model of timm; None if there is none."""
    require_packages("teachers of timm", "timm")
    from timm.models import get_pretrained_cfg  # noqa: PLC0415  -- takes seconds

    try:
        config = get_pretrained_cfg(name)
    except Exception:  # noqa: BLE001  -- `create_model` reports it
        return None
    head = config.classifier if config else None
    if isinstance(head, tuple):
        head = head[0]
    try:
        weight = open_checkpoint(path).tensors.get(f"{head}.weight")
    except WeightsError as error:
        raise DataError(error.diagnostics) from None
    return None if weight is None else int(weight.shape[0])


def _load_weights(checked: CheckedRecipe, network: nn.Module, path: Path) -> None:
    """Load a state dict whose names and shapes are those of the network."""
    try:
        tensors = dict(open_checkpoint(path).tensors)
    except WeightsError as error:
        raise DataError(error.diagnostics) from None
    try:
        missing, unexpected = network.load_state_dict(tensors, strict=False)
    except RuntimeError:  # shapes differ
        reason = (
            f"{path} does not fit: {listed(_differing_sizes(network, tensors, path))}"
        )
        help_ = "set `teacher.num_classes` to the number of classes of the file"
        raise unusable_teacher(checked, "teacher.weights", reason, help_) from None
    # Evaluation does not use the counters of batch norms.
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    found = {"missing": missing, "unexpected": unexpected}
    if differences := [f"{k}: {listed(names)}" for k, names in found.items() if names]:
        reason = f"{path} does not fit: {'; '.join(differences)}"
        raise unusable_teacher(checked, "teacher.weights", reason)


def _differing_sizes(
    network: nn.Module, tensors: Mapping[str, Tensor], path: Path
) -> Iterator[str]:
    """Describe the tensors of a file whose sizes differ from those of a network."""
    for name, own in network.state_dict().items():
        if name in tensors and tensors[name].shape != own.shape:
            sizes = ["×".join(map(str, each.shape)) for each in (tensors[name], own)]
            yield f"{name} is {sizes[0]} in {path.name} and {sizes[1]} in the model"


def spec_network(checked: CheckedRecipe, weights: Path | None) -> TeacherNetwork:
    """Build a DeiT for inference, of a spec with weights or of a model folder."""
    spec = checked.teacher.spec if checked.teacher else None
    mean = std = names = None
    permissions = allowed(strict=True)
    if (folder := _model_folder(checked)) is not None:
        model = _open_model(checked, folder)
        mean, std = model.preprocessing.mean, model.preprocessing.std
        spec, names = model.spec, model.classes
        if weights is None:
            weights, permissions = model.weights, OWN
    if spec is None or weights is None:
        raise unusable_teacher(checked, "teacher.spec", "it has no weights")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            if spec.has_two_heads and spec.fusion == "mean_softmax":
                both = load(
                    spec, target="train", taps=(), weights=weights, allow=permissions
                )
                network: nn.Module = JoinedHeads(both, spec.fusion)
            else:
                network = load(
                    spec,
                    target="inference",
                    taps=(),
                    weights=weights,
                    allow=permissions,
                )
    except WeightsError as error:
        raise DataError(error.diagnostics) from None
    return TeacherNetwork(
        network,
        mean,
        std,
        size=spec.image_size,
        channels=spec.in_channels,
        classes=class_names_of_weights(weights) or names,
    )


def _model_folder(checked: CheckedRecipe) -> Path | None:
    """The model folder that the recipe names as the spec of the teacher, if any."""
    settings = recipe_of(checked).teacher
    name = settings and settings.spec
    return checked.place(name) if name and is_model(checked, name) else None


def _open_model(checked: CheckedRecipe, folder: Path) -> ModelFolder:
    try:
        return open_model_folder(folder)
    except DiagnosedError as error:
        here = checked.span("teacher.spec")
        raise DataError([named(each, here) for each in error.diagnostics]) from None


class JoinedHeads(nn.Module):
    """Two heads joined as finite log-probabilities `[B, K]`, computed from logits."""

    def __init__(self, both: nn.Module, fusion: Fusion) -> None:
        super().__init__()
        self.both = both
        self.fusion: Fusion = fusion

    def forward(self, images: Tensor) -> Tensor:
        """Compute the log-probabilities of images `[B, C, S, S]`."""
        cls, dist = self.both(images)
        return answers_of((cls.float(), dist.float()), self.fusion)["fused"]


def code_network(
    checked: CheckedRecipe, name: str, classes: int, *, allow_code: bool
) -> TeacherNetwork:
    """Call `package.module:function` of a folder with the number of classes."""
    field = "teacher.python"
    if not allow_code:
        message = "the teacher is Python code, which is not allowed to run"
        help_ = "read the code; `--allow-code` runs it"
        raise errors.data_error(checked, field, "DS526", message, help_=help_)
    folder, module, function = function_of(checked, name)
    path = str(folder.absolute())
    sys.path.append(path)
    try:
        network = getattr(import_module(module), function)(classes)
    except Exception as error:
        reason = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        raise unusable_teacher(checked, field, reason) from error
    finally:
        sys.path.remove(path)
    if not isinstance(network, nn.Module):
        kind = type(network).__name__
        reason = f"{name} returns {kind}, not torch.nn.Module"
        raise unusable_teacher(checked, field, reason)
    return TeacherNetwork(network)
