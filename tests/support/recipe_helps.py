"""Follows the helps on recipes to the letter, on values: `follow` returns new ones."""

import copy
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from deit_spec.diagnostics import Diagnostic
from deit_spec.recipe.recipe_names import FIELDS, RECIPE, SECTIONS
from deit_spec.yaml_source import read_text

if TYPE_CHECKING:
    from deit_spec.yaml_source.document import Path as Place

Value = dict[str, Any]
_PAIR = re.compile(r"`([\w.]+: [^`]+)`")
_MEANT = re.compile(r"did you mean `(\w+)`(?:, which belongs|\?)")
_BELONGS = re.compile(r"`(\w+)` belongs")
_LEAVE_OUT = re.compile(r"leave `([\w.]+)` out")
_REMOVE = re.compile(r"remove it, or")
_STUDENT = "in the spec of the student"


class Step(NamedTuple):
    """One thing that a help offers."""

    verb: str
    what: str


def steps_of(help_: str) -> list[Step]:
    """What a help offers that can be carried out to the letter; maybe nothing."""
    if _MEANT.match(help_):
        return [Step("rename", "")]
    if _BELONGS.match(help_):
        return [Step("rename", "")]
    if _REMOVE.match(help_):
        return [Step("remove", "")]
    pairs: list[str] = _PAIR.findall(help_)
    if _STUDENT in help_ or "whose spec says" in help_:
        *others, last = pairs
        return [*(Step("set", pair) for pair in others), Step("set in student", last)]
    pairs = [pair for pair in pairs if _is_pair(pair)]
    left_out = [Step("leave out", name) for name in _LEAVE_OUT.findall(help_)]
    return [*(Step("set", pair) for pair in pairs), *left_out]


def follow(value: Value, finding: Diagnostic, step: Step, folder: Path) -> Value:
    """Carry out one step on a recipe; the specs beside it may be written anew."""
    value = copy.deepcopy(value)
    place = _place_of(finding)
    if step.verb == "rename":
        item = _take(value, place)
        _put(value, RECIPE.meant_by(place), item)
    elif step.verb == "remove":
        _take(value, place)
    elif step.verb == "leave out":
        _take(value, tuple(step.what.split(".")))
    elif step.verb == "set":
        name, _, text = step.what.partition(": ")
        _put(value, _path_of(name, place), yaml.safe_load(text))
    else:
        name, _, text = step.what.partition(": ")
        _put_in_student(value, name, yaml.safe_load(text), folder)
    return value


def _is_pair(text: str) -> bool:
    name = text.partition(":")[0]
    known = {*FIELDS, *SECTIONS, *(field.split(".")[1] for field in FIELDS)}
    return name in known


def _place_of(finding: Diagnostic) -> tuple[str, ...]:
    """The path of the key or the value that a finding is at."""
    span = finding.primary.span
    document, _ = read_text(span.source.text, span.source.name)
    assert document is not None
    found: Place = ()
    for path, entry in document.spans.items():
        if str(span) in (str(entry.key), str(entry.value)) and len(path) >= len(found):
            found = path
    return tuple(step for step in found if isinstance(step, str))


def _path_of(name: str, place: tuple[str, ...]) -> tuple[str, ...]:
    """The path of a name in a help, which may be told without its section."""
    if "." in name or name in SECTIONS:
        return tuple(name.split("."))
    return place[0], name


def _take(value: Value, path: tuple[str, ...]) -> object:
    *outer, name = path
    for key in outer:
        value = value[key]
    return value.pop(name)


def _put(value: Value, path: tuple[str, ...], item: object) -> None:
    *outer, name = path
    for key in outer:
        inner = value.get(key)
        value[key] = inner if isinstance(inner, dict) else {}
        value = value[key]
    value[name] = item


def _put_in_student(value: Value, name: str, item: object, folder: Path) -> None:
    """Write a spec that extends the student's, and says what it is to say."""
    spec = value["student"]["spec"]
    base = Path("..", spec) if (folder / spec).exists() else spec
    new = {"extends": str(base), name: item}
    if name == "image_size":
        new["patch_size"] = 2
    if name not in {"image_size", "in_channels"}:
        new["variant"] = {"fusion": "cls"}
    file = folder / "mended" / f"{len(list(folder.rglob('*.yaml')))}.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump(new), encoding="utf-8")
    value["student"]["spec"] = str(file.relative_to(folder))
