"""Diagnostics of pydantic's errors on single fields, with helps and fixes.

This is shared by specs, recipes and studies, which differ in their `FieldNames`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from pydantic import ValidationError

from deit_spec.diagnostics import Diagnostic, Label, diagnose
from deit_spec.spec.field_names import FieldNames, Path, pair_in
from deit_spec.spec.field_spans import start_of
from deit_spec.spec.fixes import Fixes, near_number, switch_in
from deit_spec.spec.nearest import closest_word, listed
from deit_spec.spec.schema import plain_name
from deit_spec.yaml_source import Document
from deit_spec.yaml_source.document import FINDINGS
from deit_spec.yaml_source.scalars import scalar_text, value_text

Error: TypeAlias = Mapping[str, Any]
Maker: TypeAlias = Callable[[Path, Error, Fixes], Diagnostic]

_WANTED: Final = {
    "int_type": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "a string",
    "model_type": "a mapping",
    "dict_type": "a mapping",
}
_BOUNDS: Final = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "at most"),
}
_MAIN_FIELD: Final = {"student": "spec", "teacher": "timm", "data": "folder"}
"""The field that is most likely meant by a text instead of a section."""
_BUILTIN: Final = frozenset({"digits", "digits_convnet", "true_labels"})
_FORMS: Final = {"python": "`package.module:function`"}


def field_errors(
    error: ValidationError, document: Document, names: FieldNames
) -> tuple[list[Diagnostic], set[str]]:
    """Report what is wrong with single fields.

    Returns:
        The findings, one a mistake; and the fields, as `variant.init`, whose values
        are invalid or unknown, so that no rule between fields reads them.
    """
    errors = error.errors(include_url=False)[: FINDINGS + 1]
    fixes = Fixes(document, names)
    invalid = {".".join(_names(found["loc"])) for found in errors}
    for path in map(_path, errors):
        if not names.is_known(path):
            invalid |= _meanings(path, document, names)
    findings = [_report(found, fixes) for found in _reported(errors, fixes)]
    return findings, invalid | {
        f"{section}.{field}"
        for section in invalid & names.sections.keys()
        for field in names.sections[section].model_fields
    }


def _meanings(path: Path, document: Document, names: FieldNames) -> set[str]:
    """The fields that an unknown key may mean.

    One that resembles no field may mean any that is not written, except at the top of
    a spec, where other tools' keys are common and no field is required.
    """
    meant, place = names.resolve(path), path[:-1]
    fields = names.model_of(path).model_fields
    if meant != path or not (place or any(f.is_required() for f in fields.values())):
        return {".".join(meant)}
    places = [(*place, name) for name in fields]
    return {".".join(each) for each in places if each not in document.spans}


def not_a_mapping(document: Document, kind: str, example: str) -> Diagnostic:
    """Report a document that is not a mapping of fields (DS105)."""
    span = document.nearest(()).value
    is_list = document.source.text.startswith("-", span.start)
    without = "without `-`" if is_list else f"such as `{example}`"
    return diagnose(
        "DS105",
        f"a {kind} is a mapping of keys to values",
        Label(span, describe(document.value)),
        helps=[f"write one `key: value` per line, {without}"],
    )


def describe(value: object) -> str:
    """Say what a value is, as a person reads it in YAML."""
    if value is None or isinstance(value, bool):
        return value_text(value)
    if isinstance(value, str):
        return f'the string "{_cut(value)}"'
    if isinstance(value, float):
        return f"the number {value!r}"
    kinds = ((int, "an integer"), (list | tuple, "a list"), (dict, "a mapping"))
    found = (words for kind, words in kinds if isinstance(value, kind))
    return next(found, f"of type {type(value).__name__}")


def as_yaml(value: object) -> str:
    """Write a value on one line, as YAML has it."""
    if isinstance(value, dict):
        pairs = (f"{key}: {as_yaml(item)}" for key, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(as_yaml, value))}]"
    return value_text(value)


def _reported(errors: Sequence[Error], fixes: Fixes) -> Iterator[Error]:
    """Leave out what another error reports, and what is missing after a syntax error.

    Of a list one error is reported, the first.
    """
    document, names = fixes.document, fixes.names
    unknown = {
        field
        for error in errors
        if error["type"] == "extra_forbidden"
        for field in _meanings(_path(error), document, names)
    }
    lists = set[str]()
    for error in errors:
        name = ".".join(_names(error["loc"]))
        if error["type"] == "missing" and not _index(error):
            if document.recovered or name in unknown:
                continue
        elif error["input"] is None and any(
            each.startswith(f"{name}.") for each in unknown
        ):
            continue  # an empty section, whose keys are not indented
        elif _index(error) or error["type"] in _LISTS:
            if name in lists:
                continue
            lists.add(name)
        yield error


def _report(error: Error, fixes: Fixes) -> Diagnostic:
    path, kind = _path(error), error["type"]
    if kind == "string_unicode" and not fixes.names.is_known(path):
        kind = "extra_forbidden"
    if kind == "missing" and _index(error):
        kind = "too_short"
    return _MAKERS.get(kind, _wrong_type)(path, error, fixes)


def _unknown_key(path: Path, error: Error, fixes: Fixes) -> Diagnostic:
    meant = fixes.names.resolve(path)
    fix = fixes.rename(path, meant) or fixes.move(path, meant) or fixes.split(path)
    return diagnose(
        "DS101",
        f"unknown key `{_cut(path[-1])}`",
        Label(fixes.document.nearest(path).key, "unknown key"),
        helps=[
            _already_present(path, meant, fixes)
            or _without_space(path, meant, error["input"])
            or fixes.names.suggestion(path)
        ],
        fix=fix,
    )


def _already_present(path: Path, meant: Path, fixes: Fixes) -> str | None:
    entry = fixes.document.spans.get(meant)
    if path == meant or entry is None or fixes.names.is_section(meant):
        return None
    if not entry.source is fixes.document.source is fixes.document.nearest(path).source:
        return None
    return f"remove it, or `{'.'.join(meant)}` in line {entry.key.line}"


def _without_space(path: Path, meant: Path, value: object) -> str | None:
    pair = pair_in(path[-1]) if value is None else None
    if pair is None or meant == path:
        return None
    return f"write `{meant[-1]}: {pair[1]}`, with a space"


def _not_a_string(path: Path, error: Error, fixes: Fixes) -> Diagnostic:
    """A key of a mapping from Python; the reader finds those in YAML."""
    key = error["input"]
    place = (*path[:-1], key if type(key) is int else str(key))
    return diagnose(
        "DS005",
        f"a key is {describe(key)}, not a string",
        Label(fixes.document.nearest(place).key),
        helps=["keys are names of fields"],
    )


def _wrong_type(path: Path, error: Error, fixes: Fixes) -> Diagnostic:
    wanted = _WANTED.get(error["type"], "another type")
    name, value = _shown(path, error), error["input"]
    if wanted == "a number" and type(value) is int:
        # From Python; the reader limits the digits of an integer.
        return _out_of_range(path, error, fixes)
    return diagnose(
        "DS102",
        f"{name} is not {wanted}",
        Label(fixes.document.nearest(error["loc"]).value, describe(value)),
        helps=[_right_type(path, error, wanted, fixes)],
        fix=None
        if _index(error)
        else fixes.retype(path, error["type"], value) or fixes.split_value(path),
    )


def _right_type(path: Path, error: Error, wanted: str, fixes: Fixes) -> str:
    """Say how to write a value as what is wanted, such as `an integer`."""
    key, value, names = path[-1], error["input"], fixes.names
    written, help_ = fixes.written(path), None
    if _index(error):
        return _example(path, names)
    if wanted in {"an integer", "a number"}:
        near = near_number(value, written, whole=wanted == "an integer")
        fitting = [number for number in near if names.fits(path, number)]
        help_ = listed([f"`{key}: {each!r}`" for each in fitting]) if fitting else None
    elif wanted == "true or false":
        switch = switch_in(value)
        both = f"`{key}: true` or `{key}: false`"
        help_ = f"`{key}: {switch}`" if switch else both
    elif wanted == "a string" and isinstance(value, int | float) and key != "extends":
        text = written or value_text(value)
        help_ = f'`{key}: "{text}"`' if names.fits(path, text) else None
    elif wanted == "a mapping":
        help_ = _as_mapping(key, value)
    return help_ or _default(path, names)


def _as_mapping(key: str, value: object) -> str:
    """Say how to write what a section has instead of its keys."""
    if isinstance(value, str) and (pair := pair_in(value)):
        return f"write `{': '.join(pair)}`, with a space, below `{key}`"
    if isinstance(value, str) and key in _MAIN_FIELD:
        field = "builtin" if value in _BUILTIN else _MAIN_FIELD[key]
        return f"`{key}: {{{field}: {value}}}`"
    without = ", without `-`" if isinstance(value, list) else ""
    return f"write the keys of `{key}` indented below it{without}"


def _out_of_range(path: Path, error: Error, fixes: Fixes) -> Diagnostic:
    range_ = "a finite number"
    if error["type"] == "float_type":
        range_ = "within the range of a float"
    elif error["type"] in _BOUNDS:
        key, words = _BOUNDS[error["type"]]
        range_ = f"{words} {error['ctx'][key]:g}"
    value = fixes.document.nearest(error["loc"]).value
    return diagnose(
        "DS103",
        f"{_shown(path, error)} is not {range_}",
        Label(value, _cut(value_text(error["input"]))),
        helps=[_default(path, fixes.names)],
    )


def _invalid_choice(path: Path, error: Error, fixes: Fixes) -> Diagnostic:
    allowed = re.findall(r"'(\w+)'", error["ctx"]["expected"])
    value, key = error["input"], path[-1]
    meant = closest_word(value, allowed) if isinstance(value, str) else None
    words = [f"`{word}`" for word in allowed]
    return diagnose(
        "DS104",
        f"{'.'.join(path)} is not one of the valid values",
        Label(fixes.document.nearest(path).value, describe(value)),
        helps=[f"did you mean `{key}: {meant}`?" if meant else f"use {listed(words)}"],
        notes=[f"valid values are {listed(words, 'and')}"] if meant else [],
        fix=fixes.choose(path, meant, value) if meant else None,
    )


def _bad_text(path: Path, error: Error, fixes: Fixes) -> Diagnostic:
    label = Label(fixes.document.nearest(path).value)
    if path == ("name",):
        return diagnose(
            "DS107",
            "the name is not one word of at most 60 characters",
            label,
            notes=[
                "a name has letters, digits and `_.+-`, and begins with none of `.+-`"
            ],
            helps=[f"`name: {scalar_text(plain_name(error['input']))}`"],
        )
    form = _FORMS.get(path[-1], "a text that can be written to a file")
    message = f"{'.'.join(path)} is not {form}"
    return diagnose("DS515", message, label, helps=[_example(path, fixes.names)])


def _missing(path: Path, error: Error, fixes: Fixes) -> Diagnostic:  # noqa: ARG001
    *outer, key = path
    entry = fixes.document.nearest(tuple(outer))
    label = Label(entry.key if outer else start_of(fixes.document))
    example = as_yaml(fixes.names.example_of(path))
    help_ = f"for example, `{key}: {example}`"
    return diagnose("DS500", f"`{'.'.join(path)}` is missing", label, helps=[help_])


def _wrong_list(path: Path, error: Error, fixes: Fixes) -> Diagnostic:  # noqa: ARG001
    found = fixes.document.at(path)
    length = f" of {len(found)}" if isinstance(found, list | tuple) else ""
    return diagnose(
        "DS102",
        f"{'.'.join(path)} is not {_list_of(path, fixes.names)}",
        Label(fixes.document.nearest(path).value, f"{describe(found)}{length}"),
        helps=[_example(path, fixes.names)],
    )


def _list_of(path: Path, names: FieldNames) -> str:
    default = names.default_of(path)
    if default is ...:
        is_mapping = isinstance(names.example_of(path), dict)
        return f"a {'mapping' if is_mapping else 'list'} of one or more"
    return "a list of 2 numbers" if default else "a list of 1 to 4 numbers"


_LISTS: Final = frozenset({"tuple_type", "too_short", "too_long"})
_MAKERS: Final[Mapping[str, Maker]] = {
    "extra_forbidden": _unknown_key,
    "invalid_key": _not_a_string,
    "literal_error": _invalid_choice,
    "finite_number": _out_of_range,
    "missing": _missing,
    **dict.fromkeys(_BOUNDS, _out_of_range),
    **dict.fromkeys(_LISTS, _wrong_list),
    **dict.fromkeys(
        ("string_pattern_mismatch", "string_too_long", "string_unicode"), _bad_text
    ),
}


def _example(path: Path, names: FieldNames) -> str:
    """Show a value of the field; its default if it has no example."""
    example = names.example_of(path) if names.is_known(path) else None
    if example is None:
        return _default(path, names)
    return f"for example, `{path[-1]}: {as_yaml(example)}`"


def _default(path: Path, names: FieldNames) -> str:
    """Say what the field is when it is left out."""
    if not names.is_known(path):  # a key in a mapping from Python
        return "write a string"
    key, default = path[-1], names.default_of(path)
    if path == ("name",):  # the file's, by default
        return "leave `name` out, or write one word"
    if default is ...:
        return _example(path, names)
    if default is None:
        return f"leave `{key}` out, or write `{key}: null`"
    return f"`{key}: {as_yaml(default)}` is the default"


def _path(error: Error) -> Path:
    """The path of a field; for a key that is not a string, the key."""
    return _names(error["loc"]) or (str(error["input"]),)


def _names(loc: Sequence[str | int]) -> Path:
    return tuple(step for step in loc if isinstance(step, str))


def _index(error: Error) -> str:
    """The index in a list, as `[1]`; empty for a field."""
    return "".join(f"[{step}]" for step in error["loc"] if isinstance(step, int))


def _shown(path: Path, error: Error) -> str:
    return f"{'.'.join(path)}{_index(error)}"


def _cut(text: str, most: int = 40) -> str:
    text = text if text.isprintable() else repr(text)[1:-1]
    return text if len(text) <= most else f"{text[: most - 1]}…"
