"""What `diff` says of weights is what happens to them."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from support.checkpoints import DISTILLED, changed, save, state_of
from support.strategies import specs
from torch.nn.functional import cosine_similarity

import deit_spec
from deit_spec import DeiTSpec, WeightsError
from deit_spec.compare import ComparedModel, check_compared
from deit_spec.compare.weights_difference import compare_weights
from deit_spec.spec import check_spec
from deit_spec.weights.convert_checkpoint import rename
from deit_spec.weights.naming_schemes import HF


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("weights") / "a.pth"


@settings(max_examples=20)
@given(a=specs(), b=specs())
def test_the_plan_for_a_spec_is_what_a_checkpoint_of_it_becomes(
    a: DeiTSpec, b: DeiTSpec, file: Path
) -> None:
    check_plan(a, b, file)
    # The same blocks, so that more than the structure is compared.
    sizes = {"image_size": b.image_size // b.patch_size * a.patch_size}
    heads = {name: getattr(b, name) for name in ("num_classes", "in_channels")}
    variant = {"variant": a.variant.model_copy(update={"fusion": None})}
    check_plan(a, a.model_copy(update=sizes | heads | variant), file)


def check_plan(a: DeiTSpec, b: DeiTSpec, file: Path) -> None:
    other = ComparedModel.of("b", check_spec(b))
    found = compare_weights(ComparedModel.of("a", check_spec(a)), other)
    state = deit_spec.load(a).state_dict()
    save(dict(state), file)
    if found.errors:
        with pytest.raises(WeightsError) as caught:
            deit_spec.load(b, weights=file, strict=False)
        messages = [each.message for each in caught.value.diagnostics]
        assert messages == [each.message for each in found.errors]
        return
    loaded = deit_spec.load(b, weights=file, strict=False).state_dict()
    assert found.plan is not None
    assert {step.name for step in found.plan.steps} == loaded.keys()
    kept = [step for step in found.plan.steps if step.kind.value == "taken"]
    assert all(torch.equal(loaded[step.name], state[step.name]) for step in kept)
    if not found.is_empty:
        with pytest.raises(WeightsError):
            deit_spec.load(b, weights=file)
    else:
        deit_spec.load(b, weights=file)


def opened(path: Path) -> ComparedModel:
    return ComparedModel.of(str(path), check_compared(str(path)))


def test_tensors_are_compared_by_name_whatever_the_files_call_them(
    tmp_path: Path,
) -> None:
    state, other = state_of(DISTILLED), state_of(DISTILLED, seed=1)
    for name in ("pos_embed", "blocks.0.attn.qkv.weight", "norm.bias"):
        other[name] = state[name]
    ours = save(state, tmp_path / "ours.pth")
    hf = dict(rename(HF["DeiTForImageClassificationWithTeacher"], other))
    found = compare_weights(opened(ours), opened(save(hf, tmp_path / "hf.pth")))
    assert not found.only_a
    assert not found.only_b
    assert {each.name for each in found.tensors} == state.keys()
    for each in found.tensors:
        one, two = (values[each.name].double().flatten() for values in (state, other))
        assert each.is_equal == torch.equal(one, two)
        assert each.relative == pytest.approx(float((two - one).norm() / one.norm()))
        assert each.cosine == pytest.approx(float(cosine_similarity(one, two, dim=0)))


def test_tensors_of_other_shapes_are_in_one_checkpoint_only(tmp_path: Path) -> None:
    state = state_of(DISTILLED)
    wider = changed(DISTILLED, num_classes=7, depth=3)
    other = state | {
        name: tensor
        for name, tensor in state_of(wider, seed=1).items()
        if name not in state or name.startswith("head.")
    }
    paths = save(state, tmp_path / "a.pth"), save(other, tmp_path / "b.pth")
    found = compare_weights(*map(opened, paths))
    assert found.only_a == ("head.weight", "head.bias")
    assert {*found.only_b} == {*found.only_a, *(other.keys() - state.keys())}
    assert all(each.is_equal for each in found.tensors)
    assert not found.is_empty
