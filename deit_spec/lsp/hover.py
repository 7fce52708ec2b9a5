"""What a field is, what holds here and why, and what it makes of the model."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lsprotocol import types

from deit_spec.cost import Cost, cost_of, costs, short, summarise
from deit_spec.explain import FIELDS, trace
from deit_spec.explain.facts import default_text, description, range_of, type_of
from deit_spec.graph import LayerGraph
from deit_spec.lsp.cursor import entry_at
from deit_spec.lsp.document import Document
from deit_spec.ops import show
from deit_spec.yaml_source.scalars import scalar_text

_SEEN: Final = {
    "image_size": ("images", "tokens"),
    "patch_size": ("patch_embed.proj", "patch_embed.flatten"),
    "in_channels": ("images", "patch_embed.proj"),
    "embed_dim": ("tokens", "blocks.0.attn.qkv"),
    "num_heads": ("blocks.0.attn.sdpa",),
    "mlp_ratio": ("blocks.0.mlp.fc1",),
    "dropout": ("pos_drop", "blocks.0.attn.proj_drop", "blocks.0.mlp.drop1"),
    "num_classes": ("head",),
    "teacher_num_classes": ("head_dist",),
    "variant.distillation_token": ("dist_token", "tokens"),
    "variant.position_embedding": ("pos_embed", "add_pos"),
    "variant.layer_scale": ("blocks.0.ls1",),
    "variant.drop_path": ("blocks.1.drop_path1",),
    "variant.qkv_bias": ("blocks.0.attn.qkv",),
    "variant.layer_norm_eps": ("norm",),
    "variant.readout": ("read_cls", "read_mean"),
    "variant.fusion": ("predict",),
}
"""The layers in which a field is best seen, where the model has them."""


def hover(document: Document, offset: int) -> types.Hover | None:
    """Explain the field at an offset; None where there is none."""
    found = None if document.is_too_large else _entry(document, offset)
    if found is None:
        return None
    path, where = found
    field = ".".join(path)
    if field not in FIELDS:
        return None
    parts = [_head(field), description(field), _value(document, path)]
    if document.graph is not None and field != "name":
        parts += [_layers(document.graph, field), summarise(document.graph)]
    text = "\n\n".join(filter(None, parts))
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text), where)


def _entry(
    document: Document, offset: int
) -> tuple[tuple[str, ...], types.Range] | None:
    """The entry around an offset: as it was read, else as its line looks."""
    read = document.checked.document
    entries = read.spans if read else {}
    for path in sorted(entries, key=len, reverse=True):  # the innermost first
        entry = entries[path]
        if entry.key.source.name != document.name or not path:
            continue
        for span in (entry.key, entry.value):
            start, end = document.text.offsets(span)
            if start <= offset <= end and path[:-1] in {(), ("variant",)}:
                return tuple(map(str, path)), document.text.range(start, end)
    line = entry_at(document.text, offset)
    if line is None:
        return None
    path, start, end = line
    return path, document.text.range(start, end)


def _head(field: str) -> str:
    bounds = range_of(field)
    takes = f"{type_of(field)}, {bounds}" if bounds else type_of(field)
    return f"**{field}**: {takes}; by default {default_text(field)}"


def _value(document: Document, path: tuple[str, ...]) -> str:
    if path == ("extends",):
        return _lineage(document)
    found = trace(document.checked, path)
    if found is None or path == ("variant",):
        return ""
    value = f"`{path[-1]}: {scalar_text(found.value)}`"
    if found.place is None:
        return f"{value}, by default"
    place = found.place
    if place.source.name == document.name:
        return f"{value}, written here"
    file = Path(place.source.name).name
    return f"{value}, from {file}:{place.line} by `extends`"


def _lineage(document: Document) -> str:
    """What is extended, and what that extends."""
    names = [f"`{link.text}`" for link in document.checked.links]
    return f"extends {', which extends '.join(names)}" if names else ""


def _layers(graph: LayerGraph, field: str) -> str:
    if field == "depth":
        return "\n".join(_blocks(graph))
    there = [path for path in _SEEN.get(field, ()) if path in graph]
    return "\n".join(_layer(graph, path) for path in there)


def _layer(graph: LayerGraph, path: str) -> str:
    cost = cost_of(graph, path)
    words = f"- `{path}`: {graph.op(path).summary}, `{show(graph.shape(path))}`"
    return f"{words}, {_cost(cost)}" if cost.parameters else words


def _blocks(graph: LayerGraph) -> Iterator[str]:
    """The blocks, those of equal cost on one line."""
    blocks: dict[str, Cost] = {}
    for path, cost in costs(graph).items():
        outer, _, rest = path.partition(".")
        if outer == "blocks":
            block = rest.partition(".")[0]
            blocks[block] = blocks.get(block, Cost()) + cost
    for cost in dict.fromkeys(blocks.values()):
        count = sum(each == cost for each in blocks.values())
        yield f"- {count} blocks, each with {_cost(cost)}"


def _cost(cost: Cost) -> str:
    words = f"{cost.parameters:,} parameters"
    return f"{words}, {short(cost.macs)} MACs" if cost.macs else words
