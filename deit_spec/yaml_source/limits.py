"""How large a document may be: far above any real one, far below what hurts to read."""

from typing import Final

FILE_BYTES: Final = 64 * 1024
"""Bytes of one file; the published specs have a few hundred."""

NESTING_DEPTH: Final = 16
"""Mappings and sequences inside one another; a spec needs two, a recipe three."""

ALIASES: Final = 0
"""Uses of an anchor; nothing in one is worth saying by reference."""

FINDINGS: Final = 200
"""Findings that are told of one document; nobody reads as many."""

NUMBER_CHARACTERS: Final = 100
"""Characters of one number; Python itself refuses to read thousands of digits."""


def is_too_large(text: str) -> bool:
    """Whether a text has more bytes than a file may have."""
    return len(text.encode("utf-8", "surrogatepass")) > FILE_BYTES
