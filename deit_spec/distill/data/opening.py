"""From a recipe to its images."""

from typing import TYPE_CHECKING

from deit_spec.distill.data.base import Data
from deit_spec.distill.data.digits import SIZE, Digits
from deit_spec.distill.problems import recipe_of, refuse, student_of

if TYPE_CHECKING:
    from deit_spec.recipe import CheckedRecipe


def open_data(checked: "CheckedRecipe") -> Data:
    """Open the images of a recipe that has no errors.

    Raises:
        DataError: They are not there, or not as the recipe and the student need them.
        MissingPackageError: A package that reads them is not installed.
    """
    data = _open(checked)
    _require_classes(checked, len(data.classes))
    return data


def _open(checked: "CheckedRecipe") -> Data:
    recipe, student = recipe_of(checked), student_of(checked)
    channels, size = student.in_channels, student.image_size
    if recipe.data.builtin:
        if (channels, size) != (1, SIZE):
            raise _misfit(checked, f"digits have 1 channel and {SIZE}×{SIZE} pixels")
        return Digits(recipe)
    # Pillow and timm have no part in the digits.
    from deit_spec.distill.data.folder import find_folder  # noqa: PLC0415
    from deit_spec.distill.data.images import Images  # noqa: PLC0415
    from deit_spec.distill.data.pictures import MODES  # noqa: PLC0415
    from deit_spec.distill.data.rows import find_rows  # noqa: PLC0415

    if channels not in MODES:
        raise _misfit(checked, "images are read with 1 channel or 3")
    if recipe.data.folder:
        parts = find_folder(checked, checked.place(recipe.data.folder))
    else:
        parts = find_rows(checked, recipe.data.dataset or "")
    return Images(checked, parts)


def _misfit(checked: "CheckedRecipe", they: str) -> Exception:
    student = student_of(checked)
    size = student.image_size
    return refuse(
        checked,
        "student.spec",
        "DS511",
        f"{they}, and the student takes {student.in_channels} of {size}×{size}",
    )


def _require_classes(checked: "CheckedRecipe", classes: int) -> None:
    head = student_of(checked).num_classes
    if head != classes:
        raise refuse(
            checked,
            "student.spec",
            "DS509",
            f"the class head has {head} classes, the data {classes}",
            helps=[f"`num_classes: {classes}` in the student's spec"],
        )
