"""The classes of the data of a recipe, as far as they are known without reading it."""

from collections.abc import Iterator, Sequence
from typing import Final

from deit_spec.diagnostics import Diagnostic, Label, diagnose
from deit_spec.diagnostics.printable import listed
from deit_spec.recipe.checked_recipe import CheckedRecipe
from deit_spec.recipe.data_settings import Data
from deit_spec.recipe.image_folder import ImageFolder, look_into
from deit_spec.spec.nearest import closest_word

DIGITS_COUNTS: Final = dict(
    zip("0123456789", (178, 182, 177, 183, 181, 182, 181, 179, 174, 180), strict=True)
)
"""The number of images of each class of scikit-learn's digits."""


def known_class_names(data: Data, images: ImageFolder | None) -> tuple[str, ...] | None:
    """The names of the classes to use, in any order; None if they are not known."""
    found = all_class_names(data, images)
    if found is None:
        return data.only_classes
    return found if data.only_classes is None else selected(found, data.only_classes)


def all_class_names(data: Data, images: ImageFolder | None) -> tuple[str, ...] | None:
    """The names of the classes of the data, used or not; None if they are not known."""
    if data.builtin:
        return tuple(DIGITS_COUNTS)
    if images is not None and images.classes:
        return images.classes
    return data.classes if isinstance(data.classes, tuple) else None


def selected(classes: Sequence[str], only: Sequence[str]) -> tuple[str, ...]:
    """The classes of the data that `data.only_classes` names, in their order."""
    names = set(only)
    return tuple(name for name in classes if name in names)


def digits_count(data: Data) -> int:
    """The number of digits of the classes to use."""
    names = known_class_names(data, None) or ()
    return sum(DIGITS_COUNTS.get(name, 0) for name in names)


def class_names_of(checked: CheckedRecipe) -> tuple[str, ...] | None:
    """The names of the classes of a valid recipe, from its folder if it has one."""
    if checked.recipe is None:
        return None
    data, images = checked.recipe.data, None
    if data.folder:
        images = look_into(checked.place(data.folder), data.train, data.val)
    return known_class_names(data, images)


def _help_for(name: str, classes: Sequence[str]) -> str:
    meant = closest_word(name, classes)
    return f"did you mean `{meant}`?" if meant else "use the names of the data"


def unknown_classes(
    checked: CheckedRecipe, data: Data, classes: Sequence[str]
) -> Iterator[Diagnostic]:
    """DS565: names in `data.only_classes` that the data does not have."""
    unknown = [name for name in data.only_classes or () if name not in classes]
    if unknown:
        of = "a class" if len(unknown) == 1 else f"{len(unknown)} classes"
        yield diagnose(
            "DS565",
            f"data.only_classes names {of} that the data does not have: "
            f"{listed(unknown)}",
            Label(checked.span("data.only_classes"), "not in the data"),
            notes=[f"the data has the classes {listed(classes)}"],
            helps=[_help_for(unknown[0], classes)],
        )
