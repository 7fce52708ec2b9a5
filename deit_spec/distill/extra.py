"""The packages that only training needs, and what to say where one is missing."""

from importlib.util import find_spec


class MissingPackageError(Exception):
    """A `package` is not installed that something needs; the text says how to."""

    def __init__(self, use: str, package: str) -> None:
        install = package if package == "datasets" else '"deit-spec[train]"'
        super().__init__(f"{use} need {package}: pip install {install}")
        self.package = package


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
            raise MissingPackageError(use, name)
