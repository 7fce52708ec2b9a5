"""Graphs to draw: from specs, and with structures that passes can create."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st

from deit_spec.graph import LayerGraph, Target
from deit_spec.lowering import lower
from deit_spec.ops import (
    Add,
    Attend,
    Dim,
    Images,
    JoinTokens,
    LayerNorm,
    Linear,
    MergeHeads,
    PatchProjection,
    SplitHeads,
    Table,
    TakePart,
    TruncatedNormal,
)
from deit_spec.ops.tokens import FlattenGrid
from deit_spec.passes import PassOptions, infer_shapes, run_passes
from deit_spec.spec.schema import DeiTSpec, Variant

STD = TruncatedNormal(0.02)
C, N, P, H, D = (
    Dim(24, "C"),
    Dim(17, "N"),
    Dim(16, "P"),
    Dim(3, "H"),
    Dim(8, "D"),
)


def graph_of(target: Target = Target.TRAIN, **fields: Any) -> LayerGraph:
    switches = {k: fields.pop(k) for k in list(fields) if k in Variant.model_fields}
    taps = tuple(fields.pop("taps", ()))
    spec = DeiTSpec(**fields, variant=Variant(**switches))
    options = PassOptions(taps=taps, merge_tokens=spec.variant.merge_tokens)
    return run_passes(lower(spec), target, options)


@pytest.fixture
def base() -> LayerGraph:
    return graph_of(name="base", num_classes=1000, teacher_num_classes=1000)


def finished(graph: LayerGraph, outputs: dict[str, str]) -> LayerGraph:
    graph.outputs = outputs
    return infer_shapes(graph)


def images(graph: LayerGraph) -> str:
    graph.add("images", Images(3, 16))
    graph.add("embed.proj", PatchProjection(3, C, 4), ["images"])
    return graph.add("embed.flatten", FlattenGrid(P), ["embed.proj"])


def attention(graph: LayerGraph, path: str, x: str) -> str:
    graph.add(f"{path}.qkv", Linear(C, C.times(3), STD), [x])
    graph.add(f"{path}.split", SplitHeads(3, H, D), [f"{path}.qkv"])
    for index, name in enumerate("qkv"):
        graph.add(f"{path}.{name}", TakePart(index, 3), [f"{path}.split"])
    parts = [f"{path}.{name}" for name in "qkv"]
    graph.add(f"{path}.sdpa", Attend(), parts)
    graph.add(f"{path}.merge", MergeHeads(C), [f"{path}.sdpa"])
    return graph.add(f"{path}.proj", Linear(C, C, STD), [f"{path}.merge"])


def block(graph: LayerGraph, path: str, x: str) -> str:
    norm = graph.add(f"{path}.norm", LayerNorm(C, 1e-6), [x])
    branch = attention(graph, f"{path}.attn", norm)
    return graph.add(f"{path}.add", Add(), [x, branch])


def attention_returned() -> LayerGraph:
    """Every block outputs its attention and its tokens."""
    graph = LayerGraph("attention_returned", "0")
    x = images(graph)
    outputs = {}
    for index in range(3):
        x = block(graph, f"blocks.{index}", x)
        outputs[f"heads_{index}"] = f"blocks.{index}.attn.sdpa"
        outputs[f"tokens_{index}"] = x
    outputs["norm"] = graph.add("norm", LayerNorm(C, 1e-6), [x])
    return finished(graph, outputs)


def last_block_short() -> LayerGraph:
    """The last block computes only two tokens, with a split projection."""
    fields = {"embed_dim": 24, "num_heads": 3, "image_size": 16, "patch_size": 4}
    return graph_of(
        Target.INFERENCE,
        name="last_block_short",
        depth=3,
        layer_scale=1e-5,
        num_classes=10,
        teacher_num_classes=10,
        **fields,
    )


def far_readers() -> LayerGraph:
    """Layers read more distant layers than there are lanes."""
    graph = LayerGraph("far_readers", "0")
    x = images(graph)
    made = [x]
    for index in range(7):
        x = graph.add(f"step{index}", LayerNorm(C, 1e-6), [x])
        made.append(x)
    for index, far in enumerate(made[:-1]):
        x = graph.add(f"add{index}", Add(), [x, far])
    blocks = []
    for index in range(3):
        x = block(graph, f"blocks.{index}", x)
        blocks.append(x)
    join = graph.add("join", JoinTokens(Dim(48)), blocks)
    return finished(graph, {"all": join})


def diamonds() -> LayerGraph:
    """Nested branches beside a direct line, and several tables."""
    graph = LayerGraph("diamonds", "0")
    x = images(graph)
    one = graph.add("one", LayerNorm(C, 1e-6), [x])
    left = graph.add("left", Linear(C, C, STD), [one])
    right = graph.add("right", Linear(C, C, STD), [one])
    inner = graph.add("inner", Add(), [left, right])
    other = graph.add("other", Linear(C, C, STD), [x])
    both = graph.add("both", Add(), [inner, other])
    outer = graph.add("outer", Add(), [both, x])
    tables = [graph.add(f"table{i}", Table(P, C, STD)) for i in range(3)]
    for index, table in enumerate(tables):
        outer = graph.add(f"plus{index}", Add(), [outer, table])
    shared = graph.add("shared", Table(P, C, STD))
    outer = graph.add("plus3", Add(), [outer, shared])
    outer = graph.add("plus4", Add(), [outer, shared])
    return finished(graph, {"out": outer})


HAND_MADE: dict[str, Callable[[], LayerGraph]] = {
    made.__name__: made
    for made in (
        attention_returned,
        last_block_short,
        far_readers,
        diamonds,
    )
}


TINY = {"depth": 2, "embed_dim": 12, "num_heads": 3, "name": "tiny"}
SIZES = {"image_size": 32, "patch_size": 8}
TAPS = ("blocks.*", "blocks.0", "blocks.0.attn.weights", "blocks.*.attn.q", "norm")


@st.composite
def graphs(drawn: st.DrawFn) -> LayerGraph:
    classes = drawn(st.sampled_from([None, 1, 1000, 10**9]))
    distilled = drawn(st.booleans())
    teachers = classes if distilled and drawn(st.booleans()) else None
    fields: dict[str, Any] = {
        "depth": drawn(st.integers(1, 6)),
        "embed_dim": drawn(st.sampled_from([1, 12, 768, 1_048_576])),
        "num_heads": 1,
        "dropout": drawn(st.sampled_from([0.0, 0.1])),
        "num_classes": classes,
        "teacher_num_classes": teachers,
        "distillation_token": distilled,
        "position_embedding": drawn(st.sampled_from(["all", "patches"])),
        "layer_scale": drawn(st.sampled_from([None, 1e-5])),
        "drop_path": drawn(st.sampled_from([0.0, 0.2])),
        "fusion": drawn(
            st.sampled_from(["mean_logits", "mean_softmax", "cls", "dist"])
        ),
        "merge_tokens": drawn(st.sampled_from([0, 0, 3])),
        "taps": drawn(st.lists(st.sampled_from(TAPS), max_size=2)),
    }
    if distilled:
        fields["readout"] = drawn(st.sampled_from(["cls", "mean_tokens"]))
    return graph_of(drawn(st.sampled_from(Target)), **SIZES, **fields)


def wired(data: st.DataObject) -> LayerGraph:
    graph = LayerGraph("wired", "0")
    made = [images(graph)]
    scopes = st.sampled_from(["", "left.", "left.", "right."])
    scope = ""
    flat: set[str] = set()
    for index in range(data.draw(st.integers(1, 12))):
        if data.draw(st.integers(0, 3)) == 0:
            scope = data.draw(scopes) and f"scope{index}."
        kind = data.draw(st.sampled_from(["linear", "linear", "add", "add", "table"]))
        path = f"{scope}{kind}{index}"
        if kind == "table":
            made.append(graph.add(path, Table(Dim(16, "P"), C, STD)))
            flat.add(path)
            continue
        sources = data.draw(
            st.lists(st.sampled_from(made), min_size=2, max_size=2, unique=True)
            if kind == "add" and len(made) > 1
            else st.lists(st.sampled_from(made), min_size=1, max_size=1)
        )
        sources.sort(key=flat.__contains__)
        if flat.issuperset(sources):
            flat.add(path)
        op = Linear(C, C, STD) if len(sources) == 1 else Add()
        made.append(graph.add(path, op, sources))
    ends = [path for path in made if not graph.readers(path)]
    join = JoinTokens(Dim(16 * len(ends)))
    outputs = {"joined": graph.add("join", join, ends)}
    extra = data.draw(st.lists(st.sampled_from(made), max_size=2, unique=True))
    outputs |= {f"extra{index}": path for index, path in enumerate(extra)}
    return finished(graph, outputs)
