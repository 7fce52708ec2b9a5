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
