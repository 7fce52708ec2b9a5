"""The bytes of activations are those that torch allocates."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.execution import kept_bytes, peak_bytes, written_bytes
from support.strategies import merging_specs, specs
from torch import Tensor, nn

import deit_spec
from deit_spec import DeiTSpec, LayerGraph
from deit_spec.cost import Dtype, Memory
from deit_spec.ops import Dropout, elements

BATCHES = st.integers(1, 3)
DTYPES = st.sampled_from([Dtype.FLOAT32, Dtype.FLOAT64])


DROP: Any = st.fixed_dictionaries({"drop_unread": st.booleans()})


def built(
    spec: DeiTSpec, batch: int, dtype: Dtype, **options: Any
) -> tuple[LayerGraph, nn.Module, Tensor]:
    compiled = deit_spec.compile(spec, **options)
    model = compiled.build(dtype=dtype.value)
    size = (batch, spec.in_channels, spec.image_size, spec.image_size)
    return compiled.graph, model, torch.randn(size, dtype=getattr(torch, dtype.value))


@given(specs() | merging_specs(), BATCHES, DTYPES, DROP)
def test_training_keeps_what_autograd_keeps(
    spec: DeiTSpec,
    batch: int,
    dtype: Dtype,
    options: dict[str, Any],
) -> None:
    graph, model, images = built(spec, batch, dtype, **options)
    # torch's dropout keeps one byte per element on accelerators, an element on CPUs.
    flags = sum(
        batch * elements(graph.shape(path))
        for path, op in graph.ops()
        if isinstance(op, Dropout)
    )
    wanted = kept_bytes(model.train(), images) - flags * (dtype.size - 1)
    assert sum(Memory(graph, batch, dtype).kept().values()) == wanted


@given(specs() | merging_specs(), BATCHES, DTYPES, DROP)
def test_forward_writes_what_torch_writes(
    spec: DeiTSpec,
    batch: int,
    dtype: Dtype,
    options: dict[str, Any],
) -> None:
    graph, model, images = built(spec, batch, dtype, **options)
    memory = Memory(graph, batch, dtype)
    with torch.no_grad():
        assert sum(memory.written().values()) == written_bytes(
            graph, model.eval(), images
        )
        assert memory.peak().bytes == peak_bytes(graph, model, images)


@given(specs())
def test_memory_grows_with_the_batch_and_the_dtype(spec: DeiTSpec) -> None:
    graph = deit_spec.compile(spec).graph
    one, three = (Memory(graph, batch, Dtype.FLOAT32) for batch in (1, 3))
    double = Memory(graph, 1, Dtype.FLOAT64)
    half, brain = (Memory(graph, 1, d) for d in (Dtype.FLOAT16, Dtype.BFLOAT16))
    assert three.peak().bytes == 3 * one.peak().bytes == 3 * double.peak().bytes // 2
    assert half.written() == brain.written()
    assert all(2 * n == one.written()[p] for p, n in half.written().items())
    for path, number in one.kept().items():
        assert three.kept()[path] == 3 * number
        # Statistics stay in float32.
        assert number <= 2 * half.kept()[path] <= 2 * number


def test_what_a_block_keeps() -> None:
    """The bytes of DeiT-Ti follow the formula in the documentation."""
    n, c, heads, m, blocks = 197, 192, 3, 768, 12
    graph = deit_spec.compile("deit_tiny_patch16_224").graph
    kept = sum(Memory(graph, 8, Dtype.BFLOAT16).kept().values())
    block = n * (8 * c + 2 * m) * 2 + n * (4 + heads) * 4
    ends = 3 * 224 * 224 * 2 + 2 * n * c * 2 + 2 * n * 4
    assert kept == 8 * (blocks * block + ends)


@pytest.mark.parametrize("target", ["train", "inference"])
def test_memory_of_both_targets(target: str) -> None:
    graph = deit_spec.compile("specs/tiny.yaml", target=target).graph
    memory = Memory(graph, 1, Dtype.FLOAT32)
    peak = memory.peak()
    assert 0 < peak.bytes < sum(memory.written().values())
    assert peak.path in graph.network
