"""Where a field acts, found by changing it and comparing the two graphs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deit_spec.diagnostics import has_errors
from deit_spec.explain.facts import alternatives, path_of
from deit_spec.explain.layers import Layers, collapse, collapse_whole
from deit_spec.graph import LayerGraph
from deit_spec.pipeline import lower
from deit_spec.spec import Checked, DeiTSpec, check_spec
from deit_spec.yaml_source.scalars import value_text

_WIDE: dict[str, Any] = {
    "image_size": 32,
    "patch_size": 4,
    "in_channels": 5,
    "embed_dim": 48,
    "depth": 12,
    "num_heads": 6,
    "mlp_ratio": 1.5,
    "dropout": 0.1,
    "variant": {"layer_scale": 0.5, "drop_path": 0.1},
}
"""A small model in which every size is another number and nothing is switched off."""

_MODELS: tuple[dict[str, Any], ...] = (
    {
        **_WIDE,
        "num_classes": 10,
        "teacher_num_classes": 20,
        "variant": {**_WIDE["variant"], "fusion": "cls"},
    },
    {**_WIDE, "num_classes": 10, "teacher_num_classes": 10},
    {**_WIDE, "num_classes": 10},
    _WIDE,
)
"""With heads of two sizes, of one size, with a single head, and without any.

A field that does nothing in one of these does something in a later one.
"""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change of a field does to a small model.

    `sizes` are the dimensions that change, by symbol, with the size before and
    after. `rewired` layers are as they were and read others. `results` tells what
    is returned, where that changes.
    """

    before: str
    after: str
    sizes: Mapping[str, tuple[int, int]]
    changed: tuple[Layers, ...]
    added: tuple[Layers, ...]
    removed: tuple[Layers, ...]
    rewired: tuple[Layers, ...]
    results: tuple[str, ...]

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols whose size is the value itself."""
        pair = (self.before, self.after)
        return tuple(
            s for s, sizes in self.sizes.items() if (*map(str, sizes),) == pair
        )

    @property
    def extent(self) -> int:
        """How much there is to tell; 0 where the model stays as it is."""
        layers = (self.changed, self.added, self.removed, self.rewired)
        return sum(map(len, (*layers, self.results)))


def effects(field: str) -> list[Effect]:
    """Give a field each other value that it may have, and see what that does.

    Numbers are doubled, null is tried where it is allowed, switches are turned. Of
    the models that take a value, the one in which it does most is told of.
    """
    found: dict[str, Effect] = {}
    for model in _MODELS:
        base = check_spec(model)
        if base.spec is None:
            raise AssertionError(f"the model has errors: {base.diagnostics}")
        for value in alternatives(field, _value(base.spec, field)):
            other = check_spec(_with(model, field, value))
            if has_errors(other.diagnostics):
                continue
            effect = _compare(field, base, other)
            most = found.setdefault(effect.after, effect)
            if effect.extent > most.extent:
                found[effect.after] = effect
    return [effect for effect in found.values() if effect.extent]


def _value(spec: DeiTSpec, field: str) -> Any:
    *outer, name = path_of(field)
    return getattr(spec.variant if outer else spec, name)


def _with(model: Mapping[str, Any], field: str, value: object) -> dict[str, Any]:
    *outer, name = path_of(field)
    if not outer:
        return {**model, name: value}
    return {**model, "variant": {**model["variant"], name: value}}


def _compare(field: str, one: Checked, other: Checked) -> Effect:
    if one.spec is None or other.spec is None:
        raise AssertionError("a spec without errors is there")
    # As lowered: which layers do nothing and are dropped later varies by the model.
    before, after = lower(one.spec), lower(other.spec)
    old, new = dict(before.ops()), dict(after.ops())
    kept = [path for path in new if path in old]
    changed = [path for path in kept if new[path] != old[path]]
    rewired = [path for path in kept if before.inputs(path) != after.inputs(path)]
    return Effect(
        value_text(_value(one.spec, field)),
        value_text(_value(other.spec, field)),
        _sizes(before, after),
        collapse(after, changed),
        collapse_whole(after, new.keys() - old.keys()),
        collapse_whole(before, old.keys() - new.keys()),
        collapse(after, rewired, wired=True),
        tuple(_results(before, after)),
    )


def _sizes(before: LayerGraph, after: LayerGraph) -> dict[str, tuple[int, int]]:
    old, new = _symbols(before), _symbols(after)
    return {
        symbol: (size, new[symbol])
        for symbol, size in old.items()
        if new.get(symbol, size) != size
    }


def _symbols(graph: LayerGraph) -> dict[str, int]:
    """The size of each symbol in the shapes of a graph."""
    return {
        dim.symbol: dim.size // dim.factor
        for path in graph
        for dim in graph.shape(path)
        if dim.symbol and dim.size is not None
    }


def _results(before: LayerGraph, after: LayerGraph) -> Iterator[str]:
    if before.outputs.keys() != after.outputs.keys():
        yield f"`forward` returns {_named(after)} in place of {_named(before)}"
    if after.predict is None and before.predict is not None:
        yield "there is no `predict`"
    elif before.predict != after.predict:
        yield f"`predict` returns `{after.predict}` in place of `{before.predict}`"


def _named(graph: LayerGraph) -> str:
    return ", ".join(f"`{name}`" for name in graph.outputs)
