"""`load` with weights: what is drawn, what is kept, in which dtype and where."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from support.checkpoints import (
    DISTILLED,
    PLAIN,
    hf_in_memory,
    same,
    save,
    state_of,
)
from support.execution import images_for
from support.strategies import specs
from torch import nn

import deit_spec
from deit_spec.weights import WeightsError


@given(specs(), st.sampled_from(["train", "inference"]))
def test_any_spec_loads_its_own_weights(
    tmp_path_factory: pytest.TempPathFactory, spec: deit_spec.DeiTSpec, target: Any
) -> None:
    model = deit_spec.load(spec).eval()
    state = dict(model.state_dict())
    path = save(state, tmp_path_factory.mktemp("w") / "w.pth")
    if "head_dist.weight" in state and spec.num_classes is None:
        return
    loaded = deit_spec.load(spec, weights=path, target=target).eval()
    assert same(dict(loaded.state_dict()), state)
    images = images_for(spec)
    predict = getattr(model, "predict", model)
    wanted = predict(images) if target == "inference" else model(images)
    for one, other in zip(_flat(loaded(images)), _flat(wanted), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5)


def _flat(output: Any) -> tuple[torch.Tensor, ...]:
    return output if isinstance(output, tuple) else (output,)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return save(state_of(DISTILLED), tmp_path / "w.pth")


def test_only_new_heads_are_drawn(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is allocated that a tensor of the file replaces."""
    drawn: list[tuple[int, ...]] = []
    draw = torch.Tensor.normal_, torch.Tensor.uniform_

    def watch(original: Any) -> Any:
        def method(tensor: torch.Tensor, *given: Any, **named: Any) -> torch.Tensor:
            if tensor.device.type != "meta":
                drawn.append(tuple(tensor.shape))
            return original(tensor, *given, **named)

        return method

    for original in draw:
        monkeypatch.setattr(torch.Tensor, original.__name__, watch(original))
    before = torch.get_rng_state()
    deit_spec.load(DISTILLED, weights=path)
    assert drawn == []
    assert torch.equal(torch.get_rng_state(), before)
    other = {**DISTILLED, "num_classes": 7, "teacher_num_classes": 7}
    deit_spec.load(other, weights=path, strict=False)
    assert drawn == [(7, 24), (7, 24)]


def test_seed_decides_new_heads(path: Path) -> None:
    other = {**DISTILLED, "num_classes": 7, "teacher_num_classes": 7}
    states = []
    for _ in range(2):
        torch.manual_seed(3)
        model = deit_spec.load(other, weights=path, allow={"heads"})
        states.append(dict(model.state_dict()))
    assert same(*states)


DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


@pytest.mark.parametrize("kept", DTYPES)
@pytest.mark.parametrize("asked", [None, "float32", "bfloat16"])
def test_dtype_is_kept_or_converted(
    kept: torch.dtype, asked: str | None, tmp_path: Path
) -> None:
    state = {name: t.to(kept) for name, t in state_of(DISTILLED).items()}
    path = save(state, tmp_path / "w.pth")
    wanted = getattr(torch, asked) if asked else kept
    model = deit_spec.load(DISTILLED, weights=path, dtype=asked)
    assert same(dict(model.state_dict()), {n: t.to(wanted) for n, t in state.items()})
    larger = {**DISTILLED, "image_size": 48, "in_channels": 1, "num_classes": 7}
    larger["variant"] = {"fusion": "cls"}
    model = deit_spec.load(larger, weights=path, strict=False, dtype=asked)
    assert {p.dtype for p in model.parameters()} == {wanted}


def test_mixed_dtypes_become_the_widest(tmp_path: Path) -> None:
    """LayerNorm in float32 beside half precision: a model runs in one of them."""
    state = {
        name: tensor if "norm" in name else tensor.half()
        for name, tensor in state_of(DISTILLED).items()
    }
    model = deit_spec.load(DISTILLED, weights=save(state, tmp_path / "w.pth")).eval()
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert model(torch.zeros(1, 3, 32, 32)).cls.isfinite().all()


def test_tied_and_sliced_tensors_are_separated(tmp_path: Path) -> None:
    state = state_of(DISTILLED)
    state["head_dist.weight"] = state["head.weight"]
    both = torch.randn(2, 24)
    state["norm.weight"], state["norm.bias"] = both[0], both[1]
    state["blocks.0.mlp.fc1.weight"] = state["blocks.0.mlp.fc2.weight"].t()
    model = deit_spec.load(DISTILLED, weights=save(state, tmp_path / "w.pth"))
    assert same(dict(model.state_dict()), state)
    for parameter in model.parameters():
        assert parameter.is_contiguous()
        assert parameter.untyped_storage().nbytes() == parameter.nbytes
    with torch.no_grad():
        model.head.weight.zero_()
    assert model.head_dist.weight.any()


def test_an_ordinary_module(path: Path) -> None:
    """It copies, trains, exports and has the same class as a new one."""
    model = deit_spec.load(DISTILLED, weights=path)
    assert type(model) is type(deit_spec.load(DISTILLED))
    assert model.training
    images = torch.randn(2, 3, 32, 32)
    copied = copy.deepcopy(model)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    model(images).cls.sum().backward()
    optimiser.step()
    assert not torch.equal(model.head.weight, copied.head.weight)
    assert torch.equal(copied.head.weight, state_of(DISTILLED)["head.weight"])
    assert isinstance(torch.export.export(copied.eval(), (images,)).module(), nn.Module)


def test_device(path: Path) -> None:
    model = deit_spec.load(DISTILLED, weights=path, device="meta")
    assert {p.device.type for p in model.parameters()} == {"meta"}
    with torch.device("meta"):
        model = deit_spec.load(DISTILLED, weights=path)
    assert {p.device.type for p in model.parameters()} == {"meta"}


def test_errors(path: Path) -> None:
    with pytest.raises(deit_spec.SpecError):
        deit_spec.load({**DISTILLED, "depth": 0}, weights=path)
    with pytest.raises(deit_spec.WeightsError, match="DS401"):
        deit_spec.load(DISTILLED, weights=path.with_name("nowhere"))
    with pytest.raises(deit_spec.WeightsError, match="DS414"):
        deit_spec.load(PLAIN, weights=path)
    with pytest.raises(ValueError, match="dtype must be one of"):
        deit_spec.load(DISTILLED, weights=path, dtype="int8")
    with pytest.raises(ValueError, match="allow takes"):
        deit_spec.load(DISTILLED, weights=path, allow={"everything"})  # type: ignore[arg-type]


def test_a_warning_of_the_plan_is_a_warning(tmp_path: Path) -> None:
    """A config with another epsilon, with which the model computes something else."""
    save(hf_in_memory(state_of(PLAIN)), tmp_path / "w.pth")
    config = {"num_attention_heads": PLAIN["num_heads"], "layer_norm_eps": 1e-3}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.warns(UserWarning, match="DS416: layer_norm_eps is 0.001"):
        deit_spec.load(PLAIN, weights=tmp_path / "w.pth")


def test_tensors_of_integers(tmp_path: Path) -> None:
    state = {name: t.to(torch.int32) for name, t in state_of(DISTILLED).items()}
    with pytest.raises(WeightsError) as caught:
        deit_spec.load(DISTILLED, weights=save(state, tmp_path / "integers"))
    assert [each.code for each in caught.value.diagnostics] == ["DS407"]


def test_a_state_dict_is_not_a_path() -> None:
    with pytest.raises(TypeError, match="load_state_dict"):
        deit_spec.load(PLAIN, weights=state_of(PLAIN))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options", [{"strict": False}, {"allow": {"heads"}}, {"entry": "model"}]
)
def test_options_without_weights(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="require weights"):
        deit_spec.load(PLAIN, **options)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", None])
@pytest.mark.parametrize("around", [torch.inference_mode, torch.no_grad])
def test_a_model_loaded_in_inference_mode_trains(
    suffix: str | None, around: type, tmp_path: Path
) -> None:
    path = tmp_path / f"weights{suffix}"
    (torch.save if suffix == ".pth" else save_file)(state_of(DISTILLED), path)
    before = path.read_bytes()
    with around():
        model = deit_spec.load(DISTILLED, weights=path if suffix else None)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model(torch.randn(2, 3, 32, 32)).cls.square().sum().backward()
    assert not any(p.is_inference() for p in model.parameters())
    assert all(p.is_leaf and p.requires_grad for p in model.parameters())
    assert model.head.weight.grad is not None
    optimizer.step()
    assert path.read_bytes() == before
