"""Specs of small models, and checkpoints of their weights."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import deit_spec
from deit_spec import DeiTSpec
from deit_spec.diagnostics import Diagnostic
from deit_spec.spec import check_text
from deit_spec.weights import Checkpoint, Plan, WeightsError, make_plan, open_checkpoint
from deit_spec.weights.convert_checkpoint import rename
from deit_spec.weights.naming_schemes import SCHEMES
from deit_spec.weights.shape_info import GraphParameters

DISTILLED: dict[str, Any] = {
    "image_size": 32,
    "patch_size": 8,
    "embed_dim": 24,
    "depth": 2,
    "num_heads": 3,
    "num_classes": 5,
    "teacher_num_classes": 5,
    "variant": {"init": "fan_in"},
}
PLAIN: dict[str, Any] = {
    **{key: value for key, value in DISTILLED.items() if key != "teacher_num_classes"},
    "variant": {"distillation_token": False, "init": "fan_in"},
}
DEIT3: dict[str, Any] = {
    **PLAIN,
    "variant": {
        "distillation_token": False,
        "init": "fan_in",
        "position_embedding": "patches",
        "layer_scale": 0.5,
    },
}


def model_of(spec: Any, seed: int = 0) -> nn.Module:
    """A model with random weights, so that exchanged tensors are noticed."""
    torch.manual_seed(seed)
    model = deit_spec.load(spec).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    return model


def state_of(spec: Any, seed: int = 0) -> dict[str, Tensor]:
    """The state dict of such a model, as a plain mapping."""
    state = _state_of(json.dumps(spec), seed)
    return {name: tensor.clone() for name, tensor in state.items()}


@cache
def _state_of(spec: str, seed: int) -> dict[str, Tensor]:
    return dict(model_of(json.loads(spec), seed).state_dict())


def save(value: Any, path: Path, **options: Any) -> Path:
    """Save with torch, and return the path."""
    torch.save(value, path, **options)
    return path


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Whether two state dicts are equal bit for bit."""
    return one.keys() == other.keys() and all(
        torch.equal(tensor, other[name]) and tensor.dtype == other[name].dtype
        for name, tensor in one.items()
    )


def planned(spec: Any, state: dict[str, Tensor], **options: Any) -> Plan:
    """The plan that loads these tensors into the model of a spec."""
    checkpoint = Checkpoint("w.pth", "torch, zip", state, **options)
    return make_plan(deit_spec.lower(spec), checkpoint)


def hf_in_memory(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a distilled model, with the names of transformers in memory."""
    name = "hf-DeiTForImageClassificationWithTeacher-in-memory"
    (scheme,) = (each for each in SCHEMES if each.name == name)
    return dict(rename(scheme, state))


def changed(spec: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A spec with other values."""
    return {**spec, **fields}


def codes(plan: Plan) -> list[str]:
    """The diagnostic codes of a plan, in order."""
    return [each.code for each in plan.diagnostics]


def error_of(path: Path, **options: Any) -> Diagnostic:
    """The only diagnostic of a file that is not a checkpoint."""
    with pytest.raises(WeightsError) as caught:
        open_checkpoint(path, **options)
    (diagnostic,) = caught.value.diagnostics
    return diagnostic


def spec_of(text: str) -> DeiTSpec:
    """The spec of a text without errors."""
    checked = check_text(text.encode(), "<found>")
    assert checked.spec is not None, checked.diagnostics
    return checked.spec


def shapes_alone(spec: Any) -> dict[str, Tensor]:
    """A state dict of the shapes of a spec, whose tensors share one number."""
    zero = torch.zeros(1)
    shapes = GraphParameters(deit_spec.lower(spec)).shapes
    return {name: zero.expand(shape) for name, shape in shapes.items()}


def of_shapes(state: dict[str, Tensor], **options: Any) -> Checkpoint:
    """A checkpoint of a state dict, without a file."""
    return Checkpoint("w", "torch, zip", state, **options)
