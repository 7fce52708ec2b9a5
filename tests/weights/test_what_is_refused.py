"""What a plan must not promise, and what `load` must not swallow."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import deit_spec
from deit_spec.weights import WeightsError, make_plan, open_checkpoint

TINY = Path(__file__).parents[2] / "specs" / "tiny.yaml"


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    return dict(deit_spec.load(TINY).state_dict())


def save(folder: Path, state: dict[str, torch.Tensor]) -> Path:
    path = folder / "weights.pth"
    torch.save(state, path)
    return path


def test_a_tensor_without_data(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    state["head.weight"] = state["head.weight"].to("meta")
    with pytest.raises(WeightsError) as caught:
        open_checkpoint(save(tmp_path, state))
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == (
        "DS407",
        "head.weight has no data, only a shape",
    )


@pytest.mark.parametrize("dtype", [torch.int32, torch.float8_e4m3fn, torch.complex64])
def test_a_plan_finds_what_is_no_weight(
    tmp_path: Path, state: dict[str, torch.Tensor], dtype: torch.dtype
) -> None:
    state["norm.weight"] = state["norm.weight"].to(dtype)
    checkpoint = open_checkpoint(save(tmp_path, state))
    plan = make_plan(deit_spec.compile(TINY).graph, checkpoint)
    assert [found.code for found in plan.diagnostics] == ["DS407"]
    assert not plan.reconciles
    assert sum(plan.counts().values()) == len(state) - 1


def test_a_misfit_is_not_taken(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    state["blocks.1.attn.qkv.bias"] = torch.zeros(5)
    checkpoint = open_checkpoint(save(tmp_path, state))
    plan = make_plan(deit_spec.compile(TINY).graph, checkpoint)
    assert [found.code for found in plan.diagnostics] == ["DS411"]
    assert "blocks.1.attn.qkv.bias" not in {step.name for step in plan.steps}


def test_a_state_dict_is_no_path(state: dict[str, torch.Tensor]) -> None:
    with pytest.raises(TypeError, match="load_state_dict"):
        deit_spec.load(TINY, weights=state)


@pytest.mark.parametrize(
    "options", [{"strict": False}, {"allow": {"heads"}}, {"entry": "model"}]
)
def test_options_without_weights(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="go with weights"):
        deit_spec.load(TINY, **options)


def test_a_loaded_model_trains(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    """Its parameters are leaves with gradients, and the file stays as it was."""
    path = save(tmp_path, state)
    before = path.read_bytes()
    model = deit_spec.load(TINY, weights=path).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model(torch.randn(2, 1, 8, 8)).cls.square().sum().backward()
    assert all(p.is_leaf and p.requires_grad for p in model.parameters())
    optimizer.step()
    assert not torch.equal(model.head.weight, state["head.weight"])
    assert path.read_bytes() == before


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", None])
@pytest.mark.parametrize("around", [torch.inference_mode, torch.no_grad])
def test_a_model_loaded_in_inference_mode_trains(
    suffix: str | None, around: type, tmp_path: Path, state: dict[str, torch.Tensor]
) -> None:
    path = tmp_path / f"weights{suffix}"
    (torch.save if suffix == ".pth" else save_file)(state, path)
    with around():
        model = deit_spec.load(TINY, weights=path if suffix else None)
    model(torch.randn(2, 1, 8, 8)).cls.square().sum().backward()
    assert not any(p.is_inference() for p in model.parameters())
    assert all(p.is_leaf and p.requires_grad for p in model.parameters())
    assert model.head.weight.grad is not None
