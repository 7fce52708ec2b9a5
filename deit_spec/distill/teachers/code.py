"""A teacher that is made by Python code of the user's."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from torch import nn

from deit_spec.distill.problems import DataError, unusable
from deit_spec.distill.teachers.base import Made
from deit_spec.recipe import late
from deit_spec.recipe.checked_recipe import function_of

if TYPE_CHECKING:
    from deit_spec.recipe import CheckedRecipe

FIELD = "teacher.python"


def code_network(
    checked: "CheckedRecipe", name: str, classes: int, *, allow_code: bool
) -> Made:
    """Call `package.module:function` with the number of classes.

    Modules are looked for beside the recipe too, or in the folder that is named
    before them, after everywhere else.

    Raises:
        DataError: Code may not be run, or it makes no module.
    """
    if not allow_code:
        raise DataError((late.code_not_allowed(checked),))
    folder, module, function = function_of(checked, name)
    try:
        with _found_beside(folder.absolute()):
            made = getattr(import_module(module), function)(classes)
    except Exception as error:
        reason = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        raise unusable(checked, FIELD, reason) from error
    if not isinstance(made, nn.Module):
        kind = type(made).__name__
        reason = f"{name} returns something of type {kind}, not a torch.nn.Module"
        raise unusable(checked, FIELD, reason)
    return Made(made)


@contextmanager
def _found_beside(folder: Path) -> Iterator[None]:
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
