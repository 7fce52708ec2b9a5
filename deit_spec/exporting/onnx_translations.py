"""Operators that torch translates to ONNX only in part, as functions of ONNX."""

from collections.abc import Callable
from typing import Any, Final

import torch

ATTENTION_OPSET: Final = 23
"""The first opset with an operator for attention."""


def translations(opset: int) -> dict[Callable[..., Any], Callable[..., Any]]:
    """The functions of ONNX for operators of torch, in an opset."""
    found: dict[Callable[..., Any], Callable[..., Any]]
    found = {torch.ops.aten.sort.stable: _stable_sort}
    if opset >= ATTENTION_OPSET:
        found[torch.ops.aten.scaled_dot_product_attention.default] = _attention
    return found


def _stable_sort(
    x: Any,
    stable: bool | None = None,  # noqa: ARG001, FBT001  -- TopK always is
    dim: int = -1,
    descending: bool = False,  # noqa: FBT001, FBT002  -- as torch passes it
) -> Any:
    """Sort by TopK, which orders equal values by their index."""
    from onnxscript import opset18 as op  # noqa: PLC0415  -- of the extra `onnx`

    length = op.Shape(x, start=dim, end=dim + 1)
    return op.TopK(x, length, axis=dim, largest=int(descending), sorted=1)


def _attention(query: Any, key: Any, value: Any, attn_mask: Any = None) -> Any:
    """Attention, with one row of the mask for each query.

    ONNX Runtime does not broadcast these rows.
    """
    from onnxscript import opset23  # noqa: PLC0415  -- of the extra `onnx`

    op: Any = opset23  # whose annotations accept no results of other operators
    if attn_mask is None:
        return op.Attention(query, key, value)[0]
    one = op.Constant(value_ints=[1])
    rows = op.Shape(query, start=2, end=3)
    mask = op.Expand(attn_mask, op.Concat(one, one, rows, one, axis=0))
    return op.Attention(query, key, value, mask)[0]
