"""Where a field acts: two small models that differ in its value, compared."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from deit_spec.diagnostics import has_errors
from deit_spec.explain.field_info import FieldInfo
from deit_spec.graph import LayerGraph
from deit_spec.ops import letters
from deit_spec.pipeline import lower
from deit_spec.spec import check_spec
from deit_spec.yaml_source.scalars import value_text

_SIZES: Final[dict[str, Any]] = {
    "image_size": 32,
    "patch_size": 4,
    "in_channels": 5,
    "embed_dim": 48,
    "depth": 12,
    "num_heads": 6,
    "mlp_ratio": 1.5,
    "dropout": 0.1,
}
_VARIANT: Final = {"layer_scale": 0.5, "drop_path": 0.1}
_MODELS: Final[tuple[dict[str, Any], ...]] = (
    {
        **_SIZES,
        "num_classes": 10,
        "teacher_num_classes": 20,
        "variant": {**_VARIANT, "fusion": "cls"},
    },
    {**_SIZES, "num_classes": 10, "teacher_num_classes": 10, "variant": _VARIANT},
    {**_SIZES, "num_classes": 10, "variant": _VARIANT},
    {**_SIZES, "variant": _VARIANT},
)
"""Small models in which all sizes differ: with two heads, with one, with none."""
_BLOCK: Final = re.compile(r"(.*?\.)\d+\.")


@dataclass(frozen=True, slots=True)
class Change:
    """A layer that is changed, added or removed.

    `path` can be the same layer of several blocks (`blocks.*.norm1`), or whole blocks.
    """

    kind: str
    path: str
    op: str
    parameters: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """The difference that a value makes in a small model.

    `sizes` are the dimensions that change, by symbol, with the size before and after.
    A layer is changed if it has other sizes, settings or inputs.
    """

    before: str
    after: str
    sizes: Mapping[str, tuple[int, int]]
    changes: tuple[Change, ...]
    results: tuple[str, ...]


def alternatives(info: FieldInfo, value: object) -> list[object]:
    """Return other values of a field: choices, null, or twice the number."""
    found: list[object] = []
    for each in info.types:
        if "enum" in each:
            found += each["enum"]
        elif each["type"] == "boolean":
            found += [True, False]
        elif each["type"] == "null":
            found.append(None)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found.append(value * 2)
    return [other for other in found if other != value]


def find_effects(info: FieldInfo) -> list[Effect]:
    """Compare small models with the other values of a field."""
    found: dict[str, Effect] = {}
    for model in _MODELS:
        before = check_spec(model).spec
        if before is None:
            raise AssertionError(model)
        *outer, name = info.path
        value = getattr(before.variant if outer else before, name)
        for other in alternatives(info, value):
            if value_text(other) in found:
                continue
            fields = {name: other}
            if outer:
                fields = {"variant": {**model["variant"], **fields}}
            after = check_spec({**model, **fields})
            if after.spec is None or has_errors(after.diagnostics):
                continue
            graphs = lower(before), lower(after.spec)
            effect = _compare(value_text(value), value_text(other), *graphs)
            if effect.changes or effect.results:
                found[effect.after] = effect
    return [*found.values()]


def _compare(value: str, other: str, before: LayerGraph, after: LayerGraph) -> Effect:
    old, new = dict(before.ops()), dict(after.ops())
    changed = {
        path
        for path in old.keys() & new.keys()
        if old[path] != new[path] or before.inputs(path) != after.inputs(path)
    }
    old_sizes, new_sizes = _sizes(before), _sizes(after)
    changes = [
        *_changes("changed", after, changed),
        *_changes("added", after, new.keys() - old.keys()),
        *_changes("removed", before, old.keys() - new.keys()),
    ]
    sizes = {
        symbol: (size, new_sizes[symbol])
        for symbol, size in old_sizes.items()
        if new_sizes.get(symbol, size) != size
    }
    results = tuple(_results(before, after))
    return Effect(value, other, sizes, tuple(dict.fromkeys(changes)), results)


def _sizes(graph: LayerGraph) -> dict[str, int]:
    """Return the size of each symbol in the shapes of a graph."""
    return {
        dim.symbol: dim.size // dim.factor
        for path in graph
        for dim in graph.shape(path)
        if dim.symbol and dim.size is not None
    }


def _changes(kind: str, graph: LayerGraph, paths: Collection[str]) -> Iterator[Change]:
    """Describe layers in order; those of equal blocks are equal."""
    for path in graph:
        if path not in paths:
            continue
        name, block = path, _BLOCK.match(path)
        if block:
            inside = [other for other in graph if other.startswith(block[0])]
            if all(other in paths for other in inside):
                yield Change(kind, f"{block[1]}*", f"block of {len(inside)} layers")
                continue
            name = f"{block[1]}*.{path[block.end() :]}"
        op = graph.op(path)
        tensors = (f"{each.name} {letters(each.shape)}" for each in op.parameters)
        yield Change(kind, name, type(op).__name__, ", ".join(tensors).strip())


def _results(before: LayerGraph, after: LayerGraph) -> Iterator[str]:
    if before.outputs.keys() != after.outputs.keys():
        old, new = (", ".join(f"`{n}`" for n in g.outputs) for g in (before, after))
        yield f"`forward` returns {new} instead of {old}"
    if after.predict is None and before.predict is not None:
        yield "there is no `predict`"
    elif before.predict != after.predict:
        yield f"`predict` returns `{after.predict}` instead of `{before.predict}`"
