"""The classes of the data of a recipe, as far as they are known without reading it."""

from typing import Final

from deit_spec.recipe.checked_recipe import CheckedRecipe
from deit_spec.recipe.data_settings import Data
from deit_spec.recipe.image_folder import ImageFolder, look_into

DIGITS_NAMES: Final = tuple("0123456789")


def known_class_names(data: Data, images: ImageFolder | None) -> tuple[str, ...] | None:
    """The names of the classes in any order; None if they are not known."""
    if data.builtin:
        return DIGITS_NAMES
    if images is not None and images.classes:
        return images.classes
    return data.classes if isinstance(data.classes, tuple) else None


def class_names_of(checked: CheckedRecipe) -> tuple[str, ...] | None:
    """The names of the classes of a valid recipe, from its folder if it has one."""
    if checked.recipe is None:
        return None
    data, images = checked.recipe.data, None
    if data.folder:
        images = look_into(checked.place(data.folder), data.train, data.val)
    return known_class_names(data, images)
