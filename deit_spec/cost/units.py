"""Formatting of large numbers with units."""

_COUNTS = ("", " k", " M", " G", " T", " P", " E", " Z", " Y", " R", " Q")
_BYTES = (
    *(" B", " KiB", " MiB", " GiB", " TiB", " PiB"),
    *(" EiB", " ZiB", " YiB", " RiB", " QiB"),
)


def short(number: int) -> str:
    """Format a count with a decimal unit; with a unit it has two decimals.

    >>> short(17_656_811_520)
    '17.66 G'
    >>> short(999_999)
    '1.00 M'
    >>> short(768)
    '768'
    """
    return _scaled(number, 1000, _COUNTS)


def short_bytes(number: int) -> str:
    """Format a number of bytes with a binary unit; from KiB it has two decimals.

    >>> short_bytes(346_270_624)
    '330.23 MiB'
    """
    return _scaled(number, 1024, _BYTES)


def _scaled(number: int, base: int, units: tuple[str, ...]) -> str:
    """Divide by powers of the base until the printed number is below the base."""
    text, unit, size = str(number), units[0], 1
    for larger in units[1:]:
        # Compares the rounded number, so that 1000.00 k becomes 1.00 M.
        if float(text) < base:
            break
        size *= base
        text, unit = f"{number / size:.2f}", larger
    return f"{text}{unit}"
