"""A teacher that is made by Python code of the user's."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from torch import nn

from deit_spec.distill.problems import refuse
from deit_spec.distill.teachers.base import Made

if TYPE_CHECKING:
    from deit_spec.recipe import CheckedRecipe

FIELD = "teacher.python"


def code_network(
    checked: "CheckedRecipe", name: str, classes: int, *, allow_code: bool
) -> Made:
    """Call `package.module:function` with the number of classes.

    Modules are looked for beside the recipe too, after everywhere else.

    Raises:
        DataError: Code may not be run, or it makes no module.
    """
    if not allow_code:
        raise refuse(
            checked,
            FIELD,
            "DS526",
            "the teacher is Python code, which is not run unasked",
            helps=["read the code, and run it with `--allow-code`"],
        )
    module, _, function = name.partition(":")
    try:
        with _found_beside(checked.place(".")):
            made = getattr(import_module(module), function)(classes)
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise refuse(
            checked,
            FIELD,
            "DS527",
            f"{name} raises {type(error).__name__}: {reason}",
        ) from error
    if not isinstance(made, nn.Module):
        kind = type(made).__name__
        message = f"{name} returns a {kind}, which is no torch.nn.Module"
        raise refuse(checked, FIELD, "DS527", message)
    return Made(made)


@contextmanager
def _found_beside(folder: Path) -> Iterator[None]:
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
