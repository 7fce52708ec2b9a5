"""A model that classifies images: its module, preprocessing and class names."""

import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, SupportsIndex

import torch
from torch import Tensor, nn

from deit_spec.diagnostics.printable import first_line_of, listed
from deit_spec.distill.exported_model import load_exported, predicted_classes
from deit_spec.distill.optional_packages import require_packages
from deit_spec.distill.prediction import classify
from deit_spec.loading import load_model_weights
from deit_spec.model.model_folder import Kind, open_model_folder
from deit_spec.model.preprocessing import Preprocessing
from deit_spec.pipeline import TargetName
from deit_spec.runtime.exported_module import ExportedModule
from deit_spec.spec import DeiTSpec
from deit_spec.weights.weight_findings import exported

if TYPE_CHECKING:
    from deit_spec.model.image_transform import ImageLike

BATCH = 64
"""The number of images in a batch, unless another is given."""


class Guess(NamedTuple):
    """A class of a prediction.

    Attributes:
        label: The name of the class; None if the classes have no names.
        probability: Its probability, from 0 to 1.
        category: Its index in the logits.
    """

    label: str | None
    probability: float
    category: int


@dataclass(frozen=True, repr=False)
class Classifier:
    """A model in evaluation mode, with everything needed to classify images.

    Attributes:
        model: The module, from `[B, C, S, S]` to logits.
        spec: Its spec.
        preprocessing: How an image becomes its input.
        classes: The names of the classes in the order of the logits, or None.
    """

    model: nn.Module
    spec: DeiTSpec
    preprocessing: Preprocessing
    classes: tuple[str, ...] | None

    def __repr__(self) -> str:
        """A line with the spec, the classes and the input, without the layers."""
        spec = self.spec
        names = "unnamed" if self.classes is None else listed(self.classes)
        classes = "no classes"
        if spec.num_classes is not None:
            classes = f"{spec.num_classes:,} classes ({names})"
        size = spec.image_size
        shape = f"[B, {spec.in_channels}, {size}, {size}]"
        return f"<Classifier {spec.name}: {classes}, input {shape}>"

    def transform(self, image: "ImageLike") -> Tensor:
        """Transform an image to the input `[C, S, S]` of the model, in float32.

        Args:
            image: A path, an image of Pillow, or an array `[H, W]` or `[H, W, C]` of
                bytes or of floats in [0, 1].

        Raises:
            OSError: The file cannot be read.
            TypeError: It is something else, such as a tensor.
            ValueError: The array has other values or another number of channels.
        """
        # It imports Pillow, which is of the extra `train`.
        from deit_spec.model.image_transform import transform_image  # noqa: PLC0415

        return transform_image(image, self.preprocessing)

    def predict(
        self,
        images: "ImageLike | Iterable[ImageLike]",
        topk: int = 5,
        *,
        batch_size: int = BATCH,
    ) -> list[Guess] | list[list[Guess]]:
        """The most likely classes of an image, most likely first.

        For several images, a list of such lists. Two heads are joined by the spec's
        `variant.fusion`.

        Args:
            images: An image as `transform` takes it, or several.
            topk: The number of classes. An exported file with the output `topk` has no
                more than it returns.
            batch_size: The number of images that are computed at a time.

        Raises:
            OSError: A file cannot be read.
            TypeError: It is not an image, or `topk` is not an integer.
            ValueError: `topk` is less than 1, the model has no class head, or an
                array cannot be used.
        """
        if not isinstance(topk, SupportsIndex):
            raise TypeError(f"topk must be an integer, not {topk!r}")
        if topk < 1:
            raise ValueError(f"topk must be at least 1, not {topk}")
        if self.spec.num_classes is None:
            raise ValueError("the model has no class head: num_classes is null")
        if isinstance(self.model, ExportedModule):
            if self.model.interface.output == "features":
                raise ValueError("the exported file returns features, not classes")
            topk = min(topk, self.model.interface.k or topk)
        if not isinstance(images, Iterable) or is_image(images):
            (found,) = self._predict([images], topk, 1)  # type: ignore[list-item]
            return found
        return self._predict(list(images), topk, batch_size)

    def _label(self, category: int) -> str | None:
        # With `fusion: dist`, the classes may be those of a teacher.
        if self.classes is None or len(self.classes) != predicted_classes(self.spec):
            return None
        return self.classes[category]

    def _predict(
        self, images: "Sequence[ImageLike]", topk: int, batch_size: int
    ) -> list[list[Guess]]:
        # An exported file has no parameters, and takes float32 on the CPU.
        parameter = next(self.model.parameters(), torch.empty(0))
        found: list[list[Guess]] = []
        for start in range(0, len(images), batch_size):
            inputs = [self.transform(each) for each in images[start:][:batch_size]]
            batch = torch.stack(inputs).to(parameter.device, parameter.dtype)
            for heads in classify(self._logits, batch, self.spec.fusion, topk):
                last = list(heads.values())[-1]  # fused, or the only one
                found.append([Guess(self._label(i), share, i) for i, share in last])
        return found

    def _logits(self, inputs: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """The logits; of heads joined with `mean_softmax`, log-probabilities."""
        output: Tensor | tuple[Tensor, Tensor] = self.model(inputs)
        is_exported = isinstance(self.model, ExportedModule)  # it returns logits
        is_softmax = self.spec.has_two_heads and self.spec.fusion == "mean_softmax"
        if is_softmax and not is_exported and isinstance(output, Tensor):
            return output.double().log()
        return output


def load_model(
    path: "str | os.PathLike[str]",
    *,
    target: TargetName = "inference",
    device: torch.device | str | None = None,
    dtype: torch.dtype | str | None = None,
) -> Classifier:
    """Load a model with its preprocessing and class names.

    The model is in evaluation mode. What had to be assumed is issued as UserWarning.
    The model of an exported file runs in its own engine, on the CPU, and has no
    parameters.

    Args:
        path: The folder of a run, a folder of transformers (DeiT or ViT) or timm, a
            run's `model.safetensors`, or an exported file.
        target: `inference`: the model returns the joined logits of its heads. `train`:
            it returns what `load` returns for training.
        device: Where the weights are; by default the CPU.
        dtype: The type of the weights, such as `"bfloat16"`; by default that of the
            file.

    Raises:
        ModelFolderError: The path is none of these (DS426), or its parts contradict
            each other (DS425).
        WeightsError: The weights cannot be read, or do not match the spec; or an
            exported file is loaded for training (DS608).
        ExportedFileError: The exported file cannot be used.
        SpecError: The spec has errors.
        ValueError: The target or the dtype is unknown, or the device cannot be used;
            or one of them is set for an exported file.
        MissingPackageError: Pillow, NumPy or the engine of an exported file is not
            installed.
    """
    require_packages("images", "PIL", "numpy")
    _require_device(device)
    opened = open_model_folder(Path(path))
    if opened.kind is Kind.EXPORTED:
        _require_defaults(path, target, device, dtype)
    for each in opened.diagnostics:
        warnings.warn(f"{each.code}: {each.message}", stacklevel=2)
    if opened.kind is Kind.EXPORTED:
        model: nn.Module = load_exported(opened)
    else:
        model = load_model_weights(opened, target=target, device=device, dtype=dtype)
    return Classifier(model.eval(), opened.spec, opened.preprocessing, opened.classes)


def _require_device(device: torch.device | str | None) -> None:
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # torch raises both
        reason = first_line_of(error)
        raise ValueError(f"cannot use the device {device}: {reason}") from None


_FLOAT32 = (None, torch.float32, "float32")


def _require_defaults(path: object, target: str, device: object, dtype: object) -> None:
    """Check that an exported file supports what is requested."""
    if target == "train":
        raise exported(str(path))
    is_cpu = device is None or torch.device(str(device)).type == "cpu"
    if not is_cpu or dtype not in _FLOAT32:
        reason = "an exported file, which runs on the CPU, in float32"
        raise ValueError(f"{path} is {reason}")


def is_image(value: object) -> bool:
    """Whether a value is one image, not several."""
    if isinstance(value, str | bytes | os.PathLike):
        return True
    # An array of four dimensions is several images.
    return hasattr(value, "size") and getattr(value, "ndim", 3) <= 3  # noqa: PLR2004
