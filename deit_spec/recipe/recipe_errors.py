"""pydantic's errors on a recipe as diagnostics, beyond those that a spec has too."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from deit_spec.diagnostics import Diagnostic, Fix, Label, diagnose
from deit_spec.recipe.checked_recipe import start_of, written
from deit_spec.recipe.recipe_names import RECIPE
from deit_spec.spec.field_errors import Error, describe
from deit_spec.spec.field_errors import find_in as find_in_field
from deit_spec.spec.field_names import Vocabulary
from deit_spec.spec.fixes import Fixes
from deit_spec.yaml_source import Document, Path
from deit_spec.yaml_source.scalars import value_text

if TYPE_CHECKING:
    from collections.abc import Callable

_KINDS: Final = {"int_type": "an integer", "float_type": "a number"}
_IN_SHORT: Final = {"student": "spec", "teacher": "timm", "data": "folder"}
_BUILTIN: Final = frozenset({"digits", "digits_convnet", "true_labels"})
_PAIR: Final = re.compile(r"\w+:\S")
_FORMS: Final = {"python": "`package.module:function`"}


class RecipeFixes(Fixes):
    """The mends of a recipe, which moves no line from one section to another."""

    def __init__(self, document: Document, words: Vocabulary = RECIPE) -> None:
        super().__init__(document, words)

    def move(self, path: tuple[str, ...], word: str) -> Fix | None:  # noqa: ARG002
        """Leave it: sections are long, and a name may be that of several fields."""
        return None


def find_in(error: Error, fixes: Fixes) -> Diagnostic:
    """Turn one of pydantic's errors into a diagnostic."""
    makers: dict[str, Callable[[Error, Fixes], Diagnostic]] = {
        "missing": _missing,
        "string_pattern_mismatch": _malformed,
        "string_unicode": _malformed,
        "tuple_type": _no_list,
        "too_short": _no_list,
        "too_long": _no_list,
    }
    is_item = any(isinstance(step, int) for step in error["loc"])
    if is_item and error["type"] != "extra_forbidden":
        return _item(error, fixes)
    if error["type"] == "model_type" and isinstance(error["input"], str):
        return _section_in_short(error, fixes)
    maker = makers.get(error["type"])
    return maker(error, fixes) if maker else find_in_field(error, fixes)


def as_yaml(value: object) -> str:
    """Write a value on one line, as YAML has it."""
    if isinstance(value, dict):
        pairs = (f"{key}: {as_yaml(item)}" for key, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(as_yaml, value))}]"
    return value_text(value)


def _missing(error: Error, fixes: Fixes) -> Diagnostic:
    path = tuple(map(str, error["loc"]))
    *outer, key = path
    entry = fixes.document.nearest(tuple(outer))
    label = Label(entry.key if outer else start_of(fixes.document))
    help_ = f"`{key}: {as_yaml(fixes.words.example_of(path))}`, for example"
    return diagnose("DS500", f"there is no `{'.'.join(path)}`", label, helps=[help_])


def _section_in_short(error: Error, fixes: Fixes) -> Diagnostic:
    """A section that is one text, such as `student: deit_tiny_patch16_224`."""
    found = find_in_field(error, fixes)
    section, value = error["loc"][0], value_text(error["input"])
    field = _IN_SHORT.get(section)
    pair = _PAIR.match(value)
    if field is None or pair:
        return found
    field = "builtin" if value in _BUILTIN else field
    return replace(found, helps=(f"`{section}: {{{field}: {value}}}`",))


def _malformed(error: Error, fixes: Fixes) -> Diagnostic:
    path = tuple(map(str, error["loc"]))
    form = _FORMS.get(path[-1], "a text that can be written to a file")
    return diagnose(
        "DS515",
        f"{'.'.join(path)} is not {form}",
        Label(fixes.document.nearest(path).value),
        helps=[
            f"for example, `{path[-1]}: {value_text(fixes.words.example_of(path))}`"
        ],
    )


def _no_list(error: Error, fixes: Fixes) -> Diagnostic:
    path = tuple(map(str, error["loc"]))
    found = error["input"]
    length = f" of {len(found)}" if isinstance(found, list | tuple) else ""
    return diagnose(
        "DS102",
        f"{'.'.join(path)} is not {_wanted(path, fixes.words)}",
        Label(fixes.document.nearest(path).value, f"{describe(found)}{length}"),
        helps=[_list_help(path, fixes.words)],
    )


def _item(error: Error, fixes: Fixes) -> Diagnostic:
    """Something wrong with a number of a list, or with how many there are."""
    loc: Path = tuple(error["loc"])
    at = next(index for index, step in enumerate(loc) if isinstance(step, int))
    path = tuple(map(str, loc[:at]))
    if error["type"] == "missing":
        short: Error = {**error, "loc": path, "input": written(fixes.document, path)}
        return _no_list(short, fixes)
    name = f"{'.'.join(path)}[{loc[at]}]"
    ctx = error.get("ctx", {})
    bound = next((ctx[key] for key in ("gt", "ge", "lt", "le") if key in ctx), None)
    words = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
    side = next((words[key] for key in words if key in ctx), "")
    is_bound = bound is not None
    kind = _KINDS.get(error["type"], "a finite number")
    return diagnose(
        "DS103" if is_bound or error["type"] == "finite_number" else "DS102",
        f"{name} is not {f'{side} {bound:g}' if is_bound else kind}",
        Label(fixes.document.nearest(loc).value, describe(error["input"])),
        helps=[_list_help(path, fixes.words)],
    )


def _wanted(path: tuple[str, ...], words: Vocabulary) -> str:
    default = words.default_of(path)
    if default is ...:
        is_mapping = isinstance(words.example_of(path), dict)
        return f"a {'mapping' if is_mapping else 'list'} of one or more"
    return "a list of 2 numbers" if default else "a list of 1 to 4 numbers"


def _list_help(path: tuple[str, ...], words: Vocabulary) -> str:
    default = words.default_of(path)
    if default and default is not ...:
        return f"`{path[-1]}: {as_yaml(default)}` is the default"
    return f"for example, `{path[-1]}: {as_yaml(words.example_of(path))}`"


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
