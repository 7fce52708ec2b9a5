"""From a recipe to its images."""

from typing import TYPE_CHECKING

from deit_spec.distill.data.base import Data
from deit_spec.distill.data.digits import Digits
from deit_spec.distill.extra import MissingPackageError, require_packages
from deit_spec.distill.problems import DataError, recipe_of, student_of
from deit_spec.recipe import late

if TYPE_CHECKING:
    from deit_spec.recipe import CheckedRecipe


def open_data(
    checked: "CheckedRecipe", *, training: bool = True, whole: bool = False
) -> Data:
    """Open the images of a recipe that has no errors.

    Those that are not for `training` are held out alone. Where nothing is held out,
    as in a folder without `val`, `whole` holds out all of them.

    Raises:
        DataError: They are not there, or not as the recipe and the student need them,
            or a package that reads them is not installed.
    """
    asked = recipe_of(checked).data
    sources = ("builtin", "folder", "dataset")
    field = next(f"data.{name}" for name in sources if getattr(asked, name))
    try:
        data = _open(checked, training=training, whole=whole)
    except MissingPackageError as error:
        finding = late.missing_package(checked, field, error.package, error.reason)
        raise DataError((finding,)) from None
    classes = len(data.classes)
    if classes != student_of(checked).num_classes:
        raise DataError((late.other_data_classes(checked, field, classes),))
    return data


def _open(checked: "CheckedRecipe", *, training: bool, whole: bool) -> Data:
    recipe = recipe_of(checked)
    if recipe.data.builtin:
        return Digits(recipe)
    # Pillow has no part in the digits.
    require_packages("images", "PIL", "numpy")
    from deit_spec.distill.data.folder import find_folder  # noqa: PLC0415
    from deit_spec.distill.data.images import Images  # noqa: PLC0415
    from deit_spec.distill.data.rows import find_rows  # noqa: PLC0415

    if recipe.data.folder:
        parts = find_folder(checked, checked.place(recipe.data.folder))
    else:
        parts = find_rows(checked, recipe.data.dataset or "")
    if whole:
        parts = parts._replace(val=parts.val or parts.train)
    return Images(checked, parts, training=training)
