"""Numbers that colour the nodes of a figure."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from math import isfinite
from pathlib import Path

from deit_spec.cost import Dtype, Memory, costs, short, short_bytes
from deit_spec.diagnostics import DiagnosedError, Label, Span, diagnose
from deit_spec.diagnostics.printable import counted, listed, reason_of
from deit_spec.diagram.graph_view import around
from deit_spec.diagram.groups import Group, Groups
from deit_spec.graph import LayerGraph, Target

_LARGEST = 1e300
"""Sums of such numbers are finite."""
_NUMBER = re.compile(r"\.\d+\b")
STEPS = 6
"""The number of colours, for parts of equal size between the least and the most."""


class HeatFileError(DiagnosedError):
    """A file of numbers cannot be read, or has names that the model does not have."""


class Quantity(Enum):
    """What can be computed for each layer."""

    PARAMETERS = "parameters"
    MACS = "macs"
    ACTIVATIONS = "activations"


@dataclass(frozen=True)
class Heat:
    """Numbers by path, of layers or of scopes.

    The number of a stage is its own, or the sum of those of its layers if `is_count`,
    and their mean otherwise. Equal layers that are drawn as one have their mean.
    """

    title: str
    values: Mapping[str, float]
    is_count: bool
    write: Callable[[float], str]

    def of(self, group: Group, groups: Groups) -> float | None:
        """Return the number of a node or of a frame, or None without one."""
        scopes = group.item.scopes
        paths = [scope.path for scope in scopes] or groups.members[group.path]
        own = [self.values[path] for path in paths if path in self.values]
        if own or group.members:
            return sum(own) / len(own) if own else None
        inside = [self.values.get(path) for path in groups.members[group.path]]
        found = [value for value in inside if value is not None]
        if not found:
            return None
        return sum(found) if self.is_count else sum(found) / len(found)


def computed_heat(graph: LayerGraph, quantity: Quantity) -> Heat:
    """Return a quantity for each layer of a graph with inferred shapes.

    Activations are the bytes for one image in float32: those that autograd keeps for
    the backward pass, or for the target `inference` those that each layer writes.
    """
    if quantity is Quantity.ACTIVATIONS:
        memory = Memory(graph, 1, Dtype.FLOAT32)
        is_trained = graph.target is Target.TRAIN
        found = memory.kept() if is_trained else memory.written()
        title = "bytes kept for training" if is_trained else "bytes written"
        return Heat(f"{title}, one image", found, True, lambda n: short_bytes(round(n)))  # noqa: FBT003
    each = costs(graph).items()
    if quantity is Quantity.MACS:
        macs = {path: cost.macs for path, cost in each}
        return Heat("MACs per image", macs, True, lambda n: short(round(n)))  # noqa: FBT003
    parameters = {path: cost.parameters for path, cost in each}
    return Heat("parameters", parameters, True, lambda n: short(round(n)))  # noqa: FBT003


def read_heat(path: Path, graph: LayerGraph) -> Heat:
    """Read a JSON file with a number for each path of a layer or of a scope.

    Raises:
        HeatFileError: The file cannot be read, or is not an object of numbers (DS310),
            or has paths that the model does not have (DS311).
    """
    place = Label(Span.of_file(path))
    try:
        values = json.loads(path.read_bytes())
    except OSError as error:
        message = f"the numbers cannot be read: {reason_of(error)}"
        raise HeatFileError([diagnose("DS310", message, place)]) from None
    except (ValueError, RecursionError):
        message = "the file is not valid JSON"
        raise HeatFileError([diagnose("DS310", message, place)]) from None
    if values == {}:
        message = "the file has no numbers"
        raise HeatFileError([diagnose("DS310", message, place)])
    if not isinstance(values, dict):
        message = "the file is not a JSON object with a number for each path"
        raise HeatFileError([diagnose("DS310", message, place)])
    wrong = [name for name, value in values.items() if not _is_number(value)]
    if wrong:
        message = f"the values of {listed(wrong)} are not finite numbers"
        raise HeatFileError([diagnose("DS310", message, place)])
    large = [name for name, value in values.items() if abs(value) > _LARGEST]
    if large:
        limits = f"between -{_LARGEST:g} and {_LARGEST:g}"
        message = f"the values of {listed(large)} are not {limits}"
        raise HeatFileError([diagnose("DS310", message, place)])
    known = {*graph, *(scope for layer in graph for scope in around(layer))}
    unknown = [name for name in values if name not in known]
    if unknown:
        all_ = counted(len(values), "path")
        message = f"the model does not have {len(unknown):,} of {all_}"
        helps = [f"did you mean `{each}`?" for each in _meant(unknown[0], known)]
        helps += ["`deit-spec render SPEC --output-format tree` lists the layers"]
        notes = [listed(unknown)]
        found = diagnose("DS311", message, place, notes=notes, helps=helps)
        raise HeatFileError([found])
    return Heat(path.stem, values, False, lambda number: f"{number:.4g}")  # noqa: FBT003


def _meant(name: str, known: Iterable[str]) -> list[str]:
    """The path of the same block that a name may mean."""
    from difflib import get_close_matches  # noqa: PLC0415  -- on errors alone

    number = _NUMBER.findall(name)
    return get_close_matches(
        name, sorted(each for each in known if _NUMBER.findall(each) == number), 1
    )


def _is_number(value: object) -> bool:
    if isinstance(value, float):
        return isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)
