"""Weight decay, the moving average, and the learning rate of each step."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.recipes import check, valid
from support.runs import recipe
from support.strategies import specs
from torch import nn

import deit_spec
from deit_spec import DeiTSpec
from deit_spec.distill import optional_packages
from deit_spec.distill.data import open_data
from deit_spec.distill.optional_packages import MissingPackageError, import_package
from deit_spec.distill.training.optimizer import (
    Average,
    Schedule,
    make_optimizer,
    make_schedule,
    parameter_groups,
    require_optimizer,
)
from deit_spec.distill.training.processes import Processes
from deit_spec.distill.training.training_step import TrainingStep

EXEMPT = ("bias", "norm", "token", "pos_embed", "gamma")
SPEC = {
    "image_size": 8,
    "patch_size": 4,
    "in_channels": 1,
    "embed_dim": 8,
    "depth": 3,
    "num_heads": 2,
    "num_classes": 3,
    "teacher_num_classes": 3,
}


def names_of(model: nn.Module, groups: list[dict[str, Any]]) -> dict[Any, list[str]]:
    """The names of the parameters by the scale of their rate and their decay."""
    names = {each: name for name, each in model.named_parameters()}
    found: dict[Any, list[str]] = {}
    for group in groups:
        key = (group["lr_scale"], group["weight_decay"])
        found.setdefault(key, []).extend(names[each] for each in group["params"])
    return {key: sorted(each) for key, each in found.items()}


@given(specs())
def test_each_parameter_is_in_one_group_by_its_kind(spec: DeiTSpec) -> None:
    model = deit_spec.compile(spec).build(device="meta")
    groups = parameter_groups(model.named_parameters(), 0.05)
    found = names_of(model, groups)
    assert len(groups) == len(found)
    decaying, exempt = found.pop((1.0, 0.05)), found.pop((1.0, 0.0))
    assert not found
    assert sorted(decaying + exempt) == sorted(n for n, _ in model.named_parameters())
    for name in decaying:
        assert not any(word in name for word in EXEMPT)
    for name in exempt:
        assert any(word in name for word in EXEMPT)


@pytest.mark.parametrize(
    "name", ["deit_tiny_patch16_224", "deit_tiny_distilled_patch16_224"]
)
def test_groups_by_layer_are_those_of_timm(name: str) -> None:
    """The final norm learns as the last block does, and the heads at the full rate."""
    import_package("timm")
    import timm  # noqa: PLC0415
    from timm.optim import param_groups_layer_decay  # noqa: PLC0415

    theirs = timm.create_model(name, device="meta")
    expected = param_groups_layer_decay(
        theirs,
        weight_decay=0.05,
        no_weight_decay_list=theirs.no_weight_decay(),
        layer_decay=0.75,
    )
    ours = deit_spec.compile(name).build(device="meta")
    groups = parameter_groups(ours.named_parameters(), 0.05, 0.75)
    assert names_of(ours, groups) == names_of(theirs, expected)
    assert len(groups) == len(expected)
    assert max(group["lr_scale"] for group in groups) == 1.0


@pytest.mark.parametrize("layer_decay", [0.7, None])
def test_what_is_frozen_is_in_no_group(layer_decay: float | None) -> None:
    """And the other layers learn as fast as without it."""
    model = deit_spec.load(SPEC)
    before = names_of(
        model, parameter_groups(model.named_parameters(), 0.1, layer_decay)
    )
    frozen = [name for name, _ in model.named_parameters() if "blocks.1." in name]
    for name in frozen:
        model.get_parameter(name).requires_grad_(requires_grad=False)
    after = names_of(
        model, parameter_groups(model.named_parameters(), 0.1, layer_decay)
    )
    left = {key: [n for n in each if n not in frozen] for key, each in before.items()}
    assert after == {key: each for key, each in left.items() if each}


@pytest.mark.parametrize(
    ("name", "exact"), [("lamb", True), ("sgd", True), ("adamw", False)]
)
def test_steps_are_those_of_timm(tmp_path: Path, name: str, *, exact: bool) -> None:
    """Bit for bit, but for AdamW, whose fused form rounds in another order."""
    import_package("timm")
    from timm.optim import create_optimizer_v2  # noqa: PLC0415

    settings = {"name": name, "layer_decay": 0.8, "weight_decay": 0.1, "eps": 1e-6}
    alone = {"teacher": None, "loss": {"kind": "none"}}
    asked = valid(recipe(tmp_path, **alone, optimizer=settings))
    torch.manual_seed(0)
    model = deit_spec.load(SPEC)
    theirs = copy.deepcopy(model)
    training = TrainingStep(model, None, asked, Processes(asked))
    theirs.load_state_dict(model.state_dict())
    for each, like in zip(theirs.parameters(), model.parameters(), strict=True):
        each.requires_grad_(like.requires_grad)
    groups = parameter_groups(theirs.named_parameters(), 0.1, 0.8)
    extra = {"sgd": {"momentum": 0.9}, "adamw": {"eps": 1e-6, "betas": (0.9, 0.999)}}
    lamb = {"eps": 1e-6, "betas": (0.9, 0.999), "max_grad_norm": None}
    optimizer = create_optimizer_v2(groups, opt=name, lr=0.0, **extra.get(name, lamb))
    for step in range(5):
        rate = 0.01 * (step + 1)
        images = torch.randn(8, 1, 8, 8)
        labels = torch.randint(0, 3, (8,))
        training.take(images, labels, rate)
        for group in optimizer.param_groups:
            group["lr"] = rate * group["lr_scale"]
        optimizer.zero_grad()
        training.loss.terms(theirs(images), labels, None).loss.backward()
        optimizer.step()
    tolerance = {"rtol": 0, "atol": 0} if exact else {"rtol": 1e-5, "atol": 1e-6}
    torch.testing.assert_close(
        dict(model.named_parameters()), dict(theirs.named_parameters()), **tolerance
    )


def test_lamb_needs_timm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a run without LAMB does not."""
    monkeypatch.setattr(optional_packages, "find_spec", lambda _: None)
    require_optimizer(valid(recipe(tmp_path)))
    with pytest.raises(MissingPackageError, match="runs with LAMB need timm"):
        require_optimizer(valid(recipe(tmp_path, optimizer={"name": "lamb"})))


def test_sgd_without_momentum_follows_the_gradient(tmp_path: Path) -> None:
    settings = {"name": "sgd", "momentum": 0.0, "weight_decay": 0.0}
    asked = valid(recipe(tmp_path, optimizer=settings))
    layer = nn.Linear(2, 2)
    optimizer = make_optimizer(layer, asked)
    before = layer.weight.detach().clone()
    layer.weight.grad = torch.ones(2, 2)
    for group in optimizer.param_groups:
        group["lr"] = 0.5
    optimizer.step()
    assert torch.equal(layer.weight, before - 0.5)
    assert not any(optimizer.state.values())


def test_the_optimizer_has_the_settings_of_the_recipe(tmp_path: Path) -> None:
    settings = {"betas": [0.8, 0.95], "eps": 1e-6, "weight_decay": 0.3}
    made = make_optimizer(nn.Linear(2, 2), valid(check(tmp_path, optimizer=settings)))
    assert made.defaults["betas"] == (0.8, 0.95)
    assert made.defaults["eps"] == 1e-6
    assert [group["weight_decay"] for group in made.param_groups] == [0.3, 0.0]


@given(st.floats(0, 0.999), st.lists(st.floats(-2, 2), min_size=1, max_size=20))
def test_the_average_is_that_of_its_formula(decay: float, path: list[float]) -> None:
    weight = torch.tensor([path[0]], dtype=torch.float64)
    average, expected = Average([weight], decay), path[0]
    for value in path[1:]:
        weight.fill_(value)
        average.update()
        expected = decay * expected + (1 - decay) * value
    assert average.values[0].item() == pytest.approx(expected, abs=1e-12)
    assert weight.item() == path[-1]


@pytest.mark.parametrize("decay", [0.3, 0.9999])
def test_the_warm_up_of_the_average_is_that_of_timm(decay: float) -> None:
    import_package("timm")
    from timm.utils import ModelEmaV3  # noqa: PLC0415

    torch.manual_seed(0)
    layer = nn.Linear(3, 2).double()
    theirs = ModelEmaV3(layer, decay=decay, use_warmup=True)
    ours = Average(layer.parameters(), decay, warmup=True)
    for step in range(1, 40):
        for each in layer.parameters():
            each.data.normal_()
        ours.update()
        theirs.update(layer, step=step)
        expected = list(theirs.module.parameters())
        torch.testing.assert_close(ours.values, [each.detach() for each in expected])


RATES = st.floats(1e-6, 10)


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    steps = draw(st.integers(1, 200))
    low, lower, peak = sorted(draw(st.tuples(RATES, RATES, RATES)))
    return Schedule(steps, draw(st.integers(0, steps)), peak, low, lower)


@given(schedules())
def test_it_rises_to_the_peak_and_falls_to_the_least(plan: Schedule) -> None:
    rates = [plan.rate(step) for step in range(plan.steps + 1)]
    rising, falling = rates[: plan.warmup], rates[plan.warmup :]
    assert rising == sorted(rising)
    assert falling == sorted(falling, reverse=True)
    assert rates[0] == (plan.warmup_lr if plan.warmup else plan.peak)
    if plan.warmup < plan.steps:
        assert rates[plan.warmup] == pytest.approx(plan.peak)
        assert rates[-1] == pytest.approx(plan.min_lr)
    assert max(rates) <= plan.peak * (1 + 1e-12)
    assert min(rates) >= min(plan.warmup_lr, plan.min_lr) * (1 - 1e-12)


@pytest.mark.parametrize("warmup", [0, 1, 7])
def test_it_is_that_of_timm(warmup: int) -> None:
    """timm counts the cosine after the warm-up, as we do, with `warmup_prefix`."""
    import_package("timm")
    from timm.scheduler.cosine_lr import CosineLRScheduler  # noqa: PLC0415

    plan = Schedule(steps=40, warmup=warmup, peak=0.5, warmup_lr=0.01, min_lr=0.02)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=plan.peak)
    theirs = CosineLRScheduler(
        optimizer,
        t_initial=plan.steps - warmup,
        lr_min=plan.min_lr,
        warmup_t=warmup,
        warmup_lr_init=plan.warmup_lr,
        warmup_prefix=True,
        t_in_epochs=False,
    )
    for step in range(plan.steps):
        theirs.step_update(step)
        assert plan.rate(step) == pytest.approx(optimizer.param_groups[0]["lr"])


def test_epochs_are_counted_in_steps(tmp_path: Path) -> None:
    plan = {"steps": None, "epochs": 3, "warmup_steps": None, "warmup_epochs": 0.5}
    checked = recipe(tmp_path, schedule=plan, run={"evaluate_every": None})
    assert checked.recipe is not None
    times = make_schedule(checked.recipe, steps_per_epoch=6)
    assert (times.steps, times.evaluate_every) == (18, 6)
    assert times.warmup == 3
    due = [times.is_due(done, times.evaluate_every) for done in (5, 6, 17, 18)]
    assert due == [False, True] * 2


def test_default_lengths_are_those_of_the_paper(tmp_path: Path) -> None:
    plan = {"steps": None, "warmup_steps": None}
    checked = recipe(tmp_path, schedule=plan)
    assert checked.recipe is not None
    times = make_schedule(checked.recipe, steps_per_epoch=6)
    assert times.steps == 1800
    assert times.warmup == 30


def test_what_is_due_only_at_the_end_is_due_there(tmp_path: Path) -> None:
    run = {"evaluate_every": None, "checkpoint_every": None, "log_every": 5}
    checked = recipe(tmp_path, run=run)
    assert checked.recipe is not None
    times = make_schedule(checked.recipe, steps_per_epoch=6)
    every = (times.evaluate_every, times.checkpoint_every, times.log_every)
    due = [[done for done in range(1, 13) if times.is_due(done, n)] for n in every]
    assert due == [[12], [12], [5, 10, 12]]


@pytest.mark.parametrize("warmup", [3, 4])
def test_the_rules_count_the_steps_of_the_digits_as_training_does(
    tmp_path: Path, warmup: int
) -> None:
    """Two batches an epoch: a tenth of the 1,797 digits is 179."""
    checked = recipe(
        tmp_path,
        data={"builtin": "digits"},
        schedule={
            "steps": None,
            "epochs": 2,
            "batch_size": 809,
            "warmup_steps": warmup,
        },
    )
    codes = [each.code for each in checked.diagnostics]
    assert ("DS507" in codes) == (warmup == 4)
    if checked.recipe is not None:
        epoch = open_data(checked).sampler.steps
        assert make_schedule(checked.recipe, epoch).steps == 4
