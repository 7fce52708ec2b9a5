"""Large numbers as people read them."""

_UNITS = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))


def short(number: int) -> str:
    """Write a count in four digits at most.

    >>> short(17_656_811_520)
    '17.66 G'
    >>> short(768)
    '768'
    """
    for size, unit in _UNITS:
        if number >= size:
            return f"{number / size:.2f} {unit}"
    return str(number)


def short_bytes(number: int) -> str:
    """Write a count of bytes in binary units.

    >>> short_bytes(346_270_624)
    '330.23 MiB'
    """
    for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if number >= 1024**power:
            return f"{number / 1024**power:.2f} {unit}"
    return f"{number} B"
