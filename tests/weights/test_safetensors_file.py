"""Our reader and writer agree with the safetensors library."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor

from deit_spec.weights import WeightsError
from deit_spec.weights.safetensors_file import DTYPES, read, write


@st.composite
def states(draw: st.DrawFn) -> dict[str, Tensor]:
    """Tensors of every type and of odd shapes, under odd names."""
    names = draw(st.lists(st.text(max_size=6), max_size=5, unique=True))
    state = {}
    for name in names:
        kind = draw(st.sampled_from(sorted(DTYPES)))
        shape = draw(st.lists(st.integers(0, 3), max_size=3))
        numbers = torch.randn(shape)
        state["t" + name] = numbers.to(DTYPES[kind])
    return state


def bits(tensor: Tensor) -> Any:
    flat = tensor.contiguous().view(-1)
    raw = flat if tensor.dtype is torch.bool else flat.view(torch.uint8)
    return tensor.dtype, tuple(tensor.shape), raw.tolist()


@given(states())
def test_both_ways(
    tmp_path_factory: pytest.TempPathFactory, state: dict[str, Tensor]
) -> None:
    folder = tmp_path_factory.mktemp("files")
    ours, theirs = folder / "ours", folder / "theirs"
    with ours.open("wb") as file:
        write(file, state)
    save_file(state, theirs, metadata={"format": "pt"})
    assert ours.read_bytes() == theirs.read_bytes()
    wanted = {name: bits(tensor) for name, tensor in state.items()}
    assert {name: bits(tensor) for name, tensor in read(theirs, "w").items()} == wanted
    assert {name: bits(tensor) for name, tensor in load_file(ours).items()} == wanted


def entry(**changes: Any) -> dict[str, Any]:
    return {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}}


BAD = {
    "no mapping": [],
    "dtype": entry(dtype="F31"),
    "no dtype": {"a": {"shape": [2], "data_offsets": [0, 8]}},
    "an entry that is none": {"a": 3},
    "negative": entry(shape=[-2]),
    "true": entry(shape=[True, 2]),
    "float": entry(shape=[2.0]),
    "too large": entry(shape=[3]),
    "huge": entry(shape=[2**70, 0, 2**70], data_offsets=[0, 8]),
    "three offsets": entry(data_offsets=[0, 8, 8]),
    "turned": entry(data_offsets=[8, 0]),
    "hole": entry(data_offsets=[4, 12]),
    "beyond": {**entry(), "b": {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]}},
    "overlap": {
        **entry(),
        "b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]},
    },
    "nothing there": {},
}


@pytest.mark.parametrize("name", BAD)
def test_headers_that_lie(name: str, tmp_path: Path) -> None:
    header = json.dumps(BAD[name]).encode()
    path = tmp_path / "w"
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 8)
    with pytest.raises(WeightsError) as caught:
        read(path, "w")
    assert [each.code for each in caught.value.diagnostics] == ["DS403"]


@pytest.mark.parametrize(
    "header",
    [b"{", b"\xff{", b'{"a": 1, "a": 1}', b"[" * 100_000, b"9" * 5000],
)
def test_headers_that_are_no_json(header: bytes, tmp_path: Path) -> None:
    path = tmp_path / "w"
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 8)
    with pytest.raises(WeightsError):
        read(path, "w")
