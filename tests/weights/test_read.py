"""Formats are detected from the content; directories, shards and configs."""

import json
import os
import pickle
import re
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from support.checkpoints import (
    DISTILLED,
    PLAIN,
    error_of,
    model_of,
    same,
    save,
    state_of,
)

import deit_spec
from deit_spec.weights import WeightsError, open_checkpoint


def as_safetensors(state: Any, path: Path) -> None:
    save_file(state, path)


def as_legacy(state: Any, path: Path) -> None:
    torch.save(state, path, _use_new_zipfile_serialization=False)


FORMATS = {
    "safetensors": as_safetensors,
    "torch, zip": torch.save,
    "torch, before 1.6": as_legacy,
}


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".bin", ".txt", ""])
def test_the_content_decides(kind: str, suffix: str, tmp_path: Path) -> None:
    state = state_of(DISTILLED)
    path = tmp_path / f"weights{suffix}"
    FORMATS[kind](state, path)
    if (kind, suffix) == ("torch, zip", ".safetensors"):
        found = error_of(path)  # torch cannot map a file of this name
        assert (found.code, found.helps) == ("DS402", ("rename it",))
        return
    found = open_checkpoint(path)
    assert found.format == kind
    assert same(dict(found.tensors), state)
    loaded = deit_spec.load(DISTILLED, weights=path).state_dict()
    assert same(dict(loaded), state)


@pytest.mark.parametrize("kind", ["safetensors", "torch, zip"])
def test_tensors_are_mapped_privately(kind: str, tmp_path: Path) -> None:
    """Training a loaded model does not change the file, and no memory is shared."""
    path = tmp_path / "w"
    FORMATS[kind](state_of(DISTILLED), path)
    before = path.read_bytes()
    model = deit_spec.load(DISTILLED, weights=path)
    storages = {p.untyped_storage().data_ptr() for p in model.parameters()}
    assert len(storages) == len(list(model.parameters()))
    for parameter in model.parameters():
        assert parameter.untyped_storage().nbytes() == parameter.nbytes
        assert parameter.requires_grad
        with torch.no_grad():
            parameter.add_(1)
    assert path.read_bytes() == before
    again = pickle.loads(pickle.dumps(model))
    assert same(dict(again.state_dict()), dict(model.state_dict()))


OTHERS = {
    b"": ("DS403", "it is empty"),
    b"version https://git-lfs.github.com/spec/v1\noid": ("DS402", "Git LFS pointer"),
    b"<!doctype html><html>": ("DS402", "HTML"),
    b"\x1f\x8b\x08\x00": ("DS402", "neither a safetensors file nor"),
    b'{"model_type": "deit"}': ("DS402", "JSON"),
    b"cposix\nsystem\n": ("DS402", "neither a safetensors file nor"),
    b"\x00" * 64: ("DS402", "neither a safetensors file nor"),
    b"GGUF\x03\x00\x00\x00": ("DS402", "a quantised model of llama.cpp (GGUF)"),
    b"\x89HDF\r\n\x1a\n": ("DS402", "HDF5 (Keras)"),
}


@pytest.mark.parametrize("data", OTHERS)
def test_other_formats_are_named(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(data)
    found = error_of(path)
    code, words = OTHERS[data]
    assert found.code == code
    assert words in found.message


def test_paths_without_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in ("nowhere.pth", ".", "pipe", "a\0b", "x" * 5000):
        assert error_of(tmp_path / path).code == "DS401"
    assert error_of(tmp_path / "a\0b").message.endswith("contains a null character")
    if os.geteuid():  # root may read anything
        (tmp_path / "w").touch(mode=0)
        assert error_of(tmp_path / "w").code == "DS401"


def test_an_error_reads_well_and_pickles(tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        open_checkpoint(tmp_path / "w.pth")
    error = caught.value
    assert "error[DS401]: the checkpoint does not exist" in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert [d.message for d in again.diagnostics] == [
        d.message for d in error.diagnostics
    ]


def folder_of(path: Path, files: dict[str, Any], config: Any = None) -> Path:
    path.mkdir()
    for name, value in files.items():
        if name.endswith(".safetensors"):
            save_file(value, path / name)
        elif name.endswith(".json"):
            (path / name).write_text(json.dumps(value))
        else:
            torch.save(value, path / name)
    if config is not None:
        (path / "config.json").write_text(json.dumps(config))
    return path


def halves(state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    names = sorted(state)
    middle = len(names) // 2
    one, other = names[:middle], names[middle:]
    return {n: state[n] for n in one}, {n: state[n] for n in other}


@pytest.mark.parametrize("end", ["safetensors", "bin"])
def test_directories(end: str, tmp_path: Path) -> None:
    state = state_of(DISTILLED)
    stem = "model" if end == "safetensors" else "pytorch_model"
    whole = folder_of(tmp_path / "whole", {f"{stem}.{end}": state}, {"a": 1})
    found = open_checkpoint(whole)
    assert same(dict(found.tensors), state)
    assert found.config == {"a": 1}
    parts = [f"{stem}-0000{n}-of-00002.{end}" for n in (1, 2)]
    places = dict(zip(parts, halves(state), strict=True))
    weight_map = {name: part for part, held in places.items() for name in held}
    index = {f"{stem}.{end}.index.json": {"weight_map": weight_map}}
    shards = folder_of(tmp_path / "shards", {**places, **index})
    assert same(dict(open_checkpoint(shards).tensors), state)
    (shards / parts[0]).unlink()
    found = error_of(shards)
    assert found.code == "DS401"
    assert found.message == (
        f"{stem}.{end}.index.json names {parts[0]}, which does not exist"
    )
    shutil.copy(shards / parts[1], shards / parts[0])
    assert error_of(shards).code == "DS403"


@pytest.mark.parametrize("prefix", ["module.", "module._orig_mod.", "net."])
def test_a_prefix_of_all_shards_is_removed(prefix: str, tmp_path: Path) -> None:
    state = state_of(DISTILLED)
    shards = {
        f"{number}.bin": {f"{prefix}{name}": tensor for name, tensor in half.items()}
        for number, half in enumerate(halves(state))
    }
    weight_map = {name: file for file, held in shards.items() for name in held}
    index = {"pytorch_model.bin.index.json": {"weight_map": weight_map}}
    folder = folder_of(tmp_path / "f", {**shards, **index})
    assert same(dict(open_checkpoint(folder).tensors), state)
    assert error_of(folder, entry="student").code == "DS405"
    wrapped = {name: {"state_dict": held} for name, held in shards.items()}
    found = error_of(folder_of(tmp_path / "g", {**wrapped, **index}))
    assert found.code == "DS403"
    assert f"no file has {prefix}" in found.message


def test_a_prefix_of_one_shard_is_kept(tmp_path: Path) -> None:
    files = {
        "1.bin": {"module.a": torch.zeros(1)},
        "2.bin": {"b": torch.zeros(1)},
        "pytorch_model.bin.index.json": {
            "weight_map": {"module.a": "1.bin", "b": "2.bin"}
        },
    }
    found = open_checkpoint(folder_of(tmp_path / "f", files))
    assert set(found.tensors) == {"module.a", "b"}


def test_a_tensor_in_two_shards(tmp_path: Path) -> None:
    """It is taken from the one that the index names."""
    state = state_of(DISTILLED)
    files = {
        "1.bin": state,
        "2.bin": {"cls_token": state["cls_token"] + 1, "x": torch.zeros(1)},
        "pytorch_model.bin.index.json": {
            "weight_map": {**dict.fromkeys(state, "1.bin"), "cls_token": "2.bin"}
        },
    }
    found = open_checkpoint(folder_of(tmp_path / "f", files))
    state["cls_token"] += 1
    assert same(dict(found.tensors), state)


def test_a_named_pipe_beside_a_file_is_ignored(tmp_path: Path) -> None:
    save(state_of(DISTILLED), tmp_path / "w.pth")
    os.mkfifo(tmp_path / "config.json")
    assert open_checkpoint(tmp_path / "w.pth").config == {}


@pytest.mark.parametrize("place", ["../w.bin", "/etc/passwd", "..", "", 3, "a\\b"])
def test_an_index_does_not_lead_out_of_its_directory(
    place: Any, tmp_path: Path
) -> None:
    save(state_of(DISTILLED), tmp_path / "w.bin")
    index = {"weight_map": {"cls_token": place}}
    folder = folder_of(tmp_path / "f", {"pytorch_model.bin.index.json": index})
    assert error_of(folder).code == "DS403"


def test_a_config_beside_a_file(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "f", {"model.safetensors": state_of(DISTILLED)})
    assert open_checkpoint(folder / "model.safetensors").config == {}
    (folder / "config.json").write_text('{"model_type": "deit"}')
    found = open_checkpoint(folder / "model.safetensors")
    assert found.config == {"model_type": "deit"}
    (folder / "config.json").write_text("{")
    assert open_checkpoint(folder / "model.safetensors").config == {}
    assert error_of(folder).code == "DS403"


def write_arrays(path: Path) -> None:
    """Google's files of vision transformers are such archives."""
    np.savez(path, **{"Transformer/encoderblock_0/LayerNorm_0/scale": np.ones(3)})


def write_compressed(path: Path) -> None:
    np.savez_compressed(path, cls=np.ones(3))


def write_array(path: Path) -> None:
    np.save(path, np.ones(3))


def write_paddle(path: Path) -> None:
    """What `paddle.save(layer.state_dict())` writes: arrays and their other names."""
    arrays: dict[str, Any] = {"cls_token": np.ones((1, 1, 3), "float32")}
    arrays["StructuredToParameterName@@"] = {"cls_token": "create_parameter_0.w_0"}
    path.write_bytes(pickle.dumps(arrays, protocol=4))


def write_script(path: Path) -> None:
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), path)


def write_exported(path: Path) -> None:
    exported = torch.export.export(torch.nn.Linear(2, 2), (torch.zeros(1, 2),))
    torch.export.save(exported, path)


def write_quantised_layers(path: Path) -> None:
    """Dynamic quantisation of torch packs weight and bias of each linear layer."""
    model = torch.nn.Sequential(torch.nn.Linear(2, 2))
    kinds = {torch.nn.Linear}
    quantised = torch.ao.quantization.quantize_dynamic(model, kinds, torch.qint8)
    torch.save(quantised.state_dict(), path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("write", "said", "way_out"),
    [
        (write_arrays, "DS402 NumPy archive (.npz)", "checkpoint_path=FILE"),
        (write_compressed, "DS402 NumPy archive (.npz)", "model.state_dict()"),
        (write_array, "DS402 NumPy array (.npy)", "model.state_dict()"),
        (write_paddle, "DS402 NumPy arrays (.pdparams)", "transposed"),
        (write_script, "DS404 TorchScript program", "torch.jit.load(FILE)"),
        (write_exported, "DS402 exported program (.pt2)", "torch.export.load(FILE)"),
        (write_quantised_layers, "DS407 quantised tensor", "dequantise it"),
    ],
)
def test_files_of_others_are_named_with_a_way_out(
    write: Any, said: str, way_out: str, tmp_path: Path
) -> None:
    suffix = re.search(r"\.\w+", said)
    path = tmp_path / f"w{suffix.group() if suffix else '.pt'}"
    write(path)
    found = error_of(path)
    code, words = said.split(" ", 1)
    assert found.code == code
    assert words in found.message
    assert any(way_out in help_ for help_ in found.helps)


def test_the_way_out_of_torchscript_works(tmp_path: Path) -> None:
    """As the help says it."""
    model = model_of(PLAIN)
    path = tmp_path / "script.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(model, torch.zeros(1, 3, 32, 32)), path)
        torch.save(torch.jit.load(path).state_dict(), tmp_path / "w.pth")
    loaded = deit_spec.load(PLAIN, weights=tmp_path / "w.pth").state_dict()
    assert same(dict(loaded), dict(model.state_dict()))
