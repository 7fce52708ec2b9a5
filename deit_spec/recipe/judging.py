"""Which of pydantic's errors are told: each mistake once, nothing that is unsure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from deit_spec.diagnostics import Diagnostic
from deit_spec.recipe.findings import find_in
from deit_spec.spec.fixes import Fixes
from deit_spec.spec.vocabulary import Vocabulary
from deit_spec.yaml_source import Document

Errors: TypeAlias = Sequence[Mapping[str, Any]]


def find_all_in(errors: Errors, fixes: Fixes) -> list[Diagnostic]:
    """Turn the errors that are to be told into diagnostics."""
    return [find_in(error, fixes) for error in _told(errors, fixes)]


def misspelt(errors: Errors, document: Document, words: Vocabulary) -> set[str]:
    """What unknown keys may have meant: it is written, whatever else is not."""
    meant = set[str]()
    for error in errors:
        if error["type"] != "extra_forbidden":
            continue
        path = tuple(map(str, error["loc"]))
        field = words.meant_by(path)
        if field != path:
            meant.add(".".join(field))
            continue
        outer = path[:-1]
        meant |= {
            ".".join((*outer, name))
            for name in words.model_of(path).model_fields
            if (*outer, name) not in document.spans
        }
    return meant


def _told(errors: Errors, fixes: Fixes) -> Iterator[Mapping[str, Any]]:
    document, lists = fixes.document, set[object]()
    meant = misspelt(errors, document, fixes.words)
    numbers = [error for error in errors if isinstance(error["loc"][-1], int)]
    items = {error["loc"][:-1] for error in numbers}
    lists |= {error["loc"][:-1] for error in numbers if error["type"] != "missing"}
    for error in errors:
        loc = error["loc"]
        if loc in items:
            continue  # the numbers in it are told
        lacks = error["type"] == "missing"
        if lacks and isinstance(loc[-1], int):
            # Of several numbers that a list lacks, one is told.
            if loc[:-1] in lists:
                continue
            lists.add(loc[:-1])
        elif lacks and (document.doubtful(loc) or ".".join(loc) in meant):
            continue
        if not any(loc[:end] in document.doubts for end in range(1, len(loc) + 1)):
            yield error
