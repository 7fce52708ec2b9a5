"""A model is found behind whatever stands before its names, among other tensors."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.checkpoints import DISTILLED, PLAIN, hf_in_memory, same, save, state_of
from torch import Tensor

import deit_spec
from deit_spec.weights import WeightsError, inspect, open_checkpoint
from deit_spec.weights.inspect_checkpoint import as_yaml
from deit_spec.weights.locate import find_models
from deit_spec.weights.naming_schemes import DIALECTS, HF, Dialect

ONE = torch.ones(1)


def behind(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
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
def test_a_model_behind_a_prefix(
    prefix: str,
    others: dict[str, Tensor],
    wrapped: bool,  # noqa: FBT001
    tmp_path: Path,
) -> None:
    """What is not behind it is told, and needs no leave."""
    state = state_of(DISTILLED)
    value: dict[str, Any] = {**others, **behind(prefix, state)}
    path = save({"state_dict": value} if wrapped else value, tmp_path / "w.pth")
    found = open_checkpoint(path)
    assert (found.prefix, set(found.beside)) == (prefix, set(others))
    assert same(dict(found.tensors), state)
    loaded = deit_spec.load(DISTILLED, weights=path).state_dict()
    assert same(dict(loaded), state)
    assert f"# with {prefix} before every name\n" in as_yaml(inspect(found))


def test_names_of_transformers_behind_a_prefix(tmp_path: Path) -> None:
    """Their own base model's name is none."""
    state = state_of(DISTILLED)
    named = {**behind("model.", hf_in_memory(state)), "loss.weight": ONE}
    found = open_checkpoint(save(named, tmp_path / "w.pth"))
    assert found.prefix == "model."
    assert same(
        dict(deit_spec.load(DISTILLED, weights=tmp_path / "w.pth").state_dict()), state
    )


def test_two_models(tmp_path: Path) -> None:
    """Neither is taken unasked; a key takes one, and the other is beside it."""
    student, teacher = state_of(DISTILLED, 1), state_of(DISTILLED, 2)
    both = {**behind("student.", student), **behind("teacher.module.", teacher)}
    path = save({"model": both, "epoch": 3}, tmp_path / "w.pth")
    with pytest.raises(WeightsError) as caught:
        open_checkpoint(path)
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == (
        "DS405",
        "the file holds 2 models, and one can be taken",
    )
    assert found.notes == ("their names begin with student., teacher.module.",)
    assert found.helps[0].endswith("of student, teacher.module")
    for entry in ("student", "model.student"):
        chosen = open_checkpoint(path, entry=entry)
        assert same(dict(chosen.tensors), student)
        assert chosen.path == ("model",)
        assert set(chosen.beside) == {"epoch", *behind("teacher.module.", teacher)}
    for entry in ("teacher", "teacher.module", "model.teacher.module"):
        assert same(dict(open_checkpoint(path, entry=entry).tensors), teacher)
    with pytest.raises(WeightsError, match="under the key `ema`") as caught:
        open_checkpoint(path, entry="ema")
    named = "in Python, of model.student, model.teacher.module"
    assert caught.value.diagnostics[0].helps[0].endswith(named)
    for entry in ("model.student", "model.teacher.module"):
        open_checkpoint(path, entry=entry)
    with pytest.raises(WeightsError) as caught:
        open_checkpoint(path, entry="model")
    assert caught.value.diagnostics[0].helps[0].endswith(named)


def test_a_model_within_a_model_is_a_part_of_it(tmp_path: Path) -> None:
    state = state_of(PLAIN)
    path = save({**state, **behind("teacher.", state)}, tmp_path / "w.pth")
    assert len(open_checkpoint(path).tensors) == 2 * len(state)
    with pytest.raises(WeightsError, match="nothing is known of teacher"):
        deit_spec.load(PLAIN, weights=path, strict=False)
    assert same(
        dict(deit_spec.load(PLAIN, weights=path, entry="teacher").state_dict()), state
    )


@given(st.text(st.sampled_from("ab.vit"), max_size=6), st.sampled_from(DIALECTS))
def test_whatever_stands_before_a_model_is_found(text: str, dialect: Dialect) -> None:
    """In every dialect; `vit.` before the names of one may make them another's."""
    prefix = f"{text}." if text else ""
    names = {prefix + name for name in named(dialect)}
    (found,) = find_models([*names, "x", "y.z"])
    rest = {name.removeprefix(found) for name in names}
    assert any(rest == named(each) for each in DIALECTS)


def named(dialect: Dialect) -> set[str]:
    """What a dialect calls these tensors."""
    return {their for name in state_names() for their in dialect.write(name) or ()}


def state_names() -> list[str]:
    """Names that every dialect has."""
    parts = ("norm1", "attn.qkv", "mlp.fc1")
    tables = ["cls_token", "pos_embed", "patch_embed.proj.weight"]
    return tables + [f"blocks.{i}.{part}.weight" for i in (0, 1) for part in parts]


def test_no_part_of_a_model_is_one() -> None:
    names = named(HF["ViTModel"])
    assert find_models(names) == [""]
    for gone in ("embeddings.cls_token", "embeddings.position_embeddings"):
        assert find_models(names - {gone}) == []


def test_what_hides_the_names_is_told(tmp_path: Path) -> None:
    state = behind("net.", state_of(PLAIN))
    del state["net.pos_embed"]
    path = save(state, tmp_path / "w.pth")
    with pytest.raises(WeightsError) as caught:
        deit_spec.load(PLAIN, weights=path)
    (found,) = caught.value.diagnostics
    assert found.code == "DS406"
    assert f"{len(state)} names begin with `net.`" in found.notes
