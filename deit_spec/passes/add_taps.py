"""Return values from inside the model: taps, and a model that ends at a value.

A value has the name of a layer, or of a group of layers that returns it, or one of
these forms:

- `VALUE.patches`: the patch tokens of a value `[B, N, C]` as a grid `[B, C, h, w]`;
- `GROUP.weights`: the weights `[B, H, N, N]` of the attention in a group of layers;
- `GROUP.weights.cls` and `GROUP.weights.dist`: the weights `[B, H, P]` that the query
  of one token gives to the patches.

Weights are computed beside the fused attention, which stays.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from deit_spec.diagnostics import DiagnosedError, Diagnostic, Label, Span, diagnose
from deit_spec.graph import LayerGraph, build_scopes
from deit_spec.ops import (
    Attend,
    AttentionWeights,
    FlattenGrid,
    Images,
    JoinTokens,
    Op,
    PatchGrid,
    PatchWeights,
    TokenScores,
    WeightsBySize,
)
from deit_spec.passes.infer_shapes import infer_shapes


class TapError(DiagnosedError):
    """A tap, or the end of a model, is not a value of it."""


@dataclass(frozen=True)
class _Value:
    """A value: the layers to add for it, and the layer in the graph that they follow.

    Each added layer reads the one before it; the first one reads `inputs`.
    """

    follows: str
    inputs: tuple[str, ...]
    added: tuple[tuple[str, Op], ...] = ()

    @property
    def path(self) -> str:
        """The path of the layer that returns it."""
        return self.added[-1][0] if self.added else self.follows


def add_taps(
    graph: LayerGraph,
    patterns: Sequence[str],
    spans: Mapping[str, Span],
    until: str | None = None,
) -> LayerGraph:
    """Return the values that match some patterns, in which `*` is any part of a name.

    `spans` has the locations of the patterns that the spec has. With `until`, this
    value is the only output, and layers that nothing then depends on are removed.

    Raises:
        TapError: With a diagnostic for each pattern that no value matches.
    """
    values = _Values(graph).found
    problems = []
    kept = set(graph.network)
    if until is not None and until not in values:
        problems.append(_unknown("`until` is", until, values))
    elif until is not None:
        kept = graph.needed(values[until].inputs)
    names: dict[str, None] = {}
    for pattern in patterns:
        wanted = re.compile(re.escape(pattern).replace(r"\*", r"[^.]*"))
        matching = [name for name in values if wanted.fullmatch(name)]
        left = [name for name in matching if kept.issuperset(values[name].inputs)]
        names.update(dict.fromkeys(left))
        span = spans.get(pattern)
        if not matching:
            problems.append(_unknown("the tap is", pattern, values, span))
        elif not left:
            problems.append(_removed(pattern, until, span))
    if problems:
        raise TapError(problems)
    paths = _add(
        graph, {name: values[name] for name in (*names, *([until] if until else []))}
    )
    graph.taps = {name: paths[name] for name in names}
    if until is not None:
        graph.outputs, graph.predict = {"features": paths[until]}, None
        live = graph.live()
        graph.network.remove_nodes_from(
            [p for p, op in graph.ops() if p not in live and not isinstance(op, Images)]
        )
    return infer_shapes(graph)


def _add(graph: LayerGraph, values: Mapping[str, _Value]) -> dict[str, str]:
    """Add the layers of some values where they belong, and return their paths."""
    order, following = graph.order(), dict[str, list[str]]()
    for value in values.values():
        inputs = value.inputs
        for path, op in value.added:
            if path not in graph.network:
                graph.add(path, op, inputs, graph.span(value.follows))
                following.setdefault(value.follows, []).append(path)
            inputs = (path,)
    graph.reorder(each for path in order for each in (path, *following.get(path, ())))
    return {name: value.path for name, value in values.items()}


class _Values:
    """The values of a typed graph by name, in the order of execution."""

    def __init__(self, graph: LayerGraph) -> None:
        self.graph = graph
        joins = (p for p, op in graph.ops() if isinstance(op, JoinTokens))
        *self.tokens, _ = graph.inputs(next(joins))
        flattens = (p for p, op in graph.ops() if isinstance(op, FlattenGrid))
        flatten = next(flattens)
        self.grid = graph.input_shapes(flatten)[0][2:]
        self.patches = graph.shape(flatten)[1]

    @cached_property
    def found(self) -> dict[str, _Value]:
        graph = self.graph
        groups: dict[str, list[str]] = {}
        for scope in build_scopes(graph).walk():
            # The first output is the tokens; merging adds others.
            if scope.path and scope.outputs and not scope.is_sequence:
                groups.setdefault(scope.outputs[0], []).append(scope.path)
        found: dict[str, _Value] = {}
        for path, op in graph.ops():
            if isinstance(op, Images):
                continue
            for name in (path, *groups.get(path, ())):
                found[name] = _Value(path, (path,))
                # A layer has no layers inside, unlike a group.
                grid = f"{name}_patches" if name == path else f"{name}.patches"
                found |= self.as_grid(name, path, grid)
            if isinstance(op, Attend):
                found |= self.weights(path)
        return found

    def as_grid(self, name: str, path: str, grid: str) -> dict[str, _Value]:
        """The patches of a value, if it has them after other tokens or alone."""
        shape = self.graph.shape(path)
        if len(shape) != 3 or shape[0].size is not None:  # noqa: PLR2004  -- [B, N, C]
            return {}
        first = shape[1].known - self.patches.known
        if first != len(self.tokens) and shape[1] != self.patches:
            return {}
        op = PatchGrid(first, *self.grid)
        return {f"{name}.patches": _Value(path, (path,), ((grid, op),))}

    def weights(self, attend: str) -> dict[str, _Value]:
        """The weights of an attention, all of them and those of single tokens."""
        q, k, _, *bias = self.graph.inputs(attend)
        group, width = attend.rpartition(".")[0], self.graph.shape(q)[3]
        name = f"{group}.weights".removeprefix(".")
        op = WeightsBySize(width) if bias else AttentionWeights(width)
        found = {name: _Value(attend, (q, k, *bias), ((name, op),))}
        if bias:
            return found  # patches are merged, so there is no value for each
        for index, token in enumerate(self.tokens):
            row = f"{group}.{token}_row".removeprefix(".")
            scores = TokenScores(index)
            softmax = PatchWeights(width, len(self.tokens), self.patches)
            added = ((f"{row}_scores", scores), (row, softmax))
            found[f"{name}.{token}"] = _Value(attend, (q, k), added)
        return found


def _unknown(
    fact: str, name: str, values: Mapping[str, _Value], span: Span | None = None
) -> Diagnostic:
    """DS302: no value has this name."""
    from difflib import get_close_matches  # noqa: PLC0415  -- on errors alone

    # Blocks have the same values, so they are compared without their numbers.
    forms = {_NUMBER.sub("*", value): value for value in values}
    close = get_close_matches(_NUMBER.sub("*", name), forms, 3, 0.5)
    nearest = [f"`{form if '*' in name else forms[form]}`" for form in close]
    help_ = f"the nearest values are {', '.join(nearest)}" if nearest else _HELP
    message = f"{fact} `{name}`, but the model has no such value"
    return diagnose("DS302", message, _label(span), helps=[help_])


def _removed(name: str, until: str | None, span: Span | None) -> Diagnostic:
    """DS302: the layers of a value have been removed."""
    message = (
        f"the tap is `{name}`, but the model ends at `{until}`, which is before it"
    )
    help_ = f"end the model at `{name}` or later"
    return diagnose("DS302", message, _label(span), helps=[help_])


def _label(span: Span | None) -> Label:
    return Label(span or Span.of_file("<options>"))


_NUMBER = re.compile(r"(?<=\.)\d+")
_HELP = "`deit-spec render SPEC --output-format tree` lists the layers"
