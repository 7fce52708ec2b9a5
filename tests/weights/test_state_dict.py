"""State dicts are found under keys and after prefixes, and their tensors are plain."""

import argparse
import collections
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.checkpoints import (
    DISTILLED,
    PLAIN,
    error_of,
    hf_in_memory,
    same,
    save,
    state_of,
)
from torch import Tensor

import deit_spec
from deit_spec.weights import Checkpoint, WeightsError, inspect, open_checkpoint
from deit_spec.weights.model_prefix import find_incomplete_models, find_models
from deit_spec.weights.naming_schemes import HF, SCHEMES, NamingScheme

CONVNET = {"conv1.weight": torch.zeros(4, 3, 3, 3), "fc.weight": torch.zeros(2, 4)}
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


def test_a_key_selects_one_of_several(tmp_path: Path) -> None:
    one, other = state_of(DISTILLED, 1), state_of(DISTILLED, 2)
    path = save({"model": one, "model_ema": other}, tmp_path / "w.pth")
    assert same(dict(open_checkpoint(path).tensors), one)
    chosen = deit_spec.load(DISTILLED, weights=path, entry="model_ema")
    assert same(dict(chosen.state_dict()), other)
    assert open_checkpoint(path).beside == ("model_ema",)
    found = error_of(path, entry="teacher")
    assert found.code == "DS405"
    assert found.message == "the file has no state dict under the key `teacher`"
    assert found.helps[-1].endswith("in Python: model, model_ema")


def test_a_nested_key(tmp_path: Path) -> None:
    """A key that contains dots comes before several keys joined by dots."""
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


def test_keys_that_are_not_strings(tmp_path: Path) -> None:
    """They are ignored, and cannot be chosen."""
    state = {"w": torch.zeros(1)}
    path = save({3: state, "3": state, (1, "x"): state, None: state}, tmp_path / "w")
    assert error_of(path).helps[-1].endswith("in Python: 3")
    path = save({**state, 3: 1, (1,) * 99: 1, "k" * 999: 1}, tmp_path / "w")
    assert open_checkpoint(path).beside == ("k" * 80 + "…",)


def test_the_keys_that_are_named_lead_to_tensors(tmp_path: Path) -> None:
    """The numbers of an optimizer have no names."""
    state = state_of(DISTILLED)
    optimizer = {"state": {0: {"exp_avg": torch.zeros(1)}}, "param_groups": []}
    inner = {"runs": {"best": state, "note": {"lr": 1}}, "optimizer": optimizer}
    path = save({**inner, "line\nbreak": state}, tmp_path / "w.pth")
    for entry in ("optimizer", "runs", "runs.note", None, "no\nwhere"):
        found = error_of(path, entry=entry)
        assert found.code == "DS405"
        assert found.helps[-1].endswith("in Python: line␊break, runs.best")
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
def test_attributes_do_not_hide_methods(legacy: bool, tmp_path: Path) -> None:  # noqa: FBT001
    state = state_of(DISTILLED)
    parameters = {name: torch.nn.Parameter(tensor) for name, tensor in state.items()}
    parameters["head.bias"].to = parameters["head.bias"].size = 3  # type: ignore[method-assign,assignment]
    value = Disguised({"model": Disguised(parameters)})
    options = {"_use_new_zipfile_serialization": not legacy}
    found = open_checkpoint(save(value, tmp_path / "w.pth", **options))
    assert same(dict(found.tensors), state)
    assert {type(tensor) for tensor in found.tensors.values()} == {torch.Tensor}


def test_negation_is_resolved(tmp_path: Path) -> None:
    """The imaginary part of a conjugate has its own numbers with other signs."""
    part = torch.complex(torch.zeros(2), torch.ones(2)).conj().imag
    assert part.is_neg()
    found = open_checkpoint(save({"w": part}, tmp_path / "w.pth")).tensors["w"]
    assert not found.is_neg()
    assert found.tolist() == [-1, -1]


def test_mappings_that_contain_themselves_take_no_time(tmp_path: Path) -> None:
    """Each is read once, however often it is reached."""
    state: dict[Any, Any] = {**state_of(DISTILLED), **dict.fromkeys(range(9999))}
    state |= {f"again{index}": state for index in range(9)}
    found = open_checkpoint(save({"a": state, "model": CONVNET}, tmp_path / "w.pth"))
    assert found.models[:2] == ("a", "a.again0")


def test_a_key_with_many_dots_takes_no_time(tmp_path: Path) -> None:
    save({"model": state_of(DISTILLED)}, tmp_path / "w.pth")
    entry = ".".join("a" * 2000)
    assert error_of(tmp_path / "w.pth", entry=entry).code == "DS405"


def test_shapes_and_dtypes_of_a_checkpoint() -> None:
    tensors = {"a": torch.zeros(2, 3), "b": torch.zeros(1, dtype=torch.float16)}
    checkpoint = Checkpoint("w", "torch, zip", tensors)
    assert checkpoint.shapes == {"a": (2, 3), "b": (1,)}
    assert checkpoint.dtypes == ("float16", "float32")


@pytest.mark.parametrize(
    "beside", [{}, {"name": "deit"}, {"model": {}}, {"state_dict": {"a": 1}}]
)
def test_a_config_under_a_key_of_models_is_not_a_model(
    beside: dict[str, Any], tmp_path: Path
) -> None:
    """The first key with named tensors is used, not the first key."""
    state = state_of(DISTILLED)
    save({"model": beside, "state_dict": state}, tmp_path / "w.pth")
    found = open_checkpoint(tmp_path / "w.pth")
    assert same(dict(found.tensors), state)
    assert found.path == ("state_dict",)


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


def odd_tensors() -> dict[str, torch.Tensor]:
    plain = torch.ones(2, 3)
    return {
        "a nested tensor": torch.nested.nested_tensor([plain, plain[:1]]),
        "a sparse tensor": torch.eye(3).to_sparse(),
        "a sparse tensor in rows": torch.eye(3).to_sparse_csr(),
        "a quantised tensor": torch.quantize_per_tensor(plain, 0.1, 0, torch.qint8),
        "a tensor without data": plain.to("meta"),
    }


@pytest.mark.filterwarnings("ignore:Sparse CSR|.*quantize|.*nested tensors")
@pytest.mark.parametrize("legacy", [True, False])
def test_tensors_of_other_kinds(legacy: bool, tmp_path: Path) -> None:  # noqa: FBT001
    options = {"_use_new_zipfile_serialization": not legacy}
    for kind, odd in odd_tensors().items():
        state = {**state_of(DISTILLED), "norm.weight": odd}
        found = error_of(save({"model": state}, tmp_path / "w.pth", **options))
        assert found.code == "DS407"
        words = kind.removesuffix(" in rows")
        assert found.message == f"the file has {words}, which a model cannot use"


@pytest.mark.parametrize("dtype", [torch.uint16, torch.float8_e5m2])
def test_types_that_are_newer_than_the_format(
    dtype: torch.dtype, tmp_path: Path
) -> None:
    state = {"w": torch.zeros(2, dtype=dtype)}
    path = save(state, tmp_path / "w", _use_new_zipfile_serialization=False)
    assert error_of(path).code == "DS403"
    assert same(dict(open_checkpoint(save(state, tmp_path / "z")).tensors), state)


ONE = torch.ones(1)


def prefixed(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}{name}": tensor for name, tensor in state.items()}


@pytest.mark.parametrize(
    ("prefix", "others"),
    [
        ("module.", {"n_averaged": torch.tensor(3)}),
        ("model.", {"criterion.weight": ONE}),
        ("backbone.", {"head.weight": ONE, "head.mlp.0.weight": ONE}),
        ("module._orig_mod.net.", {"step": ONE}),
        ("visual.trunk.", {f"text.layers.{i}.weight": ONE for i in range(90)}),
    ],
)
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_prefix(
    prefix: str,
    others: dict[str, Tensor],
    wrapped: bool,  # noqa: FBT001
    tmp_path: Path,
) -> None:
    """Tensors without the prefix are listed, and need no permission."""
    state = state_of(DISTILLED)
    value: dict[str, Any] = {**others, **prefixed(prefix, state)}
    path = save({"state_dict": value} if wrapped else value, tmp_path / "w.pth")
    found = open_checkpoint(path)
    assert (found.prefix, set(found.beside)) == (prefix, set(others))
    assert same(dict(found.tensors), state)
    loaded = deit_spec.load(DISTILLED, weights=path).state_dict()
    assert same(dict(loaded), state)
    assert f"# with the prefix {prefix} in every name\n" in inspect(found).as_yaml()


def test_a_prefix_of_names_of_transformers(tmp_path: Path) -> None:
    """The name of their own base model is not one."""
    state = state_of(DISTILLED)
    named = {**prefixed("model.", hf_in_memory(state)), "loss.weight": ONE}
    found = open_checkpoint(save(named, tmp_path / "w.pth"))
    assert found.prefix == "model."
    assert same(
        dict(deit_spec.load(DISTILLED, weights=tmp_path / "w.pth").state_dict()), state
    )


def test_two_models(tmp_path: Path) -> None:
    """Neither is taken by default; a key takes one, and the other is beside it."""
    student, teacher = state_of(DISTILLED, 1), state_of(DISTILLED, 2)
    both = {**prefixed("student.", student), **prefixed("teacher.module.", teacher)}
    path = save({"model": both, "epoch": 3}, tmp_path / "w.pth")
    with pytest.raises(WeightsError) as caught:
        open_checkpoint(path)
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == (
        "DS405",
        "the file has 2 models, and only one can be loaded",
    )
    assert found.notes == ("the prefixes of their names are student., teacher.",)
    assert found.helps[0].endswith(": student, teacher")
    for entry in ("student", "model.student"):
        chosen = open_checkpoint(path, entry=entry)
        assert same(dict(chosen.tensors), student)
        assert chosen.path == ("model",)
        assert set(chosen.beside) == {"epoch", *prefixed("teacher.", teacher)}
    for entry in ("teacher", "teacher.module", "model.teacher.module"):
        assert same(dict(open_checkpoint(path, entry=entry).tensors), teacher)
    with pytest.raises(WeightsError, match="under the key `ema`") as caught:
        open_checkpoint(path, entry="ema")
    named = "in Python: model.student, model.teacher"
    assert caught.value.diagnostics[0].helps[-1].endswith(named)
    with pytest.raises(WeightsError) as caught:
        open_checkpoint(path, entry="model")
    assert caught.value.diagnostics[0].helps[-1].endswith(named)
    for entry in ("model.student", "model.teacher", "model.teacher.module"):
        open_checkpoint(path, entry=entry)


def test_a_model_within_a_model_is_dropped_if_allowed(tmp_path: Path) -> None:
    state, other = state_of(PLAIN, 1), state_of(PLAIN, 2)
    path = save({**state, **prefixed("teacher.", other)}, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="would need `drop`") as caught:
        deit_spec.load(PLAIN, weights=path)
    assert "affect" not in str(caught.value)
    whole = deit_spec.load(PLAIN, weights=path, allow={"drop"}).state_dict()
    assert same(dict(whole), state)
    teacher = deit_spec.load(PLAIN, weights=path, entry="teacher").state_dict()
    assert same(dict(teacher), other)


@pytest.mark.parametrize("prefix", ["model.", "encoder.", "module.net.encoder."])
@pytest.mark.parametrize(
    "gone", ["cls_token", "pos_embed", "patch_embed.proj.weight", "blocks.0.norm1.bias"]
)
def test_a_deviation_has_the_same_reason_with_a_prefix(
    prefix: str, gone: str, tmp_path: Path
) -> None:
    """To the letter, as without it."""
    state = state_of(PLAIN)
    del state[gone]
    reasons = []
    for start in ("", prefix):
        path = save(prefixed(start, state), tmp_path / "w.pth")
        with pytest.raises(WeightsError) as caught:
            deit_spec.load(PLAIN, weights=path, strict=False)
        (found,) = caught.value.diagnostics
        reasons.append((found.code, found.message, found.notes, found.helps))
    assert reasons[0] == reasons[1]
    assert gone in f"{reasons[0]}"


@pytest.mark.parametrize(
    ("others", "key"),
    [
        (lambda state: {"model_ema": state}, "model_ema"),
        (lambda state: {"nets": {"teacher": {"best": state}}}, "nets.teacher.best"),
        (
            lambda state: {"a": {"b": {"c": {"d": {"e": {"f": state}}}}}},
            "a.b.c.d.e.f",
        ),
        (lambda state: {"ema": prefixed("module.", state)}, "ema"),
        (
            lambda state: {
                "gan": {**prefixed("g.", state), **prefixed("d.", state)},
            },
            "gan.d",
        ),
    ],
)
def test_a_key_is_offered_where_the_first_candidate_is_another_network(
    others: Any, key: str, tmp_path: Path
) -> None:
    """The key that is offered works; what is not a DeiT is not offered."""
    state = state_of(DISTILLED)
    value = {"model": CONVNET, "optimizer": {"x": torch.zeros(1)}, **others(state)}
    path = save(value, tmp_path / "w.pth")
    for entry in (None, "model"):
        with pytest.raises(WeightsError, match="DS406") as caught:
            deit_spec.load(DISTILLED, weights=path, entry=entry)
        (help_,) = caught.value.diagnostics[0].helps
        offered = help_.partition("in Python: ")[2].split(", ")
        assert offered[0] == key
        for each in offered:
            chosen = deit_spec.load(DISTILLED, weights=path, entry=each)
            assert same(dict(chosen.state_dict()), state)


@pytest.mark.parametrize(
    ("gone", "code"), [("cls_token", "DS412"), ("pos_embed", "DS408")]
)
def test_a_key_is_offered_where_the_first_candidate_is_incomplete(
    gone: str, code: str, tmp_path: Path
) -> None:
    state = state_of(DISTILLED)
    partial = {name: tensor for name, tensor in state.items() if name != gone}
    path = save({"model": partial, "ema": {"net": state}}, tmp_path / "w.pth")
    with pytest.raises(WeightsError) as caught:
        deit_spec.load(DISTILLED, weights=path)
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert found.helps[-1].endswith("in Python: ema.net")


@given(st.text(st.sampled_from("ab.vit"), max_size=6), st.sampled_from(SCHEMES))
def test_any_prefix_is_found(text: str, scheme: NamingScheme) -> None:
    """In every scheme; `vit.` before the names of one may make them another's."""
    prefix = f"{text}." if text else ""
    names = {prefix + name for name in named(scheme)}
    (found,) = find_models([*names, "x", "y.z"])
    rest = {name.removeprefix(found) for name in names}
    assert any(rest == named(each) for each in SCHEMES)


def named(scheme: NamingScheme) -> set[str]:
    """The names of these tensors in a scheme."""
    return {their for name in state_names() for their in scheme.write(name) if their}


def state_names() -> list[str]:
    """Names that every scheme has."""
    parts = ("norm1", "attn.qkv", "mlp.fc1")
    tables = ["cls_token", "pos_embed", "patch_embed.proj.weight"]
    return tables + [f"blocks.{i}.{part}.weight" for i in (0, 1) for part in parts]


def test_an_incomplete_model_is_not_one() -> None:
    names = named(HF["ViTModel"])
    assert find_models(names) == [""]
    for gone in ("embeddings.cls_token", "embeddings.position_embeddings"):
        assert find_models(names - {gone}) == []


@given(st.text(st.sampled_from("ab.vit"), max_size=6), st.sampled_from(SCHEMES))
def test_the_prefix_of_an_incomplete_model_is_found(
    text: str, scheme: NamingScheme
) -> None:
    """Whichever tensor is missing; other tensors may be beside it."""
    prefix = f"{text}." if text else ""
    for gone in named(scheme):
        names = {prefix + name for name in named(scheme) - {gone}}
        (found,) = find_incomplete_models([*names, "x", "y.z", "other.head.weight"])
        rest = {name.removeprefix(found) for name in names}
        assert any(rest < named(each) for each in SCHEMES)


def test_names_that_are_alike_by_chance_are_no_models() -> None:
    """However many there are, it takes one pass."""
    assert find_incomplete_models([f"n{i}.head.weight" for i in range(50_000)]) == []
    assert find_incomplete_models([".".join("a" * 9999)] * 99) == []
    assert find_incomplete_models([]) == []
