"""Files that hold no weights, and tensors that are none."""

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from support.checkpoints import DISTILLED, error_of, same, save, state_of

import deit_spec
from deit_spec.weights import WeightsError, open_checkpoint

OTHERS = {
    b"": ("DS403", "it is empty"),
    b"version https://git-lfs.github.com/spec/v1\noid": ("DS402", "pointer of Git LFS"),
    b"<!doctype html><html>": ("DS402", "HTML"),
    b"\x1f\x8b\x08\x00": ("DS402", "gzip"),
    b'{"model_type": "deit"}': ("DS402", "JSON"),
    b"\x93NUMPY\x01\x00": ("DS402", "NumPy"),
    b"\x89HDF\r\n\x1a\n": ("DS402", "HDF5"),
    b"cposix\nsystem\n": ("DS402", "neither safetensors nor"),
    b"\x00" * 64: ("DS402", "neither safetensors nor"),
}


@pytest.mark.parametrize("data", OTHERS)
def test_other_files_are_told_apart(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(data)
    found = error_of(path)
    code, words = OTHERS[data]
    assert found.code == code
    assert words in found.message


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in ("nowhere.pth", ".", "pipe", "a\0b", "x" * 5000):
        assert error_of(tmp_path / path).code == "DS401"
    assert error_of(tmp_path / "a\0b").message.endswith("that a file can have")
    if os.geteuid():  # root may read anything
        (tmp_path / "w").touch(mode=0)
        assert error_of(tmp_path / "w").code == "DS401"


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        3,
        "text",
        {"model": {}},
        {"epoch": 3},
        {3: torch.zeros(1)},
        torch.ones(2),
    ],
)
@pytest.mark.parametrize("legacy", [True, False])
def test_no_state_dict(value: Any, legacy: bool, tmp_path: Path) -> None:  # noqa: FBT001
    path = save(value, tmp_path / "w", _use_new_zipfile_serialization=not legacy)
    assert error_of(path).code == "DS405"


def odd_tensors() -> dict[str, tuple[torch.Tensor, str]]:
    plain = torch.ones(2, 3)
    quantised = torch.quantize_per_tensor(plain, 0.1, 0, torch.qint8)
    return {
        "nested": (torch.nested.nested_tensor([plain, plain[:1]]), "is nested"),
        "sparse": (torch.eye(3).to_sparse(), "is sparse or quantised"),
        "in rows": (torch.eye(3).to_sparse_csr(), "is sparse or quantised"),
        "quantised": (quantised, "is sparse or quantised"),
        "meta": (plain.to("meta"), "has no data"),
    }


@pytest.mark.filterwarnings("ignore:Sparse CSR|.*quantize|.*nested tensors")
@pytest.mark.parametrize("legacy", [True, False])
@pytest.mark.parametrize("kind", ["nested", "sparse", "in rows", "quantised", "meta"])
def test_tensors_of_other_kinds(kind: str, legacy: bool, tmp_path: Path) -> None:  # noqa: FBT001
    odd, words = odd_tensors()[kind]
    state = {**state_of(DISTILLED), "norm.weight": odd}
    options = {"_use_new_zipfile_serialization": not legacy}
    found = error_of(save({"model": state}, tmp_path / "w.pth", **options))
    assert found.code == "DS407"
    if (kind, legacy) == ("nested", True):  # torch would make it of garbage
        assert found.message.startswith("the file has a nested tensor")
    else:
        assert found.message.startswith(f"norm.weight {words}")


@pytest.mark.parametrize("dtype", [torch.uint16, torch.float8_e5m2])
def test_types_that_are_younger_than_the_format(
    dtype: torch.dtype, tmp_path: Path
) -> None:
    state = {"w": torch.zeros(2, dtype=dtype)}
    path = save(state, tmp_path / "w", _use_new_zipfile_serialization=False)
    assert error_of(path).code == "DS407"
    assert same(dict(open_checkpoint(save(state, tmp_path / "z")).tensors), state)


def test_tensors_that_are_no_weights(tmp_path: Path) -> None:
    state = {name: t.to(torch.int32) for name, t in state_of(DISTILLED).items()}
    with pytest.raises(WeightsError) as caught:
        deit_spec.load(DISTILLED, weights=save(state, tmp_path / "integers"))
    assert [each.code for each in caught.value.diagnostics] == ["DS407"]


def test_an_error_reads_well_and_pickles(tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        open_checkpoint(tmp_path / "w.pth")
    error = caught.value
    assert "error[DS401]: the checkpoint is not there" in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert [d.message for d in again.diagnostics] == [
        d.message for d in error.diagnostics
    ]
