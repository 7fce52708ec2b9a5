"""What would change in a file, as `patch -p0` and `git apply -p0` take it."""

import difflib

from deit_spec.diagnostics.printable import visible

_NO_BREAK = "\n\\ No newline at end of file\n"


def difference(name: str, before: bytes, after: bytes, what: str) -> str:
    """Compare two texts of a file; `what` says of the second what it is.

    A line ends at a line feed alone, as it does for whoever applies this; what
    stands before one, a carriage return too, is of the line.
    """
    shown = visible(name)
    lines = difflib.unified_diff(
        _lines(before), _lines(after), shown, shown, tofiledate=f"({what})"
    )
    return "".join(
        line if line.endswith("\n") else f"{line}{_NO_BREAK}" for line in lines
    )


def _lines(data: bytes) -> list[str]:
    *lines, last = data.decode(errors="replace").split("\n")
    return [*(f"{line}\n" for line in lines), *filter(None, [last])]
