"""Frozen parts keep their values and their mode, and cost the optimizer nothing."""

from pathlib import Path
from typing import Any

import pytest
import torch
from support.commands import run
from support.recipes import SPECS, valid
from support.runs import recipe, save_weights, state
from torch import Tensor, nn

import deit_spec
from deit_spec.distill.evaluation import evaluate
from deit_spec.distill.training import train
from deit_spec.distill.training.processes import Processes
from deit_spec.distill.training.training_step import TrainingStep
from deit_spec.recipe.trained_parameters import trained_names
from deit_spec.weights import safetensors_file

SPEC = SPECS / "digits.yaml"
DROPPING = {
    "image_size": 8,
    "patch_size": 4,
    "in_channels": 1,
    "embed_dim": 8,
    "depth": 3,
    "num_heads": 2,
    "num_classes": 3,
    "teacher_num_classes": 3,
    "dropout": 0.5,
    "variant": {"drop_path": 0.5},
}
STEM = ["patch_embed", "cls_token", "dist_token", "pos_embed"]


@pytest.mark.parametrize(
    ("student", "settings"),
    [
        ({"freeze": ["patch_embed", "blocks.0-1", "cls_token"]}, {"name": "adamw"}),
        ({"train": "heads"}, {"name": "sgd"}),
        ({"train": "attention", "freeze": ["blocks.0"]}, {"name": "lamb"}),
    ],
    ids=["blocks", "heads", "attention"],
)
def test_frozen_weights_are_kept_to_the_bit(
    tmp_path: Path, student: dict[str, Any], settings: dict[str, Any]
) -> None:
    """And all others learn; the moving average is theirs as well."""
    weights = save_weights(SPEC, tmp_path / "start.safetensors")
    checked = recipe(
        tmp_path,
        student={"spec": str(SPEC), "weights": str(weights), **student},
        optimizer=settings,
        run={"ema": 0.5, "ema_warmup": False},
        schedule={"steps": 6},
    )
    train(checked, tmp_path / "run")
    before = safetensors_file.read(weights, "start")
    after = safetensors_file.read(tmp_path / "run" / "model.safetensors", "end")
    learned = set(trained_names(before, valid(checked)))
    assert 0 < len(learned) < len(before)
    equal = {name for name in before if torch.equal(before[name], after[name])}
    assert equal == before.keys() - learned
    for kind in ("optimizer", "average"):
        names = [name for name in state(tmp_path / "run") if name.startswith(kind)]
        ends = {name for name in before for each in names if each.endswith(f".{name}")}
        assert {name for name in ends if name in learned} == learned
        assert not [
            name for name in names if not any(name.endswith(f".{n}") for n in learned)
        ]


def step_of(
    folder: Path, student: dict[str, Any], optimizer: str = "adamw", **run: Any
) -> TrainingStep:
    alone = {
        "teacher": None,
        "loss": {"kind": "none"},
        "optimizer": {"name": optimizer},
    }
    asked = recipe(folder, student={"spec": str(SPEC), **student}, run=run, **alone)
    torch.manual_seed(0)
    return TrainingStep(
        deit_spec.load(DROPPING), None, valid(asked), Processes(valid(asked))
    )


def in_training(model: nn.Module) -> set[str]:
    """The layers of a model that drop something, in training mode."""
    return {
        name
        for name, module in model.named_modules()
        if module.training and "drop" in name
    }


@pytest.mark.parametrize(
    ("student", "frozen"),
    [
        ({}, ()),
        ({"freeze": ["blocks.0-1"]}, ("blocks.0.", "blocks.1.")),
        ({"freeze": [*STEM, "blocks.0"]}, ("pos_drop", "blocks.0.")),
        ({"freeze": STEM[:-1]}, ()),
        ({"train": "heads"}, ("pos_drop", "blocks.")),
        ({"freeze": ["blocks.*.mlp"]}, tuple(f"blocks.{n}.mlp." for n in range(3))),
    ],
)
def test_frozen_parts_drop_nothing(
    tmp_path: Path, student: dict[str, Any], frozen: tuple[str, ...]
) -> None:
    """Also after an evaluation of the same model."""
    names = in_training(deit_spec.load(DROPPING))
    ours = step_of(tmp_path, student)
    assert ours.copy is None
    expected = {name for name in names if not name.startswith(frozen)}
    assert in_training(ours.model) == expected
    batch = torch.randn(4, 1, 8, 8), torch.tensor([0, 1, 2, 0])
    evaluate(ours.model, [batch], fusion="cls")
    assert in_training(ours.model) == expected


def test_a_frozen_prefix_stores_nothing_for_the_gradient(tmp_path: Path) -> None:
    """What autograd saves is of the block that learns, and of the head."""
    saved: dict[str, int] = {}
    for name, student in {"all": {}, "last": {"freeze": [*STEM, "blocks.0-1"]}}.items():
        ours, sizes = step_of(tmp_path, student), list[int]()

        def save(tensor: Tensor, to: list[int] = sizes) -> Tensor:
            to.append(tensor.numel() if tensor.grad_fn else 0)
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(save, lambda tensor: tensor):
            ours.take(torch.randn(4, 1, 8, 8), torch.tensor([0, 1, 2, 0]), 1e-3)
        saved[name] = sum(sizes)
    assert saved["last"] < 0.5 * saved["all"]


def after_steps(ours: TrainingStep) -> list[Tensor]:
    """The weights after three steps, for which the seed is fixed."""
    torch.manual_seed(1)
    for _ in range(3):
        ours.take(torch.randn(4, 1, 8, 8), torch.randint(0, 3, (4,)), 1e-2)
    return [each.detach() for each in ours.weights]


@pytest.mark.parametrize("student", [{}, {"freeze": [*STEM, "blocks.0"]}])
def test_gradient_checkpointing_changes_no_bit(
    tmp_path: Path, student: dict[str, Any]
) -> None:
    """With dropout and drop path, which are drawn again in the backward pass."""
    usual, less = (
        after_steps(step_of(tmp_path, student, gradient_checkpointing=asked))
        for asked in (False, True)
    )
    assert all(map(torch.equal, usual, less))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method`:DeprecationWarning")
def test_compiled_blocks_are_computed_again_with_the_same_choices(
    tmp_path: Path,
) -> None:
    """A compiled model rounds in another order; SGD does not amplify that."""
    usual, less = (
        after_steps(
            step_of(tmp_path, {}, "sgd", compile=True, gradient_checkpointing=asked)
        )
        for asked in (False, True)
    )
    torch.testing.assert_close(usual, less)


def test_gradient_checkpointing_stores_less(tmp_path: Path) -> None:
    saved = []
    for asked in (False, True):
        ours, sizes = step_of(tmp_path, {}, gradient_checkpointing=asked), list[int]()

        def save(tensor: Tensor, to: list[int] = sizes) -> Tensor:
            to.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(save, lambda tensor: tensor):
            ours.wrapped(torch.randn(4, 1, 8, 8))
        saved.append(sum(sizes))
    assert saved[1] < 0.5 * saved[0]


def test_the_summary_has_the_number_of_trained_parameters(tmp_path: Path) -> None:
    checked = recipe(
        tmp_path,
        student={"spec": str(SPEC), "train": "heads"},
        schedule={"steps": 2, "warmup_steps": 0},
    )
    done = run("train", str(checked.path), "-o", str(tmp_path / "run"))
    assert "87,092 parameters, 980 of them trained" in done.stderr
    text = (tmp_path / "run" / "summary.md").read_text(encoding="utf-8")
    assert "87,092 parameters, of which 980 were trained with digits_convnet" in text
