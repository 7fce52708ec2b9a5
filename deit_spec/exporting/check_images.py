"""The images that an exported file is checked on, or calibrated with."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, cast

import torch
from torch import Tensor

from deit_spec.diagnostics import DiagnosedError, Label, Span, diagnose
from deit_spec.diagnostics.printable import counted, reason_of
from deit_spec.distill.data.digits import DigitRows, read_digits
from deit_spec.distill.optional_packages import MissingPackageError, require_packages
from deit_spec.distill.prediction import UnreadableImage, images_in, read_input
from deit_spec.distill.scored_images import data_override, open_scored_images
from deit_spec.distill.trained_model import ModelError, TrainedModel
from deit_spec.model.preprocessing import Preprocessing
from deit_spec.recipe import RecipeError
from deit_spec.recipe.overrides import Override
from deit_spec.runtime.exported_module import byte_pixels, statistics_of

if TYPE_CHECKING:
    from deit_spec.distill.data.image_sources import LabelledImages

MOST_IMAGES: Final = 256
"""The number of images that are used, unless another is given."""
RANDOM_IMAGES: Final = 16
"""The number of random images; more of them would not prove more."""
_WHITE: Final = 255
_HELP: Final = "use a folder of images, or the name of a Hugging Face dataset"

ImageReader: TypeAlias = Callable[[int], Tensor | UnreadableImage]
"""From the index of an image to the input `[C, S, S]` of a model."""


class CheckImagesError(DiagnosedError, ValueError):
    """The images to check on cannot be used. `diagnostics` holds every finding."""

    headline = "the images cannot be used"


@dataclass(frozen=True)
class CheckImages:
    """Images as a model takes them, which are read when they are needed.

    Attributes:
        names: The name of each image.
        read: Reads the image with an index.
        total: The number of images at the source, of which these are some or all.
        source: Where they are from: `held out by runs/pets`.
        is_random: Whether they are random pixels.
        warnings: What else is known of them, for the user.
        unreadable: The images that could not be read and were skipped so far.
    """

    names: Sequence[str]
    read: ImageReader
    total: int
    source: str
    is_random: bool = False
    warnings: tuple[str, ...] = ()
    unreadable: list[UnreadableImage] = field(default_factory=list)

    def describe(self, count: int) -> str:
        """Describe `count` of them: `256 of the 600 images in cats`."""
        if count == self.total:
            return f"{counted(count, 'image')} {self.source}"
        return f"{count:,} of the {counted(self.total, 'image')} {self.source}"

    def batches(self, size: int) -> Iterator[tuple[list[str], Tensor]]:
        """Read names and normalised images `[B, C, S, S]` in float32.

        Images that cannot be read are skipped, and appended to `unreadable`.

        Raises:
            CheckImagesError: None of them can be read (DS614).
        """
        self.unreadable.clear()
        for start in range(0, len(self.names), size):
            names, inputs = [], []
            for index in range(start, min(start + size, len(self.names))):
                found = self.read(index)
                if isinstance(found, Tensor):
                    names.append(self.names[index])
                    inputs.append(found)
                else:
                    self.unreadable.append(found)
            if inputs:
                yield names, torch.stack(inputs)
        if len(self.unreadable) == len(self.names):
            first, reason = self.unreadable[0]
            described = self.describe(len(self.names))
            message = f"none of {described} can be read"
            raise _refusal(first, message, [f"{first}: {reason}"])


def find_check_images(
    trained: TrainedModel,
    preprocessing: Preprocessing,
    where: str | None = None,
    most: int = MOST_IMAGES,
    *,
    training: bool = False,
) -> CheckImages:
    """Find images to check a model on, at most `most` of them, evenly spaced.

    `where` is a folder of images with any subfolders, a Hugging Face dataset, or
    `digits`. Without it they are those that the run of the model has held out; if
    there is no run, or its images cannot be used, they are random. With `training`,
    those of a run or of the digits are not the ones held out but the others.

    Raises:
        CheckImagesError: There are no images at `where` (DS614).
        MissingPackageError: A package that reads the images is not installed.
    """
    if where is not None:
        return _named_images(trained, preprocessing, where, most, training=training)
    if trained.folder is None:
        return random_images(preprocessing)
    source = f"{'trained on' if training else 'held out'} by {trained.folder}"
    try:
        return _of_split(trained, preprocessing, source, most, training=training)
    except (DiagnosedError, MissingPackageError, ModelError) as error:
        reason = str(error)
        if isinstance(error, DiagnosedError):
            reason = error.diagnostics[0].message
        warning = f"the images {source} cannot be used: {reason}"
        return replace(random_images(preprocessing), warnings=(warning,))


def random_images(
    preprocessing: Preprocessing, count: int = RANDOM_IMAGES
) -> CheckImages:
    """Images of random pixels, which are always the same."""
    size, generator = preprocessing.size, torch.Generator().manual_seed(0)
    shape = (count, preprocessing.channels, size, size)
    pixels = torch.randint(0, _WHITE + 1, shape, generator=generator)
    images = _normalised(pixels / _WHITE, preprocessing)
    names = [f"random[{index}]" for index in range(count)]
    source = "of random pixels"
    return CheckImages(names, images.__getitem__, count, source, is_random=True)


def with_byte_pixels(images: Tensor, preprocessing: Preprocessing) -> Tensor:
    """Round normalised images to those whose pixels are integers from 0 to 255."""
    return _normalised(byte_pixels(images, preprocessing) / _WHITE, preprocessing)


def _normalised(images: Tensor, preprocessing: Preprocessing) -> Tensor:
    """Normalise images `[B, C, S, S]` in [0, 1]."""
    mean, std = statistics_of(preprocessing)
    return (images - mean) / std


def _named_images(
    trained: TrainedModel,
    preprocessing: Preprocessing,
    where: str,
    most: int,
    *,
    training: bool,
) -> CheckImages:
    override = data_override(where)
    try:
        if override.path == ("data", "builtin"):
            return _of_split(
                trained,
                preprocessing,
                f"of {where}",
                most,
                training=training,
                override=override,
            )
        require_packages("images", "PIL", "numpy")
        if override.path == ("data", "folder"):
            return _in_folder(Path(where).expanduser(), preprocessing, most)
        images = _rows(trained, where, override)
    except RecipeError as error:
        found = error.diagnostics[0]
        raise _refusal(where, found.message, found.notes, found.helps) from None
    indices = _spread(len(images.labels), most)
    return _of_labelled(images, indices, preprocessing, f"of the dataset {where}")


def _in_folder(folder: Path, preprocessing: Preprocessing, most: int) -> CheckImages:
    """The images in a folder and its subfolders."""
    if not folder.exists():
        raise _refusal(str(folder), "the folder does not exist")
    try:
        paths = images_in([folder])
    except FileNotFoundError as error:
        raise _refusal(str(folder), str(error)) from None
    except OSError as error:
        message = f"{error.filename} cannot be listed: {reason_of(error)}"
        raise _refusal(str(folder), message) from None
    names = [str(paths[index]) for index in _spread(len(paths), most)]

    def read(index: int) -> Tensor | UnreadableImage:
        return read_input(names[index], preprocessing)

    return CheckImages(names, read, len(paths), f"in {folder}")


def _rows(trained: TrainedModel, name: str, override: Override) -> "LabelledImages":
    """The images of a dataset, whose classes need not be those of the model."""
    # It imports Pillow.
    from deit_spec.distill.data.huggingface_dataset import find_dataset  # noqa: PLC0415

    checked = trained.read_recipe(data=override)
    splits = find_dataset(checked, name, training=False)
    return splits.val or splits.train


def _of_split(  # noqa: PLR0913  -- a source, and which of its images
    trained: TrainedModel,
    preprocessing: Preprocessing,
    source: str,
    most: int,
    *,
    training: bool,
    override: Override | None = None,
) -> CheckImages:
    """The images that a run or the digits hold out, or with `training` the others."""
    found = open_scored_images(trained, data=override)
    split = found.data.split
    images, among = split.validation or split.training, split.held_out
    if training:
        images, among = split.training, split.train
    total = len(among)
    indices = [among[index] for index in _spread(total, most)]
    if isinstance(images, DigitRows):
        inputs = _normalised(read_digits()[0][indices], preprocessing)
        names = [images.key(index) for index in indices]
        opened = CheckImages(names, inputs.__getitem__, total, source)
    else:
        labelled = cast("LabelledImages", images)
        opened = _of_labelled(labelled, indices, preprocessing, source)
    return replace(opened, total=total, warnings=found.warnings)


def _of_labelled(
    images: "LabelledImages",
    indices: Sequence[int],
    preprocessing: Preprocessing,
    source: str,
) -> CheckImages:
    """Some of the images of a dataset."""
    # They import Pillow.
    from deit_spec.distill.data.image_dataset import (  # noqa: PLC0415
        ImageRequest,
        TransformedImages,
    )
    from deit_spec.model.image_transform import CentralCrop  # noqa: PLC0415

    transform, channels = CentralCrop(preprocessing), preprocessing.channels
    dataset = TransformedImages(images, indices, channels, transform)

    def read(index: int) -> Tensor | UnreadableImage:
        found = dataset[ImageRequest(index, 0)]
        if found.image is not None:
            return found.image
        ((name, reason),) = found.unreadable.items()
        return UnreadableImage(name, reason)

    names = [images.name(index) for index in indices]
    return CheckImages(names, read, len(images.labels), source)


def _spread(total: int, most: int) -> list[int]:
    """The indices of at most `most` of `total` images, evenly spaced.

    Images are sorted by class, so the first ones would be of one class.
    """
    count = min(total, most)
    return [index * total // count for index in range(count)]


def _refusal(
    where: str, message: str, notes: Iterable[str] = (), helps: Iterable[str] = (_HELP,)
) -> CheckImagesError:
    place = Label(Span.of_file(where))
    return CheckImagesError(
        [diagnose("DS614", message, place, notes=notes, helps=helps)]
    )
