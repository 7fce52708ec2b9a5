"""The names of timm's models, from its source: an import of timm takes seconds."""

import re
from difflib import get_close_matches
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

_REGISTERED: Final = re.compile(r"^@register_model\s+def (\w+)\(", re.MULTILINE)
_RENAMED: Final = re.compile(
    r"^register_model_deprecations\(__name__, \{(.*?)\}\)", re.MULTILINE | re.DOTALL
)
_KEY: Final = re.compile(r"['\"]([\w.]+)['\"]\s*:")


@cache
def timm_names() -> frozenset[str]:
    """The names that `timm.create_model` accepts, without tags; empty without timm."""
    found = find_spec("timm")
    if found is None or found.origin is None:
        return frozenset()
    names = set[str]()
    for path in Path(found.origin).with_name("models").glob("*.py"):
        source = path.read_text(encoding="utf-8")
        names.update(_REGISTERED.findall(source))
        for mapping in _RENAMED.findall(source):
            names.update(name.partition(".")[0] for name in _KEY.findall(mapping))
    return frozenset(names)


def is_unknown(name: str) -> bool:
    """Whether the installed timm has no such model; files and the hub are not asked."""
    names = timm_names()
    return bool(names) and ":" not in name and name.partition(".")[0] not in names


def similar_names(name: str) -> list[str]:
    """Up to three names of timm that are similar, the most similar first."""
    return get_close_matches(name.partition(".")[0].lower(), sorted(timm_names()), 3)
