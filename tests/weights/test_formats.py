"""Every format is read, and is told by its content alone."""

import argparse
import collections
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from support.checkpoints import DISTILLED, error_of, same, save, state_of

import deit_spec
from deit_spec.weights import Checkpoint, open_checkpoint


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


def test_a_checkpoint_says_what_it_holds() -> None:
    tensors = {"a": torch.zeros(2, 3), "b": torch.zeros(1, dtype=torch.float16)}
    checkpoint = Checkpoint("w", "torch, zip", tensors)
    assert checkpoint.shapes == {"a": (2, 3), "b": (1,)}
    assert checkpoint.dtypes == ("float16", "float32")
