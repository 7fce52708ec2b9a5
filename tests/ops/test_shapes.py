"""Every op rejects shapes that do not fit, with both numbers in the message."""

import re

import pytest

import deit_spec
from deit_spec.ops import (
    BATCH,
    Add,
    Attend,
    AttentionWeights,
    Dim,
    Dropout,
    ExpandBatch,
    FlattenGrid,
    Images,
    JoinTokens,
    LayerNorm,
    LayerScale,
    Linear,
    LinearPart,
    MeanLogits,
    MeanOfTokens,
    MergeHeads,
    Op,
    PatchGrid,
    PatchProjection,
    PatchWeights,
    ReadToken,
    SeparateHeads,
    Shape,
    ShapeError,
    SplitHeads,
    TakePart,
    TakeTokens,
    TokenScores,
    TruncatedNormal,
    letters,
    show,
)

INIT = TruncatedNormal(0.02)
C = Dim(8, "C")
N = Dim(5, "N")
TOKENS: Shape = (BATCH, N, C)


def shape(*sizes: int) -> Shape:
    return (BATCH, *map(Dim, sizes))


REFUSED: list[tuple[Op, tuple[Shape, ...], str]] = [
    (Linear(Dim(7), C, INIT), (TOKENS,), "expects a last dimension of 7, not C=8"),
    (LayerNorm(Dim(7), 1e-6), (TOKENS,), "expects a last dimension of 7, not C=8"),
    (LayerScale(Dim(7), 1.0), (TOKENS,), "expects a last dimension of 7, not C=8"),
    (
        PatchProjection(3, C, 4),
        (shape(3, 10, 10),),
        "cannot divide a side of 10 into patches of 4: the remainder is 2",
    ),
    (
        PatchProjection(3, C, 4),
        (shape(3, 8, 10),),
        "cannot divide a side of 10 into patches of 4: the remainder is 2",
    ),
    (PatchProjection(3, C, 4), (shape(1, 8, 8),), "expects channels 3, not 1"),
    (PatchProjection(3, C, 4), (TOKENS,), "expects 4 dimensions, not 3: [B, N=5, C=8]"),
    (FlattenGrid(Dim(9, "P")), (shape(8, 2, 2),), "expects P=9 patches, not 2 × 2"),
    (
        SplitHeads(3, Dim(2, "H"), Dim(5, "D")),
        ((BATCH, N, C.times(3)),),
        "cannot split 3C=24 into 3 × H=2 × D=5 = 30",
    ),
    (TakePart(0, 3), (shape(5, 2, 2, 4),), "expects parts 3, not 2"),
    (
        Attend(),
        (shape(2, 5, 4), shape(2, 5, 4), shape(2, 6, 4)),
        "expects equal shapes of keys and values, not [B, 2, 5, 4] and [B, 2, 6, 4]",
    ),
    (
        Attend(),
        (shape(2, 5, 4), shape(3, 5, 4), shape(3, 5, 4)),
        "expects as many key heads as query heads, 2, not 3",
    ),
    (
        Attend(),
        (shape(2, 5, 4), shape(2, 5, 3), shape(2, 5, 3)),
        "expects a key width of 4, not 3",
    ),
    (MergeHeads(C), (shape(2, 5, 3),), "cannot join 2 × 3 = 6 channels into C=8"),
    (
        JoinTokens(N),
        (shape(1, 8), shape(3, 8)),
        "cannot join 1 + 3 = 4 tokens into N=5",
    ),
    (
        JoinTokens(N),
        (shape(1, 8), shape(4, 7)),
        "expects tokens of the same width, 8, not 7",
    ),
    (ExpandBatch(), (TOKENS,), "expects a first dimension of 1, not B"),
    (ReadToken(5), (TOKENS,), "cannot read token 5 of [B, N=5, C=8], which has N=5"),
    (MeanOfTokens(6), (TOKENS,), "cannot average 6 tokens of [B, N=5, C=8]"),
    (Add(), (TOKENS, shape(4, 8)), "cannot add [B, 4, 8] to [B, N=5, C=8]"),
    (MeanLogits(), (shape(3), shape(4)), "cannot average heads of [B, 3] and [B, 4]"),
    (
        TakeTokens(4, Dim(2, "R")),
        (TOKENS,),
        "cannot take tokens 4 to 5 of [B, N=5, C=8]",
    ),
    (
        LinearPart(2, 2, 3, C, bias=True),
        (TOKENS, (C.times(3), C)),
        "cannot use part 3 of 3",
    ),
    (
        LinearPart(0, 1, 3, C, bias=True),
        (TOKENS, (C, C)),
        "expects rows of weights, 3C=24, not C=8",
    ),
    (
        SeparateHeads(Dim(2, "H"), Dim(5, "D")),
        (TOKENS,),
        "cannot split C=8 into H=2 × D=5 = 10",
    ),
    (
        AttentionWeights(Dim(4)),
        (shape(2, 5, 4), shape(3, 5, 4)),
        "expects as many key heads as query heads, 2, not 3",
    ),
    (
        TokenScores(5),
        (shape(2, 5, 4), shape(2, 5, 4)),
        "cannot read query 5 of [B, 2, 5, 4]",
    ),
    (
        PatchWeights(Dim(4), 2, Dim(4, "P")),
        (shape(2, 5),),
        "expects 2 + P=4 tokens, not 5: [B, 2, 5]",
    ),
    (
        PatchGrid(1, Dim(2), Dim(3)),
        (TOKENS,),
        "expects 1 + P=6 tokens, not N=5: [B, N=5, C=8]",
    ),
]


@pytest.mark.parametrize(("op", "inputs", "message"), REFUSED)
def test_refused(op: Op, inputs: tuple[Shape, ...], message: str) -> None:
    with pytest.raises(ShapeError) as caught:
        op.infer(*inputs)
    assert str(caught.value) == message


def test_attention_of_fewer_queries() -> None:
    """There may be fewer queries than keys."""
    q, kv = shape(2, 1, 4), shape(2, 5, 4)
    assert Attend().infer(q, kv, kv) == q
    assert Attend().macs(q, kv, kv) == 2 * 2 * 1 * 5 * 4


def test_shapes_as_text() -> None:
    fused = (BATCH, N, C.times(3))
    assert show(fused) == "[B, N=5, 3C=24]"
    assert letters(fused) == "[B, N, 3C]"
    assert show(Images(3, 8).infer()) == "[B, 3, 8, 8]"


def test_ops_compare_by_value() -> None:
    assert Dropout(0.1) == Dropout(0.1) != Dropout(0.2)
    assert len({Linear(C, C, INIT), Linear(C, C, INIT)}) == 1


def test_summaries_of_one_are_in_the_singular() -> None:
    spec = {"embed_dim": 12, "num_heads": 1, "variant": {"merge_tokens": 1}}
    graph = deit_spec.compile(spec).graph
    summaries = {graph.op(path).summary for path in graph}
    assert {"3 × 1 head", "merge 1 token"} <= summaries
    assert not [each for each in summaries if re.search(r"\b1 \w+s$", each)]
