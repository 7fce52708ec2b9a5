"""Every format is read, and is told by its content alone."""

import argparse
import collections
import json
import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from support.checkpoints import DISTILLED, same, save, state_of

import deit_spec
from deit_spec.weights import Checkpoint, WeightsError, open_checkpoint


def error_of(path: Path, **options: Any) -> Any:
    with pytest.raises(WeightsError) as caught:
        open_checkpoint(path, **options)
    (diagnostic,) = caught.value.diagnostics
    return diagnostic


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
def test_content_decides_and_not_the_extension(
    kind: str, suffix: str, tmp_path: Path
) -> None:
    state = state_of(DISTILLED)
    path = tmp_path / f"weights{suffix}"
    FORMATS[kind](state, path)
    found = open_checkpoint(path)
    assert found.format == kind
    assert same(dict(found.tensors), state)
    loaded = deit_spec.load(DISTILLED, weights=path).state_dict()
    assert same(dict(loaded), state)


WRAPPERS: dict[str, Any] = {
    "model": lambda state: {"model": state, "epoch": 299, "optimizer": {"lr": 1.0}},
    "state_dict": lambda state: {"state_dict": state, "arch": "deit"},
    "model_ema": lambda state: {"model_ema": state},
    "state_dict.model": lambda state: {"state_dict": {"model": state}},
    "": lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
    "model ": lambda state: {
        "model": {f"module._orig_mod.{name}": t for name, t in state.items()},
        "args": argparse.Namespace(lr=0.1),
    },
}


@pytest.mark.parametrize("path", WRAPPERS)
def test_wrapped_state_dicts(path: str, tmp_path: Path) -> None:
    state = state_of(DISTILLED)
    found = open_checkpoint(save(WRAPPERS[path](state), tmp_path / "w.pth"))
    assert same(dict(found.tensors), state)
    assert ".".join(found.path) == path.strip()


def test_parameters_and_numbers_among_tensors(tmp_path: Path) -> None:
    state = state_of(DISTILLED)
    given = {name: torch.nn.Parameter(tensor) for name, tensor in state.items()}
    found = open_checkpoint(save({**given, "step": 3}, tmp_path / "w.pth"))
    assert same(dict(found.tensors), state)
    assert found.beside == ("step",)


def test_key_chooses_among_several(tmp_path: Path) -> None:
    one, other = state_of(DISTILLED, 1), state_of(DISTILLED, 2)
    path = save({"model": one, "model_ema": other}, tmp_path / "w.pth")
    assert same(dict(open_checkpoint(path).tensors), one)
    chosen = deit_spec.load(DISTILLED, weights=path, entry="model_ema")
    assert same(dict(chosen.state_dict()), other)
    assert open_checkpoint(path).beside == ("model_ema",)
    found = error_of(path, entry="teacher")
    assert found.code == "DS405"
    assert found.notes == ("it has mappings under model, model_ema",)


def test_key_leads_to_what_is_nested(tmp_path: Path) -> None:
    """A key that has the dots in itself comes before keys with dots between them."""
    one, other, third = (state_of(DISTILLED, seed) for seed in (1, 2, 3))
    nested = {"a": {"b": one, "b.c": other, "x": 3}, "seen": 7}
    path = save(nested, tmp_path / "w.pth")
    found = open_checkpoint(path, entry="a.b")
    assert same(dict(found.tensors), one)
    assert (found.path, found.beside) == (("a", "b"), ("seen", "b.c", "x"))
    assert open_checkpoint(path, entry="a.b.c").path == ("a", "b.c")
    path = save({**nested, "a.b": {"model": third}}, tmp_path / "w.pth")
    found = open_checkpoint(path, entry="a.b")
    assert same(dict(found.tensors), third)
    assert found.path == ("a.b", "model")
    for entry in ("a.c", "a.b.d", "a.", ".b", "", "a..b", "b", "seen"):
        assert error_of(path, entry=entry).code == "DS405"


def test_keys_that_are_no_text_are_told_apart(tmp_path: Path) -> None:
    state = {"w": torch.zeros(1)}
    long = "k" * 999
    value = {3: state, "3": state, (1, "x"): state, None: state, long: state}
    found = error_of(save(value, tmp_path / "w.pth"), entry="x")
    assert found.notes == (
        "it has mappings under 3 (int), 3, a tuple, None (NoneType) and 1 more",
    )
    found = error_of(save(value, tmp_path / "w.pth"))
    keys = "take what is under a key: `--key`, or `entry=` in Python, of 3"
    assert found.helps == ("save `model.state_dict()`", keys)
    path = save({**state, 3: 1, 2.5: 1, (1,) * 99: 1, long: 1}, tmp_path / "w.pth")
    beside = ("3 (int)", "2.5 (float)", "a tuple", "k" * 80 + "…")
    assert open_checkpoint(path).beside == beside


def test_the_keys_that_are_named_lead_to_tensors(tmp_path: Path) -> None:
    """Whole, from the outermost on; an optimiser's numbers have no names."""
    state = state_of(DISTILLED)
    optimizer = {"state": {0: {"exp_avg": torch.zeros(1)}}, "param_groups": []}
    inner = {"runs": {"best": state, "note": {"lr": 1}}, "optimizer": optimizer}
    itself: dict[str, Any] = {**inner, "line\nbreak": state}
    itself["itself"] = itself
    path = save(itself, tmp_path / "w.pth")
    for entry in ("optimizer", "runs", "runs.note", None, "no\nwhere"):
        found = error_of(path, entry=entry)
        assert found.code == "DS405"
        assert found.helps[-1].endswith("in Python, of runs.best")
        assert not any("\n" in text for text in (found.message, *found.notes))
    assert same(dict(open_checkpoint(path, entry="runs.best").tensors), state)


class Disguised:
    """Pickled as an ordered dict whose attributes hide its methods."""

    def __init__(self, items: dict[str, Any]) -> None:
        self.parts = items

    def __reduce__(self) -> Any:
        hidden = dict.fromkeys(("get", "items", "keys", "__iter__", "__len__"), 3)
        items = iter(self.parts.items())
        return collections.OrderedDict, (), hidden, None, items


@pytest.mark.parametrize("legacy", [True, False])
def test_attributes_hide_no_methods(legacy: bool, tmp_path: Path) -> None:  # noqa: FBT001
    state = state_of(DISTILLED)
    parameters = {name: torch.nn.Parameter(tensor) for name, tensor in state.items()}
    parameters["head.bias"].to = parameters["head.bias"].size = 3  # type: ignore[method-assign,assignment]
    value = Disguised({"model": Disguised(parameters)})
    options = {"_use_new_zipfile_serialization": not legacy}
    found = open_checkpoint(save(value, tmp_path / "w.pth", **options))
    assert same(dict(found.tensors), state)
    assert {type(tensor) for tensor in found.tensors.values()} == {torch.Tensor}


def test_signs_that_are_only_marked_are_done(tmp_path: Path) -> None:
    """The imaginary part of a conjugate has its own numbers with other signs."""
    part = torch.complex(torch.zeros(2), torch.ones(2)).conj().imag
    assert part.is_neg()
    found = open_checkpoint(save({"w": part}, tmp_path / "w.pth")).tensors["w"]
    assert not found.is_neg()
    assert found.tolist() == [-1, -1]


@pytest.mark.parametrize("kind", ["safetensors", "torch, zip"])
def test_tensors_are_mapped_privately(kind: str, tmp_path: Path) -> None:
    """Training a loaded model leaves the file alone; each tensor has its own memory."""
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
        f"{stem}.{end}.index.json names {parts[0]}, which is not there"
    )
    shutil.copy(shards / parts[1], shards / parts[0])
    assert error_of(shards).code == "DS403"


@pytest.mark.parametrize(
    ("wrap", "prefix", "entry"),
    [
        (None, "module.", None),
        (None, "module._orig_mod.", None),
        ("state_dict", "", None),
        ("state_dict", "module.", None),
        ("teacher", "module.", "teacher"),
    ],
)
def test_shards_are_unwrapped_together(
    wrap: str | None, prefix: str, entry: str | None, tmp_path: Path
) -> None:
    """What all of them have is taken off, and what one of them has is not."""
    state = state_of(DISTILLED)
    files: dict[str, Any] = {}
    weight_map: dict[str, str] = {}
    for number, half in enumerate(halves(state)):
        named = {f"{prefix}{name}": tensor for name, tensor in half.items()}
        files[f"{number}.bin"] = {wrap: named, "step": 3} if wrap else named
        weight_map |= dict.fromkeys(named, f"{number}.bin")
    files["pytorch_model.bin.index.json"] = {"weight_map": weight_map}
    folder = folder_of(tmp_path / "f", files)
    found = open_checkpoint(folder, entry=entry)
    assert same(dict(found.tensors), state)
    assert found.path == ((wrap,) if wrap else ())
    assert found.beside == (("step",) if wrap else ())
    assert error_of(folder, entry="student").code == "DS405"


def test_a_prefix_of_one_shard_is_no_prefix(tmp_path: Path) -> None:
    files = {
        "1.bin": {"module.a": torch.zeros(1)},
        "2.bin": {"b": torch.zeros(1)},
        "pytorch_model.bin.index.json": {
            "weight_map": {"module.a": "1.bin", "b": "2.bin"}
        },
    }
    found = open_checkpoint(folder_of(tmp_path / "f", files))
    assert set(found.tensors) == {"module.a", "b"}


def test_a_tensor_in_two_shards_is_one_too_many(tmp_path: Path) -> None:
    """Which of them was meant, nobody knows."""
    state = state_of(DISTILLED)
    files = {
        "1.bin": state,
        "2.bin": {"cls_token": state["cls_token"] + 1, "x": torch.zeros(1)},
        "pytorch_model.bin.index.json": {
            "weight_map": {**dict.fromkeys(state, "1.bin"), "x": "2.bin"}
        },
    }
    found = error_of(folder_of(tmp_path / "f", files))
    assert found.code == "DS403"
    assert "two files hold cls_token" in found.message


@pytest.mark.parametrize(
    "beside", [{}, {"name": "deit"}, {"model": {}}, {"state_dict": {"a": 1}}]
)
def test_a_config_under_a_key_of_models_is_none(
    beside: dict[str, Any], tmp_path: Path
) -> None:
    """The first key that holds named tensors is taken, not the first there is."""
    state = state_of(DISTILLED)
    save({"model": beside, "state_dict": state}, tmp_path / "w.pth")
    found = open_checkpoint(tmp_path / "w.pth")
    assert same(dict(found.tensors), state)
    assert found.path == ("state_dict",)


def test_a_key_of_many_dots_is_looked_for_in_no_time(tmp_path: Path) -> None:
    save({"model": state_of(DISTILLED)}, tmp_path / "w.pth")
    entry = ".".join("a" * 2000)
    assert error_of(tmp_path / "w.pth", entry=entry).code == "DS405"


@pytest.mark.parametrize("is_negative", [False, True])
def test_a_tensor_that_repeats_its_numbers(
    is_negative: bool,  # noqa: FBT001
    tmp_path: Path,
) -> None:
    """A few bytes of a file may say that they are terabytes."""
    number = torch.zeros(1, dtype=torch.complex64).conj().imag if is_negative else None
    one = torch.zeros(1) if number is None else number
    vast = one.expand(2**20, 2**22)
    assert vast.is_neg() == is_negative
    torch.save({"a": vast}, tmp_path / "w.pth")
    found = error_of(tmp_path / "w.pth")
    assert found.code == "DS407"
    assert "a repeats its numbers" in found.message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_named_pipe_beside_a_file_is_not_waited_for(tmp_path: Path) -> None:
    save(state_of(DISTILLED), tmp_path / "w.pth")
    os.mkfifo(tmp_path / "config.json")
    assert open_checkpoint(tmp_path / "w.pth").config == {}


@pytest.mark.parametrize("place", ["../w.bin", "/etc/passwd", "..", "", 3, "a\\b"])
def test_an_index_leads_out_of_no_directory(place: Any, tmp_path: Path) -> None:
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


def test_a_checkpoint_says_what_it_holds() -> None:
    tensors = {"a": torch.zeros(2, 3), "b": torch.zeros(1, dtype=torch.float16)}
    checkpoint = Checkpoint("w", "torch, zip", tensors)
    assert checkpoint.shapes == {"a": (2, 3), "b": (1,)}
    assert checkpoint.dtypes == ("float16", "float32")
