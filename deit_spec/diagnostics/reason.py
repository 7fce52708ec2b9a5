"""Why the system has refused something, as messages say it."""


def reason_of(error: OSError) -> str:
    """The reason alone, without a number or a path.

    >>> reason_of(PermissionError(13, "Permission denied", "base.yaml"))
    'permission denied'
    """
    return (error.strerror or str(error) or "unknown reason").lower()
