"""Lowering of a spec to its layer graph, in O(depth)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from deit_spec.diagnostics import Span
from deit_spec.graph import LayerGraph
from deit_spec.ops import (
    Add,
    Attend,
    Dim,
    Dropout,
    DropPath,
    ExpandBatch,
    FanInNormal,
    FlattenGrid,
    Gelu,
    Images,
    Init,
    JoinTokens,
    LayerNorm,
    LayerScale,
    Linear,
    MeanLogits,
    MeanOfTokens,
    MeanSoftmax,
    MergeHeads,
    Op,
    PatchProjection,
    ReadToken,
    SplitHeads,
    Table,
    TakePart,
    TruncatedNormal,
)
from deit_spec.spec import DeiTSpec

SpanOf: TypeAlias = Callable[[str], Span | None]

QKV = ("q", "k", "v")


@dataclass(frozen=True)
class Dims:
    """The named dimensions of a spec, with the symbols used in the documentation."""

    patches: Dim
    tokens: Dim
    width: Dim
    heads: Dim
    head_width: Dim
    hidden: Dim

    @classmethod
    def of(cls, spec: DeiTSpec) -> "Dims":
        """Return the dimensions of a spec."""
        return cls(
            patches=Dim(spec.num_patches, "P"),
            tokens=Dim(spec.num_tokens, "N"),
            width=Dim(spec.embed_dim, "C"),
            heads=Dim(spec.num_heads, "H"),
            head_width=Dim(spec.head_dim, "D"),
            hidden=Dim(spec.mlp_dim, "M"),
        )


def lower(spec: DeiTSpec, span_of: SpanOf = lambda _: None) -> LayerGraph:
    """Build the layer graph of a valid spec, without shapes.

    `span_of` returns the location of a field, which is stored in the layers that come
    from it.
    """
    lowering = _Lowering(spec, span_of)
    x = lowering.embed()
    x = lowering.blocks(x)
    x = lowering.layer("norm", lowering.norm, [x], "embed_dim")
    lowering.read_out(x)
    return lowering.graph


class _Lowering:
    """The graph under construction, and the values that its parts share."""

    def __init__(self, spec: DeiTSpec, span_of: SpanOf) -> None:
        self.spec = spec
        self.dims = Dims.of(spec)
        self.graph = LayerGraph(spec.name, spec.digest)
        self.span_of = span_of
        fan_in = spec.variant.init == "fan_in"
        self.weights: Init = FanInNormal() if fan_in else TruncatedNormal(0.02)
        self.tables: Init = TruncatedNormal(0.5 if fan_in else 0.02)
        self.norm = LayerNorm(self.dims.width, spec.variant.layer_norm_eps)
        self.dropout = Dropout(spec.dropout)

    def layer(self, path: str, op: Op, inputs: Iterable[str], field: str) -> str:
        return self.graph.add(path, op, inputs, self.span_of(field))

    def embed(self) -> str:
        """Images to tokens with positions: `[B, c, S, S] -> [B, N, C]`."""
        spec, dims = self.spec, self.dims
        image = Images(spec.in_channels, spec.image_size)
        x = self.layer("images", image, [], "image_size")
        projection = PatchProjection(spec.in_channels, dims.width, spec.patch_size)
        x = self.layer("patch_embed.proj", projection, [x], "patch_size")
        flatten = FlattenGrid(dims.patches)
        x = self.layer("patch_embed.flatten", flatten, [x], "patch_size")
        if spec.variant.position_embedding == "patches":
            x = self.join_tokens(self.add_positions(x, dims.patches))
        else:
            x = self.add_positions(self.join_tokens(x), dims.tokens)
        return self.layer("pos_drop", self.dropout, [x], "dropout")

    def join_tokens(self, patches: str) -> str:
        names = ["cls"]
        if self.spec.variant.distillation_token:
            names.append("dist")
        token = Table(Dim(1), self.dims.width, self.tables)
        tokens = []
        for name in names:
            table = self.layer(f"{name}_token", token, [], "embed_dim")
            tokens.append(self.layer(name, ExpandBatch(), [table], "embed_dim"))
        join = JoinTokens(self.dims.tokens)
        return self.layer("tokens", join, [*tokens, patches], "image_size")

    def add_positions(self, x: str, rows: Dim) -> str:
        table = Table(rows, self.dims.width, self.tables)
        positions = self.layer("pos_embed", table, [], "image_size")
        return self.layer("add_pos", Add(), [x, positions], "image_size")

    def blocks(self, x: str) -> str:
        """Repeat one template `depth` times; the blocks share its ops."""
        template = self.block()
        last = max(self.spec.depth - 1, 1)
        for index in range(self.spec.depth):
            rate = self.spec.variant.drop_path * index / last
            drop_path = DropPath(rate)
            paths = {"x": x}
            for name, op, inputs, span in template:
                paths[name] = x = self.graph.add(
                    f"blocks.{index}.{name}",
                    op or drop_path,
                    [paths[source] for source in inputs],
                    span,
                )
        return x

    def block(self) -> list["_Step"]:
        """The steps of a block: `x + attn(norm1(x))`, then `x + mlp(norm2(x))`."""
        steps = [self.step("norm1", self.norm, "x", "embed_dim")]
        steps += self.attention("norm1")
        steps += self.residual("x", "attn.proj_drop", 1)
        steps.append(self.step("norm2", self.norm, "add1", "embed_dim"))
        steps += self.mlp("norm2")
        steps += self.residual("add1", "mlp.drop2", 2)
        return steps

    def step(self, name: str, op: Op | None, inputs: str, field: str) -> "_Step":
        return name, op, tuple(inputs.split()), self.span_of(field)

    def attention(self, x: str) -> list["_Step"]:
        dims, step = self.dims, self.step
        width, bias = dims.width, self.spec.variant.qkv_bias
        qkv = Linear(width, width.times(3), self.weights, bias)
        split = SplitHeads(3, dims.heads, dims.head_width)
        proj = Linear(width, width, self.weights)
        return [
            step("attn.qkv", qkv, x, "embed_dim"),
            step("attn.split", split, "attn.qkv", "num_heads"),
            *(
                step(f"attn.{name}", TakePart(i, 3), "attn.split", "num_heads")
                for i, name in enumerate(QKV)
            ),
            step("attn.sdpa", Attend(), "attn.q attn.k attn.v", "num_heads"),
            step("attn.merge", MergeHeads(width), "attn.sdpa", "num_heads"),
            step("attn.proj", proj, "attn.merge", "embed_dim"),
            step("attn.proj_drop", self.dropout, "attn.proj", "dropout"),
        ]

    def mlp(self, x: str) -> list["_Step"]:
        dims, step = self.dims, self.step
        fc1 = Linear(dims.width, dims.hidden, self.weights)
        fc2 = Linear(dims.hidden, dims.width, self.weights)
        return [
            step("mlp.fc1", fc1, x, "mlp_ratio"),
            step("mlp.act", Gelu(), "mlp.fc1", "mlp_ratio"),
            step("mlp.drop1", self.dropout, "mlp.act", "dropout"),
            step("mlp.fc2", fc2, "mlp.drop1", "mlp_ratio"),
            step("mlp.drop2", self.dropout, "mlp.fc2", "dropout"),
        ]

    def residual(self, x: str, branch: str, number: int) -> list["_Step"]:
        steps = []
        scale = self.spec.variant.layer_scale
        if scale is not None:
            name = f"ls{number}"
            op = LayerScale(self.dims.width, scale)
            steps.append(self.step(name, op, branch, "variant.layer_scale"))
            branch = name
        name = f"drop_path{number}"
        steps.append(self.step(name, None, branch, "variant.drop_path"))
        steps.append(self.step(f"add{number}", Add(), f"{x} {name}", "depth"))
        return steps

    def read_out(self, x: str) -> None:
        """From tokens to the outputs: one head, two heads, or the class token."""
        spec, graph = self.spec, self.graph
        if spec.num_classes is None:
            cls = self.layer("read_cls", ReadToken(0), [x], "num_classes")
            graph.outputs = {"features": cls}
            return
        cls = self.head("head", self.read_class(x), Dim(spec.num_classes, "K"))
        if spec.teacher_num_classes is None:
            graph.outputs, graph.predict = {"logits": cls}, cls
            return
        read = self.layer("read_dist", ReadToken(1), [x], "teacher_num_classes")
        dist = self.head("head_dist", read, Dim(spec.teacher_num_classes, "T"))
        graph.outputs = {"cls": cls, "dist": dist}
        graph.predict = self.join_heads(graph.outputs)

    def read_class(self, x: str) -> str:
        spec = self.spec
        alone = spec.teacher_num_classes is None
        if alone and spec.variant.readout == "mean_tokens":
            return self.layer("read_mean", MeanOfTokens(2), [x], "variant.readout")
        return self.layer("read_cls", ReadToken(0), [x], "num_classes")

    def head(self, path: str, x: str, classes: Dim) -> str:
        op = Linear(self.dims.width, classes, self.weights)
        field = "num_classes" if path == "head" else "teacher_num_classes"
        return self.layer(path, op, [x], field)

    def join_heads(self, heads: Mapping[str, str]) -> str:
        fusion = self.spec.fusion
        if fusion in heads:
            return heads[fusion]
        op = MeanLogits() if fusion == "mean_logits" else MeanSoftmax()
        return self.layer("predict", op, heads.values(), "variant.fusion")


_Step: TypeAlias = tuple[str, Op | None, tuple[str, ...], Span | None]
