"""Which parameters decay, and what the moving average is."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.recipes import check
from support.strategies import specs
from torch import nn

import deit_spec
from deit_spec import DeiTSpec
from deit_spec.distill.training.average import Average
from deit_spec.distill.training.optimizer import decays, groups, make_optimizer

EXEMPT = ("bias", "norm", "token", "pos_embed", "gamma")


@settings(max_examples=30)
@given(specs())
def test_each_parameter_is_in_one_group_by_its_kind(spec: DeiTSpec) -> None:
    model = deit_spec.compile(spec).build(device="meta")
    decaying, exempt = groups(model.named_parameters(), 0.05)
    names = {id(each): name for name, each in model.named_parameters()}
    told = [names[id(each)] for group in (decaying, exempt) for each in group["params"]]
    assert sorted(told) == sorted(names.values())
    assert (decaying["weight_decay"], exempt["weight_decay"]) == (0.05, 0.0)
    for each in decaying["params"]:
        assert not any(word in names[id(each)] for word in EXEMPT)
    for each in exempt["params"]:
        assert any(word in names[id(each)] for word in EXEMPT)


def test_what_is_frozen_is_in_no_group() -> None:
    layer = nn.Linear(2, 2)
    layer.bias.requires_grad_(requires_grad=False)
    decaying, exempt = groups(layer.named_parameters(), 0.1)
    assert [len(decaying["params"]), len(exempt["params"])] == [1, 0]
    assert decays("weight", layer.weight)


def test_the_optimizer_has_the_settings_of_the_recipe(tmp_path: Path) -> None:
    settings = {"betas": [0.8, 0.95], "eps": 1e-6, "weight_decay": 0.3}
    recipe = check(tmp_path, optimizer=settings).recipe
    assert recipe is not None
    made = make_optimizer(nn.Linear(2, 2), recipe)
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
