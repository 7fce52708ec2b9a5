"""Datasets: read, split and augmented in the same way on every run."""

from collections.abc import Collection, Sequence

from deit_spec.diagnostics import Label
from deit_spec.diagnostics.printable import counted
from deit_spec.distill import runtime_errors as errors
from deit_spec.distill.data.class_order import (
    note_absent,
    order_classes,
    source_field,
)
from deit_spec.distill.data.dataset import Batch, Data
from deit_spec.distill.data.digits import Digits
from deit_spec.distill.optional_packages import MissingPackageError, require_packages
from deit_spec.distill.runtime_errors import DataError, recipe_of
from deit_spec.model.preprocessing import Preprocessing, preprocessing_of
from deit_spec.recipe import CheckedRecipe
from deit_spec.recipe.data_classes import DIGITS_COUNTS
from deit_spec.recipe.rules.class_rules import set_student

__all__ = ["Batch", "Data", "DataError", "open_data"]


def open_data(  # noqa: PLR0913  -- one argument for each thing that can differ
    checked: CheckedRecipe,
    *,
    training: bool = True,
    whole: bool = False,
    known: Sequence[str] | None = None,
    held_out: Collection[str] | None = None,
    preprocessing: Preprocessing | None = None,
) -> Data:
    """Open the dataset of a recipe; a DataError if it does not suit the recipe.

    `training` says whether the training split is used; without it timm is not needed.
    With `whole`, all images are held out where there is no split for evaluation.
    `known` are the class names of the model, by which labels are matched. `held_out`
    are the names of the images to hold out, as far as they are there, and
    `preprocessing` is how images become inputs; by default the recipe decides.
    """
    field = source_field(checked)
    try:
        opened = _open(
            checked,
            preprocessing
            or preprocessing_of(errors.student_of(checked), recipe_of(checked)),
            training=training,
            whole=whole,
            known=known,
            held_out=held_out,
        )
    except MissingPackageError as error:
        raise errors.missing_package(checked, field, error) from None
    classes, heads = len(opened.classes), errors.student_of(checked).num_classes or 0
    if classes != heads:
        raise errors.data_error(
            checked,
            "student.spec",
            "DS509",
            f"the class head has {counted(heads, 'class')}, but the data has "
            f"{classes:,}",
            label=counted(heads, "class"),
            secondary=[Label(checked.span(field), counted(classes, "class"))],
            help_=set_student("num_classes", classes),
        )
    return opened


def _open(  # noqa: PLR0913  -- the arguments of `open_data`
    checked: CheckedRecipe,
    preprocessing: Preprocessing,
    *,
    training: bool,
    whole: bool,
    known: Sequence[str] | None,
    held_out: Collection[str] | None,
) -> Data:
    recipe = recipe_of(checked)
    if recipe.data.builtin:
        order = order_classes(
            checked, tuple(DIGITS_COUNTS), known=known, training=training
        )
        return Digits(checked, order, preprocessing, held_out)
    # The digits do not need Pillow.
    require_packages("images", "PIL", "numpy")
    from deit_spec.distill.data import image_sources  # noqa: PLC0415
    from deit_spec.distill.data.image_dataset import ImageDataset  # noqa: PLC0415

    if recipe.data.folder:
        folder = checked.place(recipe.data.folder)
        splits = image_sources.find_folder(checked, folder, training=not whole)
    else:
        name = recipe.data.dataset or ""
        from deit_spec.distill.data import huggingface_dataset  # noqa: PLC0415

        splits = huggingface_dataset.find_dataset(checked, name, training=not whole)
    order = order_classes(checked, splits.classes, known=known, training=training)
    splits, present = splits.ordered(order), set(order.indices)
    if whole:
        val = splits.val or splits.train
        splits, present = splits._replace(val=val), {*val.labels}
    absent = note_absent(checked, order.classes, present)
    splits = splits._replace(notes=(*order.notes, *absent))
    return ImageDataset(
        checked, splits, preprocessing, training=training, held_out=held_out
    )
