"""Why something failed, as messages say it."""


def reason_of(error: OSError) -> str:
    """Why the system refused something, without a number or a path.

    >>> reason_of(PermissionError(13, "Permission denied", "base.yaml"))
    'permission denied'
    """
    return (error.strerror or str(error) or "unknown reason").lower()


def first_line_of(error: Exception) -> str:
    r"""The first line of what an error of another package says, or its kind.

    >>> first_line_of(ValueError("no such model\nand so on")), first_line_of(KeyError())
    ('no such model', 'KeyError')
    """
    return str(error).partition("\n")[0] or type(error).__name__
