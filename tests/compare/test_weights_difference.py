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
from deit_spec.weights import Kind, Plan
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
    check_plan(a, with_blocks_of(a, b), file)


def with_blocks_of(a: DeiTSpec, b: DeiTSpec) -> DeiTSpec:
    """Another spec with the blocks of A, so that more than structure is compared."""
    sizes = {"image_size": b.image_size // b.patch_size * a.patch_size}
    heads = {name: getattr(b, name) for name in ("num_classes", "in_channels")}
    variant = {"variant": a.variant.model_copy(update={"fusion": None})}
    return a.model_copy(update=sizes | heads | variant)


def check_plan(a: DeiTSpec, b: DeiTSpec, file: Path) -> None:
    other = ComparedModel.of("b", check_spec(b))
    found = compare_weights(ComparedModel.of("a", check_spec(a)), other)
    state = deit_spec.load(a).state_dict()
    save(dict(state), file)
    if found.errors:
        with pytest.raises(WeightsError) as caught:
            deit_spec.load(b, weights=file, strict=False)
        messages = [
            each.message.replace("the checkpoint", "the first").replace(
                "the spec", "the second"
            )
            for each in caught.value.diagnostics
        ]
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


@given(a=specs(), b=specs())
def test_plans_of_two_specs_are_mirrors(a: DeiTSpec, b: DeiTSpec) -> None:
    check_mirror(a, b)
    check_mirror(a, with_blocks_of(a, b))


def check_mirror(a: DeiTSpec, b: DeiTSpec) -> None:
    """Tensors of both models have the same fate both ways; new ones are dropped back.

    So are tensors of both that do not fit, which are re-initialised both ways.
    If the structures differ, both plans have nothing but errors about the same fields.
    """
    one, other = (ComparedModel.of("x", check_spec(each)) for each in (a, b))
    found, back = compare_weights(one, other), compare_weights(other, one)
    assert found.plan is not None
    assert back.plan is not None
    if not found.plan.steps or not back.plan.steps:
        assert not found.plan.steps
        assert not back.plan.steps
        swapped = [mirrored(each.message) for each in found.errors]
        assert swapped == [each.message for each in back.errors]
        return
    names, others = ({*each.graph.tensors()} for each in (one, other))
    ways = fates(found.plan), fates(back.plan)
    for name in names & others:
        assert ways[0][name] is ways[1][name], name
    lost = {name for name in names & others if ways[0][name] is Kind.REINITIALISED}
    new = {Kind.CREATED, Kind.REINITIALISED, None}
    for way, reverse, alone in (
        (ways[0], back.plan, others - names),
        (ways[1], found.plan, names - others),
    ):
        assert {way[name] for name in alone} <= new
        dropped = {each.name for each in reverse.dropped}
        assert dropped | {*reverse.left_over} == alone | lost


def fates(plan: Plan) -> dict[str, Kind | None]:
    """What makes each tensor of the model; None for a missing one."""
    made = {step.name: step.kind for step in plan.steps}
    return {**made, **dict.fromkeys(plan.missing)}


def mirrored(message: str) -> str:
    """Swap the two values of an error."""
    field, _, rest = message.partition(" is ")
    value, _, other = rest.removesuffix(" in the second").partition(
        " in the first and "
    )
    return f"{field} is {other} in the first and {value} in the second"


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
