"""Simplify the attention of an ONNX model."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import onnx_ir


def split_heads_in_attention(model: "onnx_ir.Model") -> None:
    """Let the `Attention` nodes of a model split and join the heads, in place.

    torch's exporter translates the generated code operator by operator: `Reshape`,
    `Transpose`, `Slice` and `Squeeze` before each `Attention` node, and two more after
    it. The node also takes queries, keys and values as `[B, N, C]`, which one `Split`
    returns. Other forms of attention are left as they are.
    """
    from onnxscript.rewriter import pattern, rewrite  # noqa: PLC0415  -- of `onnx`

    rules = [
        pattern.RewriteRule(_fused, _split_fused),
        pattern.RewriteRule(_separate, _split_separate),
    ]
    rewrite(model, pattern_rewrite_rules=rules)


def _fused(op: Any, x: Any, heads: Any, joined: Any) -> Any:
    """Attention whose queries, keys and values are one projection, `[B, N, 3C]`."""
    return _joined(op, joined, *_parts(op, x, heads, 3))


def _split_fused(op: Any, x: Any, heads: Any, **_: Any) -> Any:
    return _attention(op, heads, *op.Split(x, num_outputs=3, axis=2, _outputs=3))


def _separate(op: Any, q: Any, q_heads: Any, x: Any, heads: Any, joined: Any) -> Any:  # noqa: PLR0913, PLR0917  -- one argument per input
    """Attention whose queries are projected separately, for fewer tokens."""
    q = op.Transpose(op.Reshape(q, q_heads), perm=[0, 2, 1, 3])
    return _joined(op, joined, q, *_parts(op, x, heads, 2))


def _split_separate(op: Any, q: Any, x: Any, heads: Any, **_: Any) -> Any:
    return _attention(op, heads, q, *op.Split(x, num_outputs=2, axis=2, _outputs=2))


def _parts(op: Any, x: Any, heads: Any, count: int) -> list[Any]:
    """The parts of a projection, each `[B, H, N, D]`."""
    x = op.Transpose(op.Reshape(x, heads), perm=[2, 0, 3, 1, 4])
    return [op.Squeeze(op.Slice(x, [n], [n + 1], [0]), [0]) for n in range(count)]


def _joined(op: Any, shape: Any, q: Any, k: Any, v: Any) -> Any:
    return op.Reshape(op.Transpose(op.Attention(q, k, v), perm=[0, 2, 1, 3]), shape)


def _attention(op: Any, shape: Any, q: Any, k: Any, v: Any) -> Any:
    """Attention of `[B, N, C]`; `shape` is `[B, N, parts, H, D]`."""
    heads = int(shape.const_value.numpy()[3])
    return op.Attention(q, k, v, q_num_heads=heads, kv_num_heads=heads)
