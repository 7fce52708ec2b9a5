"""Tags: the seven of the core schema, and how a person writes any of them."""

import re
from typing import Final

from deit_spec.yaml_source.scalars import Kind

_CORE: Final = "tag:yaml.org,2002:"
_WRITTEN: Final = re.compile(r"(?:&\S+\s+)?(![^\s,\[\]{}]*)")

MAPPING: Final = "map"
SEQUENCE: Final = "seq"
NAMES: Final = frozenset({*(kind.value for kind in Kind), MAPPING, SEQUENCE})


def core_name(tag: str) -> str | None:
    """Give the name of a tag of the core schema, `int` for `!!int`."""
    name = tag.removeprefix(_CORE)
    return name if name != tag and name in NAMES else None


def as_written(tag: str) -> str:
    """Give a tag in the short form, as it most likely stands in the text."""
    if tag.startswith(_CORE):
        return "!!" + tag.removeprefix(_CORE)
    return tag if tag.startswith("!") else f"!<{tag}>"


def place_in(text: str) -> tuple[int, int]:
    """Find the tag in the text of a node, which an anchor may precede."""
    found = _WRITTEN.match(text)
    return found.span(1) if found else (0, len(text))
