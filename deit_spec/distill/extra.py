"""The packages that only training needs, and what to say where one is missing."""

from importlib.util import find_spec


class MissingPackageError(Exception):
    """A package of the extra `train` is not installed; the text says how to."""


def require_packages(use: str, *names: str) -> None:
    """See that packages are installed, without importing them.

    Args:
        use: What needs them: `the digits`.
        names: As they are imported.

    Raises:
        MissingPackageError: One is not there.
    """
    for name in names:
        if find_spec(name) is None:
            install = "datasets" if name == "datasets" else '"deit-spec[train]"'
            raise MissingPackageError(f"{use} need {name}: pip install {install}")
