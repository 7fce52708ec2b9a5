"""Diagnostics of pydantic's errors on fields of specs, recipes and studies."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from pydantic import BaseModel, ValidationError

from deit_spec.diagnostics import Diagnostic, Label, diagnose
from deit_spec.diagnostics.printable import shortened
from deit_spec.spec.field_names import FieldNames, Path
from deit_spec.spec.fixes import Fixes
from deit_spec.spec.nearest import all_of, closest_word, one_of
from deit_spec.spec.rules import start_of
from deit_spec.spec.schema import plain_name
from deit_spec.yaml_source import Document
from deit_spec.yaml_source.document import FINDINGS
from deit_spec.yaml_source.scalars import scalar_text, value_text

Error: TypeAlias = Mapping[str, Any]

_WANTED: Final = {
    "int_type": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "a string",
    "model_type": "a mapping",
    "dict_type": "a mapping",
    "tuple_type": "a list",
}
_BOUNDS: Final = {
    "greater_than": ("gt", "greater than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}
_FORMS: Final = {"run.device": "`cpu`, `cuda`, `cuda:N` or `mps`"}
"""What a text with a pattern must be, by field."""
_KEY: Final = "[key]"
"""The last step of pydantic to the key of a mapping whose keys are choices."""
_SHOWN: Final = 5
"""The number of keys that a message names before it counts the others."""
_BAD_TEXT: Final = frozenset(
    {"string_pattern_mismatch", "string_too_long", "string_unicode"}
)


def field_errors(
    error: ValidationError,
    value: Mapping[str, object],
    document: Document,
    names: FieldNames,
) -> tuple[Any, list[Diagnostic], set[str]]:
    """Report what is wrong with single fields of a value.

    Returns a valid model with defaults or examples for invalid fields; the findings,
    one a mistake; and the invalid or unknown fields, as `variant.init`, which no rule
    reads.
    """
    errors = error.errors(include_url=False)
    invalid = {".".join(_path(found)) for found in errors}
    # Below a field, such as an arm of a study, its whole value is invalid.
    invalid |= {
        _path(found)[0]
        for found in errors
        if not names.is_known(_path(found)) and not _is_unknown(found, names)
    }
    valid = names.model.model_validate(_valid_part(value, names, invalid))
    errors = errors[: FINDINGS + 1]
    meant = {
        field
        for found in errors
        if _is_unknown(found, names)
        for field in _meanings(_path(found), document, names)
    }
    report, reported = _Report(document, names), _reported(errors, meant, document)
    findings = report.make_all(reported)
    invalid |= meant
    return (
        valid,
        findings,
        invalid
        | {
            f"{section}.{field}"
            for section in invalid & names.sections.keys()
            for field in names.sections[section].model_fields
        },
    )


def not_a_mapping(document: Document, kind: str, example: str) -> Diagnostic:
    """Report a document that is not a mapping of fields (DS105)."""
    return diagnose(
        "DS105",
        f"the {kind} is not a mapping",
        Label(document.nearest(()).value, describe(document.value)),
        helps=[f"write one `key: value` per line, such as `{example}`"],
    )


def describe(value: object) -> str:
    """Say what a value is, as a person reads it in YAML."""
    if value is None or isinstance(value, bool):
        return value_text(value)
    if isinstance(value, str):
        return f'the string "{_cut(value)}"'
    if isinstance(value, float):
        return f"the number {value!r}"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)} item{'' if len(value) == 1 else 's'}"
    kinds = {int: "an integer", dict: "a mapping"}
    return kinds.get(type(value), f"of type {type(value).__name__}")


def _valid_part(
    value: Mapping[str, object], names: FieldNames, invalid: set[str]
) -> dict[str, object]:
    valid = _valid_fields(value, names.model, invalid)
    for section, model in names.sections.items():
        inner = valid.get(section)
        if isinstance(inner, Mapping):
            valid[section] = _valid_fields(inner, model, invalid, f"{section}.")
    return valid


def _valid_fields(
    value: Mapping[str, object],
    model: type[BaseModel],
    invalid: set[str],
    outer: str = "",
) -> dict[str, object]:
    valid = dict[str, object]()
    for name, field in model.model_fields.items():
        if name in value and f"{outer}{name}" not in invalid:
            valid[name] = value[name]
        elif field.is_required():
            valid[name] = (field.examples or [None])[0]
    return valid


def _meanings(path: Path, document: Document, names: FieldNames) -> set[str]:
    """The fields that an unknown key may mean."""
    if names.is_training(path):
        return set()
    if held := names.fields_in(path, document.at(path)):
        return {".".join(each) for each in held}
    meant, place = names.resolve(path), path[:-1]
    fields = names.model_of(path).model_fields
    if meant != path or not (place or any(f.is_required() for f in fields.values())):
        return {".".join(meant)}
    # It resembles no field, so it may mean any that is not written.
    places = [(*place, name) for name in fields]
    return {".".join(each) for each in places if each not in document.spans}


def _reported(
    errors: Sequence[Error], meant: set[str], document: Document
) -> Iterator[Error]:
    """Leave out what another error reports, or a syntax error may have hidden."""
    seen = set[str]()
    for error in errors:
        name = ".".join(_path(error))
        is_missing = error["type"] == "missing" and not _index(error)
        if is_missing and (document.recovered or name in meant):
            continue
        # Of an empty section, the keys below it are not indented.
        is_empty = error["input"] is None
        if is_empty and any(each.startswith(f"{name}.") for each in meant):
            continue
        if name in seen:
            continue
        seen.add(name)
        yield error


class _Report:
    """Makes the diagnostics of one document."""

    def __init__(self, document: Document, names: FieldNames) -> None:
        self._document = document
        self._names = names
        self._fixes = Fixes(document, names)

    def make_all(self, errors: Iterable[Error]) -> list[Diagnostic]:
        """Report errors of pydantic; all training settings are one finding."""
        findings, settings = list[Diagnostic](), list[Path]()
        for error in errors:
            path = _path(error)
            if _is_unknown(error, self._names) and self._names.is_training(path):
                settings.append(path)
            else:
                findings.append(self._make(error))
        return [*findings, *([self._training(settings)] if settings else [])]

    def _training(self, paths: Sequence[Path]) -> Diagnostic:
        """DS109: keys that belong in a recipe."""
        spans = {path: self._document.nearest(path).key for path in paths}
        ordered = sorted(spans, key=lambda path: (spans[path].line, spans[path].column))
        first, *more = (Label(spans[path]) for path in ordered)
        keys = [f"`{_cut(path[-1])}`" for path in ordered]
        is_one = len(keys) == 1
        if len(keys) > _SHOWN:
            keys[_SHOWN:] = [f"{len(keys) - _SHOWN} more"]
        are = "is a training setting" if is_one else "are training settings"
        where = "remove it" if is_one else "remove them"
        return diagnose(
            "DS109",
            f"{all_of(keys)} {are}",
            first,
            secondary=more,
            helps=[f"{where}; training settings belong in a recipe"],
        )

    def _make(self, error: Error) -> Diagnostic:
        """Report an error of pydantic."""
        path, kind = _path(error), error["type"]
        if _is_unknown(error, self._names):
            return self._unknown_key(path)
        if kind == "missing" and not _index(error):
            return self._missing(path)
        is_long = kind == "float_type" and type(error["input"]) is int
        if kind in _BOUNDS or kind == "finite_number" or is_long:
            return self._out_of_range(path, error)
        if path[-1] == _KEY:
            return self._invalid_key(path[:-1], error)
        make = self._bad_text if kind in _BAD_TEXT else self._wrong_type
        return (self._invalid_choice if kind == "literal_error" else make)(path, error)

    def _unknown_key(self, path: Path) -> Diagnostic:
        meant, fixes = self._names.resolve(path), self._fixes
        value, split = self._document.at(path), fixes.split_key(path)
        return diagnose(
            "DS101",
            f"unknown key `{_cut(path[-1])}`",
            Label(self._document.nearest(path).key, "unknown key"),
            notes=self._squares(meant, value),
            helps=[split.title if split else self._names.suggestion(path, value)],
            fix=fixes.rename(path, meant) or fixes.move(path, meant) or split,
        )

    def _squares(self, path: Path, value: object) -> list[str]:
        """A note for a shape where the side of a square is expected."""
        if path not in self._names.sides or not isinstance(value, list | tuple):
            return []
        squares = self._names.sides[path]
        return [f"{squares} are square: `{path[-1]}` is one number"]

    def _missing(self, path: Path) -> Diagnostic:
        entry = self._document.nearest(path[:-1])
        return diagnose(
            "DS500",
            f"`{'.'.join(path)}` is missing",
            Label(entry.key if path[:-1] else start_of(self._document)),
            helps=[self._example(path)],
        )

    def _wrong_type(self, path: Path, error: Error) -> Diagnostic:
        wanted = _WANTED.get(error["type"], "a list of the expected length")
        key, value = path[-1], error["input"]
        name, loc = f"{'.'.join(path)}{_index(error)}", error["loc"]
        if error["type"] not in _WANTED:
            name, value, loc = ".".join(path), self._document.at(path), path
        fix = None
        if not _index(error):
            fix = self._fixes.retype(path, error["type"])
        notes = self._squares(path, error["input"])
        if fix:
            help_ = fix.title
        elif notes and (sides := [n for n in error["input"] if type(n) is int]):
            help_ = one_of([f"`{key}: {side}`" for side in dict.fromkeys(sides[-2:])])
        elif wanted == "true or false":
            help_ = f"`{key}: true` or `{key}: false`"
        elif (
            wanted == "a string"
            and isinstance(value, int | float)
            and ".".join(path) not in _FORMS
        ):
            help_ = "write it in quotes"
        elif wanted == "a list" and isinstance(value, str):
            help_ = f"write `{key}: [{_cut(value)}]`"
        elif self._names.is_section(path):
            help_ = f"write the keys of `{key}` indented below it"
        else:
            help_ = self._example(path)
        return diagnose(
            "DS102",
            f"{name} is {'empty' if value == [] else f'not {wanted}'}",
            Label(self._document.nearest(loc).value, describe(value)),
            notes=notes,
            helps=[help_],
            fix=fix,
        )

    def _out_of_range(self, path: Path, error: Error) -> Diagnostic:
        range_ = "a finite number"
        if error["type"] == "float_type":
            range_ = "within the range of a float"
        elif error["type"] in _BOUNDS:
            bound, words = _BOUNDS[error["type"]]
            range_ = f"{words} {error['ctx'][bound]:g}"
        value = self._document.nearest(error["loc"]).value
        return diagnose(
            "DS103",
            f"{'.'.join(path)}{_index(error)} must be {range_}",
            Label(value, _cut(value_text(error["input"]))),
            helps=[self._example(path)],
        )

    def _invalid_choice(self, path: Path, error: Error) -> Diagnostic:
        allowed, meant = _choices(error)
        value, index = error["input"], _index(error)
        words = [f"`{word}`" for word in allowed]
        # A field may also be something else than a word.
        words += re.findall(r" or ([^']+)$", error["ctx"]["expected"])
        items = [step for step in error["loc"] if isinstance(step, int)]
        place: tuple[str | int, ...] = (*path, *items)
        meaning = meant if index else f"{path[-1]}: {meant}"
        return diagnose(
            "DS104",
            f"{'.'.join(path)}{index} is not one of the valid values",
            Label(self._document.nearest(place).value, describe(value)),
            notes=[f"valid values are {all_of(words)}"] if meant else [],
            helps=[f"did you mean `{meaning}`?" if meant else f"use {one_of(words)}"],
            fix=self._fixes.choose(path, meant, value) if meant and not index else None,
        )

    def _invalid_key(self, path: Path, error: Error) -> Diagnostic:
        allowed, meant = _choices(error)
        words = one_of([f"`{word}`" for word in allowed])
        return diagnose(
            "DS101",
            f"unknown key `{_cut(path[-1])}`",
            Label(self._document.nearest(path).key, "unknown key"),
            helps=[f"did you mean `{meant}`?" if meant else f"use {words}"],
        )

    def _bad_text(self, path: Path, error: Error) -> Diagnostic:
        label = Label(self._document.nearest(path).value)
        if path == ("name",):
            rule = (
                "a name consists of at most 60 letters, digits and `_.+-`, and cannot "
                "start with `.`, `+` or `-`"
            )
            return diagnose(
                "DS107",
                "invalid name",
                label,
                notes=[rule],
                helps=[f"`name: {scalar_text(plain_name(error['input']))}`"],
            )
        field = ".".join(path)
        message = f"{field} does not have the expected form"
        if field in _FORMS:
            message = f"{field} must be {_FORMS[field]}"
        return diagnose("DS515", message, label, helps=[self._example(path)])

    def _example(self, path: Path) -> str:
        """Say what may be written instead: the default, or an example."""
        names = self._names
        while len(path) > 1 and not names.is_known(path):
            path = path[:-1]
        key, default, example = path[-1], names.default_of(path), names.example_of(path)
        if path == ("name",):  # the file's, by default
            return "leave `name` out, or write one word"
        if default is not None and default is not ...:
            return f"`{key}: {_as_yaml(default)}` is the default"
        if default is None and example is None:
            return f"leave `{key}` out, or write `{key}: null`"
        null = "" if default is ... else f" or `{key}: null`"
        return f"for example, `{key}: {_as_yaml(example)}`{null}"


def _choices(error: Error) -> tuple[list[str], str | None]:
    """The valid values, and the one that is meant, if any."""
    allowed, value = re.findall(r"'(\w+)'", error["ctx"]["expected"]), error["input"]
    return allowed, closest_word(value, allowed) if isinstance(value, str) else None


def _as_yaml(value: object) -> str:
    """Write a value on one line, as YAML has it."""
    if isinstance(value, dict):
        pairs = (f"{key}: {_as_yaml(item)}" for key, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_as_yaml, value))}]"
    return value_text(value)


def _is_unknown(error: Error, names: FieldNames) -> bool:
    # In a mapping from Python, a key may not be a string or not be valid Unicode.
    is_bad_key = error["type"] == "string_unicode" and not names.is_known(_path(error))
    return is_bad_key or error["type"] in {"extra_forbidden", "invalid_key"}


def _path(error: Error) -> Path:
    """The path of a field; it ends with the key for a key that is not a string."""
    path = tuple(step for step in error["loc"] if isinstance(step, str))
    is_key = not path or error["type"] == "invalid_key"
    return (*path, value_text(error["input"])) if is_key else path


def _index(error: Error) -> str:
    """The index in a list, as `[1]`; empty for a field."""
    return "".join(f"[{step}]" for step in error["loc"] if isinstance(step, int))


def _cut(text: str, most: int = 40) -> str:
    text = text if text.isprintable() else repr(text)[1:-1]
    return shortened(text, most)
