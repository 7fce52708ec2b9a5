"""The packages that only training needs, and what to say where one is missing."""

from importlib import import_module
from importlib.util import find_spec


class MissingPackageError(Exception):
    """A `package` is missing that something needs; the text says how to install it.

    Or it is there and cannot be imported, for a `reason`: as one that was built for
    another torch.
    """

    def __init__(self, use: str, package: str, reason: str | None = None) -> None:
        install = package if package == "datasets" else '"deit-spec[train]"'
        super().__init__(
            f"{use} need {package}: pip install {install}"
            if reason is None
            else f"{use} need {package}, which cannot be imported: {reason}"
        )
        self.package, self.reason = package, reason


def require_packages(use: str, *names: str) -> None:
    """See that packages are installed and can be imported: they are, at once.

    Args:
        use: What needs them: `the digits`.
        names: As they are imported.

    Raises:
        MissingPackageError: One is not there, or is broken.
    """
    for name in names:
        if find_spec(name) is None:
            raise MissingPackageError(use, name)
        try:
            import_module(name)
        except (ImportError, OSError, RuntimeError) as error:
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            raise MissingPackageError(use, name, reason) from error
