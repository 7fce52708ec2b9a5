"""Where a teacher that is Python code is looked for."""

from pathlib import Path
from typing import NamedTuple

from deit_spec.recipe.checked import CheckedRecipe


class Function(NamedTuple):
    """A function of a module, which may be in a folder if it is nowhere else."""

    folder: Path
    module: str
    name: str


def function_of(checked: CheckedRecipe, text: str) -> Function:
    """Read `folder/package.module:function`; without a folder it is the recipe's."""
    folder, _, rest = text.rpartition("/")
    if text.startswith("/") and not folder:
        folder = "/"
    module, _, name = rest.partition(":")
    return Function(checked.place(folder or "."), module, name)


def placed_function(checked: CheckedRecipe, text: str) -> str:
    """Name a function so that it is found from anywhere.

    What is not in the folder is installed, and is found by its name.
    """
    folder, module, name = function_of(checked, text)
    beside = folder / module.partition(".")[0]
    if not beside.is_dir() and not beside.with_suffix(".py").is_file():
        return text
    return f"{folder.absolute().as_posix()}/{module}:{name}"
