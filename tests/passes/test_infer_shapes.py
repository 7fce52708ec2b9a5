"""Shapes are proven before weights exist; each failure has its span."""

import pytest

import deit_spec
from deit_spec import DeiTSpec
from deit_spec.lowering import lower
from deit_spec.ops import Dim, Linear, TruncatedNormal
from deit_spec.passes import ShapeInferenceError, infer_shapes
from deit_spec.pipeline import _lower
from deit_spec.spec import check_spec


def test_failure_is_reported_once_with_both_sizes_and_the_line() -> None:
    graph = _lower(
        check_spec({"embed_dim": 8, "num_heads": 2, "num_classes": 5, "depth": 2})
    )
    narrow = Linear(Dim(7), Dim(8, "C"), TruncatedNormal(0.02))
    for path in ("blocks.0.attn.proj", "head"):
        graph.network.nodes[path]["op"] = narrow
    with pytest.raises(ShapeInferenceError) as caught:
        infer_shapes(graph)
    (found,) = caught.value.diagnostics  # the head depends on the first failure
    assert found.code == "DS301"
    assert found.message == "blocks.0.attn.proj expects a last dimension of 7, not C=8"
    assert str(found.primary.span) == "<mapping>:1:12"
    assert found.notes == ("blocks.0.attn.merge returns [B, N=198, C=8]",)


def test_all_independent_failures_are_reported() -> None:
    spec = DeiTSpec(num_classes=5, teacher_num_classes=5)
    graph = lower(spec)
    narrow = Linear(Dim(7), Dim(5), TruncatedNormal(0.02))
    for path in ("head", "head_dist"):
        graph.network.nodes[path]["op"] = narrow
    with pytest.raises(ShapeInferenceError) as caught:
        infer_shapes(graph)
    messages = [finding.message.split()[0] for finding in caught.value.diagnostics]
    assert messages == ["head", "head_dist"]


def test_identities_are_removed() -> None:
    train = deit_spec.compile(
        {"dropout": 0.1, "depth": 2, "variant": {"drop_path": 0.2}}
    )
    plain = deit_spec.compile({"depth": 2})
    inference = deit_spec.compile(
        {"dropout": 0.1, "depth": 2, "variant": {"drop_path": 0.2}},
        target="inference",
        drop_unread=False,
    )
    assert list(inference.graph.network) == list(plain.graph.network)
    assert "pos_drop" in train.graph.network
    assert "blocks.0.drop_path1" not in train.graph.network
    assert "blocks.1.drop_path1" in train.graph.network
