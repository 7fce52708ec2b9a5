"""A training step: its gradient, its learning rate and its precision."""

from pathlib import Path
from typing import Any

import pytest
import torch
from support.runs import lines, recipe
from torch import nn

import deit_spec
from deit_spec.distill.seeds import seed_all
from deit_spec.distill.training import train
from deit_spec.distill.training.optimizer import make_schedule
from deit_spec.distill.training.processes import Processes
from deit_spec.distill.training.training_step import TrainingStep, make_loss
from deit_spec.recipe import Recipe

SPEC = {
    "image_size": 8,
    "patch_size": 4,
    "in_channels": 1,
    "embed_dim": 8,
    "depth": 1,
    "num_heads": 2,
    "num_classes": 3,
    "teacher_num_classes": 3,
}


def recipe_of(folder: Path, **sections: Any) -> Recipe:
    checked = recipe(folder, **sections)
    assert checked.recipe is not None
    return checked.recipe


def training_step(asked: Recipe) -> TrainingStep:
    torch.manual_seed(0)
    return TrainingStep(deit_spec.load(SPEC), None, asked, Processes(asked))


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    return torch.randn(8, 1, 8, 8), torch.randint(0, 3, (8,))


ALONE = {"teacher": None, "loss": {"kind": "none"}}


@pytest.mark.parametrize("parts", [2, 8])
def test_the_gradient_of_parts_is_that_of_the_whole(tmp_path: Path, parts: int) -> None:
    """The norms are compared, because AdamW hides the size of a gradient."""
    norms = []
    for count in (1, parts):
        ours = training_step(recipe_of(tmp_path, **ALONE, run={"accumulate": count}))
        ours.take(*batch(), 1e-3, measure=True)
        assert ours.grad_norm is not None
        norms.append(float(ours.grad_norm))
    assert norms[0] == pytest.approx(norms[1], rel=1e-5)


@pytest.mark.parametrize("limit", [1e-3, None])
def test_gradients_are_clipped(tmp_path: Path, limit: float | None) -> None:
    asked = recipe_of(tmp_path, **ALONE, optimizer={"clip": limit})
    ours = training_step(asked)
    ours.take(*batch(), 1e-3)
    first = [state["exp_avg"].norm() for state in ours.optimizer.state.values()]
    norm = float(torch.stack(first).norm()) / (1 - asked.optimizer.betas[0])
    if limit is None:
        assert norm > 1e-2
    else:
        assert norm == pytest.approx(limit, rel=1e-2)


def test_the_rate_of_each_line_is_that_of_the_schedule(tmp_path: Path) -> None:
    checked = recipe(tmp_path, run={"log_every": 1})
    assert checked.recipe is not None
    train(checked, tmp_path / "run")
    plan = make_schedule(checked.recipe, 1)
    rates = {
        line["step"]: line["lr"] for line in lines(tmp_path / "run") if "lr" in line
    }
    expected = {step: plan.rate(step - 1) for step in range(1, 13)}
    assert rates == pytest.approx(expected)
    assert len(set(rates.values())) > 8


def test_the_loss_is_the_one_of_the_recipe(tmp_path: Path) -> None:
    asked = {"kind": "soft", "alpha": 0.3, "tau": 2.5, "label_smoothing": 0.2}
    made = make_loss(recipe_of(tmp_path, loss=asked))
    assert {name: getattr(made, name) for name in asked} == asked


@pytest.mark.parametrize(
    ("precision", "dtype"), [("bf16", torch.bfloat16), ("fp32", torch.float32)]
)
def test_what_a_step_computes_in(
    tmp_path: Path, precision: str, dtype: torch.dtype
) -> None:
    ours = training_step(recipe_of(tmp_path, **ALONE, run={"precision": precision}))
    linear = next(m for m in ours.model.modules() if isinstance(m, nn.Linear))
    seen: list[torch.dtype] = []
    linear.register_forward_hook(lambda _, __, output: seen.append(output.dtype))
    ours.take(*batch(), 1e-3)
    assert seen == [dtype]
    assert {each.dtype for each in ours.weights} == {torch.float32}


@pytest.mark.filterwarnings("ignore:`torch.jit.script_method`:DeprecationWarning")
@pytest.mark.parametrize("asked", [True, False])
def test_a_recipe_decides_what_is_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, asked: bool
) -> None:
    """And `accelerate config`, which sets such variables, does not."""
    monkeypatch.setenv("ACCELERATE_DYNAMO_BACKEND", "EAGER")
    ours = training_step(recipe_of(tmp_path, **ALONE, run={"compile": asked}))
    assert hasattr(ours.wrapped, "_orig_mod") is asked
    assert (ours.wrapped is ours.model) is not asked


def test_each_step_and_process_draws_for_itself() -> None:
    drawn = []
    for step, rank in [(0, 0), (1, 0), (0, 1), (0, 0)]:
        seed_all(3, "step", step, rank)
        drawn.append(torch.rand(()).item())
    assert drawn[0] == drawn[3]
    assert len(set(drawn)) == 3


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), 1.0])
def test_weights_that_are_not_finite(tmp_path: Path, wrong: float) -> None:
    ours = training_step(recipe_of(tmp_path, **ALONE))
    with torch.no_grad():
        ours.weights[-1].view(-1)[0] = wrong
    assert ours.is_finite() is (wrong == 1.0)
