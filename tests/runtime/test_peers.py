"""The same weights in timm and here give the same outputs and gradients."""

import pytest
import torch
from peers import import_timm
from torch import Tensor, nn

import deit_spec

DEIT3 = {
    "distillation_token": False,
    "position_embedding": "patches",
    "layer_scale": 1e-6,
}

PEERS = {
    "deit_tiny_distilled_patch16_224": {
        "embed_dim": 192,
        "num_heads": 3,
        "num_classes": 1000,
        "teacher_num_classes": 1000,
    },
    "deit_small_patch16_224": {
        "embed_dim": 384,
        "num_heads": 6,
        "num_classes": 1000,
        "variant": {"distillation_token": False},
    },
    "deit3_small_patch16_224": {
        "embed_dim": 384,
        "num_heads": 6,
        "num_classes": 1000,
        "variant": DEIT3,
    },
}


@pytest.fixture(params=PEERS)
def pair(request: pytest.FixtureRequest) -> tuple[nn.Module, nn.Module]:
    """timm's randomly initialised model, and ours with its weights."""
    torch.manual_seed(0)
    theirs = import_timm().create_model(request.param, pretrained=False).eval()
    # Layer scale is initialised near zero, which would hide the scaled branches.
    for name, parameter in theirs.named_parameters():
        if name.endswith("gamma"):
            nn.init.normal_(parameter)
    ours = deit_spec.load(PEERS[request.param]).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    return theirs, ours


@pytest.fixture
def images() -> Tensor:
    return torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(1))


def test_outputs_equal(pair: tuple[nn.Module, nn.Module], images: Tensor) -> None:
    theirs, ours = pair
    with torch.no_grad():
        wanted, found = theirs(images), ours.predict(images)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)
    assert wanted.std() > 0.01  # the outputs are not constant


def test_gradients_agree(pair: tuple[nn.Module, nn.Module], images: Tensor) -> None:
    theirs, ours = pair
    theirs(images).sum().backward()
    ours.predict(images).sum().backward()
    wanted = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        assert parameter.grad is not None
        gradient = wanted[name].grad
        error = (parameter.grad - gradient).norm() / gradient.norm()
        assert error < 1e-4, name


def test_two_heads_equal_two_heads(images: Tensor) -> None:
    """timm returns both heads while it trains with distillation."""
    name = "deit_tiny_distilled_patch16_224"
    theirs = import_timm().create_model(name, pretrained=False).eval()
    theirs.set_distilled_training(True)
    ours = deit_spec.load(PEERS[name]).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    theirs.train()  # the published rates are all zero, so nothing is random
    with torch.no_grad():
        cls, dist = theirs(images)
        found = ours(images)
    torch.testing.assert_close(found.cls, cls, rtol=0, atol=1e-5)
    torch.testing.assert_close(found.dist, dist, rtol=0, atol=1e-5)
    torch.testing.assert_close(
        ours.predict(images), (cls + dist) / 2, rtol=0, atol=1e-5
    )
