"""The folders that timm opens: the model, its training, and its class names."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peers import import_timm
from support.checkpoints import DEIT3, DISTILLED, PLAIN, model_of, save, state_of
from torch import nn

import deit_spec
from deit_spec.lowering import lower
from deit_spec.weights import To, Writing, convert, make_plan, open_checkpoint
from deit_spec.weights.library_config import timm_config
from deit_spec.weights.shape_info import GraphParameters

CLASSES = ("a cat", "chien", "猫", 'a "dog"', "bird")
NOISY = {**DEIT3, "dropout": 0.25}
NOISY["variant"] = {**DEIT3["variant"], "drop_path": 0.5}


def write(spec: Any, out: Path, **options: Any) -> nn.Module:
    """Convert random weights to a folder for timm, and return our model."""
    model = model_of(spec)
    checkpoint = open_checkpoint(save(model.state_dict(), out.parent / "w.pth"))
    graph = deit_spec.compile(spec).graph
    plan = make_plan(graph, checkpoint)
    assert convert(graph, plan, checkpoint, Writing(out, To.TIMM, **options)) == ()
    return model


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        (DISTILLED, "VisionTransformerDistilled"),
        (PLAIN, "VisionTransformer"),
        (DEIT3, "VisionTransformer"),
        ({**PLAIN, "in_channels": 1, "num_classes": None}, "VisionTransformer"),
    ],
)
def test_timm_opens_the_folder(spec: dict[str, Any], kind: str, tmp_path: Path) -> None:
    ours = write(spec, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "config.json",
        "model.safetensors",
    ]
    model = import_timm().create_model(f"local-dir:{tmp_path}/out", pretrained=True)
    assert type(model).__name__ == kind
    images = torch.randn(2, spec.get("in_channels", 3), 32, 32)
    with torch.no_grad():
        wanted = ours.predict(images) if spec["num_classes"] else ours(images)
        torch.testing.assert_close(model.eval()(images), wanted, rtol=0, atol=1e-5)


def test_another_number_of_classes(tmp_path: Path) -> None:
    """As fine-tuning starts; timm draws new heads and keeps the rest."""
    write(DISTILLED, tmp_path / "out")
    name = f"local-dir:{tmp_path}/out"
    model = import_timm().create_model(name, pretrained=True, num_classes=3)
    assert model.head.weight.shape == model.head_dist.weight.shape == (3, 24)
    assert torch.equal(model.pos_embed, state_of(DISTILLED)["pos_embed"])


def test_the_layers_of_training(tmp_path: Path) -> None:
    """Dropout and stochastic depth of timm's model are those of the spec."""
    ours = write(NOISY, tmp_path / "out")
    theirs = import_timm().create_model(f"local-dir:{tmp_path}/out", pretrained=True)
    rates = [
        [each.p for each in model.modules() if isinstance(each, nn.Dropout) and each.p]
        for model in (ours, theirs)
    ]
    assert rates == [[0.25] * 7] * 2
    assert theirs.blocks[1].drop_path1.drop_prob == 0.5
    assert isinstance(theirs.blocks[0].drop_path1, nn.Identity)


def test_class_names_and_the_architecture(tmp_path: Path) -> None:
    """timm puts the names into the config of the model."""
    write(DISTILLED, tmp_path / "out", classes=CLASSES)
    text = (tmp_path / "out/config.json").read_text(encoding="utf-8")
    assert json.loads(text)["label_names"] == list(CLASSES)
    model = import_timm().create_model(f"local-dir:{tmp_path}/out", pretrained=True)
    assert tuple(model.pretrained_cfg["label_names"]) == CLASSES


@pytest.mark.parametrize(
    ("name", "architecture"),
    [
        ("deit_tiny_distilled_patch16_224", "deit_tiny_distilled_patch16_224"),
        ("deit_small_patch16_224", "deit_small_patch16_224"),
        ("deit3_medium_patch16_224", "deit_base_patch16_224"),
    ],
)
def test_the_architecture_is_of_the_same_size(name: str, architecture: str) -> None:
    model = GraphParameters(lower(deit_spec.load_spec(name)))
    assert timm_config(model, None, None)["architecture"] == architecture
