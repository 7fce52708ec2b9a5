"""transformers' files load here, and ours load there, with the same logits."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peers import import_transformers
from support.checkpoints import DISTILLED, PLAIN, model_of, save, state_of
from support.images import drawn_image
from torch import nn

import deit_spec
from deit_spec.diagnostics import Diagnostic
from deit_spec.model.image_transform import CentralCrop
from deit_spec.model.library_preprocessing import find_differences, to_transformers
from deit_spec.model.preprocessing import Preprocessing
from deit_spec.weights import (
    To,
    WeightsError,
    Writing,
    convert,
    inspect,
    make_plan,
    open_checkpoint,
)

CONFIGS: list[dict[str, Any]] = [
    {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3,
     "intermediate_size": 48, "image_size": 32, "patch_size": 8, "num_labels": 5},
    {"hidden_size": 20, "num_hidden_layers": 3, "num_attention_heads": 2,
     "intermediate_size": 50, "image_size": 24, "patch_size": 4, "num_labels": 1,
     "num_channels": 1, "layer_norm_eps": 1e-6},
    {"hidden_size": 12, "num_hidden_layers": 1, "num_attention_heads": 12,
     "intermediate_size": 7, "image_size": 8, "patch_size": 8, "num_labels": 3,
     "qkv_bias": False, "layer_norm_eps": 1e-3},
]  # fmt: skip
CLASSES = [
    "DeiTForImageClassificationWithTeacher",
    "DeiTForImageClassification",
    "ViTForImageClassification",
]


def theirs(name: str, config: dict[str, Any]) -> Any:
    """A model of transformers in which no tensor is constant."""
    kind = getattr(import_transformers(), name)
    torch.manual_seed(0)
    model = kind(kind.config_class(**config)).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    return model


def images_of(config: dict[str, Any]) -> torch.Tensor:
    size = config["image_size"]
    return torch.randn(2, config.get("num_channels", 3), size, size)


def logits(model: Any, images: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model(images).logits
    assert found.std() > 0.01 or found.shape[1] == 1
    return found


def convert_to(
    spec: Any,
    path: Path,
    out: Path,
    preprocessing: Preprocessing | None = None,
    classes: tuple[str, ...] | None = None,
) -> tuple[Diagnostic, ...]:
    """Convert to a directory, and return the warnings."""
    graph = deit_spec.compile(spec).graph
    checkpoint = open_checkpoint(path)
    plan = make_plan(graph, checkpoint)
    config = to_transformers(preprocessing) if preprocessing else None
    writing = Writing(out, To.HF, preprocessing=config, classes=classes)
    return convert(graph, plan, checkpoint, writing)


def write(spec: Any, path: Path, out: Path) -> tuple[str, ...]:
    """Convert to a directory, and return the codes of the warnings."""
    return tuple(note.code for note in convert_to(spec, path, out))


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("where", ["directory", "file", "in memory"])
def test_import_from_transformers(
    name: str, config: dict[str, Any], where: str, tmp_path: Path
) -> None:
    model = theirs(name, config)
    model.save_pretrained(tmp_path / "hf")
    path = tmp_path / "hf"
    spec = inspect(open_checkpoint(path)).values
    if where == "file":
        path /= "model.safetensors"
    elif where == "in memory":
        path = save(model.state_dict(), tmp_path / "w.bin")
    ours = deit_spec.load(spec, weights=path).eval()
    images = images_of(config)
    with torch.no_grad():
        found = ours.predict(images)
    torch.testing.assert_close(found, logits(model, images), rtol=0, atol=1e-5)
    if "Teacher" in name:
        with torch.no_grad():
            both, wanted = ours(images), model(images)
        torch.testing.assert_close(both.cls, wanted.cls_logits, rtol=0, atol=1e-5)
        torch.testing.assert_close(
            both.dist, wanted.distillation_logits, rtol=0, atol=1e-5
        )


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("name", CLASSES)
def test_a_round_trip_gives_the_same_file(
    name: str, config: dict[str, Any], tmp_path: Path
) -> None:
    model = theirs(name, config)
    model.save_pretrained(tmp_path / "hf")
    spec = inspect(open_checkpoint(tmp_path / "hf")).values
    assert write(spec, tmp_path / "hf", tmp_path / "ours") == ()
    weights = [tmp_path / who / "model.safetensors" for who in ("hf", "ours")]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    one, other = (
        json.loads((tmp_path / who / "config.json").read_text())
        for who in ("hf", "ours")
    )
    # Two labels are transformers' default; a stride belongs to masked images.
    alike = other.keys() & one.keys() - {"id2label", "label2id", "encoder_stride"}
    assert len(alike) >= 15
    assert {key: other[key] for key in alike} == {key: one[key] for key in alike}


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        (DISTILLED, "DeiTForImageClassificationWithTeacher"),
        (PLAIN, "ViTForImageClassification"),
        ({**PLAIN, "variant": {"init": "fan_in"}}, "DeiTForImageClassification"),
    ],
)
def test_export_to_transformers(
    spec: dict[str, Any], name: str, tmp_path: Path
) -> None:
    """`from_pretrained` finds the class, its config, and every tensor."""
    transformers = import_transformers()
    ours = model_of(spec)
    write(spec, save(ours.state_dict(), tmp_path / "w.pth"), tmp_path / "hf")
    kind = getattr(transformers, name)
    model, said = kind.from_pretrained(tmp_path / "hf", output_loading_info=True)
    assert not any(said.values()), said
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        found = ours.predict(images)
    torch.testing.assert_close(found, logits(model.eval(), images), rtol=0, atol=1e-5)
    assert model.config.layer_norm_eps == 1e-6
    assert model.config.num_labels == len(model.config.id2label) == 5
    assert model.config.architectures == [name]


def test_base_models(tmp_path: Path) -> None:
    """Without a head it is the base model, whose class token is our output."""
    transformers = import_transformers()
    spec = {**PLAIN, "num_classes": None}
    ours = model_of(spec)
    write(spec, save(ours.state_dict(), tmp_path / "w.pth"), tmp_path / "hf")
    model = transformers.ViTModel.from_pretrained(
        tmp_path / "hf", add_pooling_layer=False
    )
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        wanted = model.eval()(images).last_hidden_state[:, 0]
        torch.testing.assert_close(ours(images), wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "name", ["DeiTForMaskedImageModeling", "ViTForMaskedImageModeling"]
)
def test_the_encoder_of_masked_image_modelling(name: str, tmp_path: Path) -> None:
    """Its decoder and mask token are dropped if that is allowed."""
    model = theirs(name, {**CONFIGS[0], "encoder_stride": 8})
    model.save_pretrained(tmp_path / "hf")
    found = inspect(open_checkpoint(tmp_path / "hf"))
    messages = [each.message for each in found.diagnostics]
    assert messages[0].startswith("the model does not use 3 tensors: ")
    assert messages[1] == "there is no head for the class token"
    with pytest.raises(WeightsError, match="would need `drop`"):
        deit_spec.load(found.values, weights=tmp_path / "hf")
    ours = deit_spec.load(found.values, weights=tmp_path / "hf", allow={"drop"}).eval()
    images = images_of(CONFIGS[0])
    with torch.no_grad():
        wanted = model.base_model(images).last_hidden_state[:, 0]
        torch.testing.assert_close(ours(images), wanted, rtol=0, atol=1e-5)


def test_a_pipeline_and_the_names_of_classes(tmp_path: Path) -> None:
    classes = ("a cat", "chien", "猫", 'a "dog"', "bird")
    ours = model_of(DISTILLED)
    path = save(ours.state_dict(), tmp_path / "w.pth")
    preprocessing = Preprocessing(32)
    assert convert_to(DISTILLED, path, tmp_path / "hf", preprocessing, classes) == ()
    config = json.loads((tmp_path / "hf/config.json").read_text(encoding="utf-8"))
    assert list(config["id2label"].values()) == list(classes)
    assert config["label2id"] == {name: index for index, name in enumerate(classes)}
    image = drawn_image((50, 40), 3, 0)
    pipeline = import_transformers().pipeline(
        "image-classification", model=str(tmp_path / "hf"), device="cpu"
    )
    with torch.no_grad():
        logits = ours.predict(CentralCrop(preprocessing)(image)[None])[0]
    shares = logits.softmax(0).tolist()
    wanted = sorted(zip(classes, shares, strict=True), key=lambda pair: -pair[1])
    found = [(each["label"], each["score"]) for each in pipeline(image)]
    assert [name for name, _ in found] == [name for name, _ in wanted]
    assert [share for _, share in found] == pytest.approx(
        [share for _, share in wanted], abs=0.02
    )


def test_grey_images(tmp_path: Path) -> None:
    """They work as arrays; of images a pipeline makes RGB, which is reported."""
    spec = {**PLAIN, "in_channels": 1}
    path = save(state_of(spec), tmp_path / "w.pth")
    grey = Preprocessing(32, 1, mean=(0.5,), std=(0.25,))
    convert_to(spec, path, tmp_path / "hf", grey)
    _, found = find_differences(grey, "transformers", "hf")
    assert found.code == "DS428"
    assert found.message == "transformers does not convert images to grey"
    pipeline = import_transformers().pipeline(
        "image-classification", model=str(tmp_path / "hf"), device="cpu"
    )
    image = drawn_image((50, 40), 3, 0)
    with pytest.raises(ValueError, match="channel"):
        pipeline(image)
    assert found.helps == (
        'pass `numpy.array(image.convert("L"))[None]` instead of an image',
    )
    assert len(pipeline(np.array(image.convert("L"))[None])) == 5


def test_a_wrong_number_of_class_names_is_refused(tmp_path: Path) -> None:
    path = save(state_of(PLAIN), tmp_path / "w.pth")
    with pytest.raises(ValueError, match=r"class names is 2, but num_classes is 5"):
        convert_to(PLAIN, path, tmp_path / "hf", classes=("cat", "dog"))
    assert not (tmp_path / "hf").exists()


@pytest.mark.parametrize("name", CLASSES)
def test_dropout_is_converted_except_in_one_place(name: str, tmp_path: Path) -> None:
    """What transformers runs in training, seen through its dropout modules."""
    spec = {**(PLAIN if name.startswith("ViT") else DISTILLED), "dropout": 0.25}
    if name == "DeiTForImageClassification":
        spec["teacher_num_classes"] = None
    path = save(model_of(spec).state_dict(), tmp_path / "w.pth")
    assert [each.code for each in convert_to(spec, path, tmp_path / "hf")] == ["DS422"]
    model = getattr(import_transformers(), name).from_pretrained(tmp_path / "hf")
    theirs, ours = dropouts(model.train()), dropouts(deit_spec.load(spec).train())
    size = (2, 18 if "DeiT" in name else 17)
    assert theirs == [(0.25, (*size, 24))] * (1 + 2 * 2)
    inside = (0.25, (*size, 96))
    assert [each for each in ours if each != inside] == theirs
    assert ours.count(inside) == 2
    assert model.config.attention_probs_dropout_prob == 0
    assert inspect(open_checkpoint(tmp_path / "hf")).values["dropout"] == 0.25


def dropouts(model: nn.Module) -> list[tuple[float, tuple[int, ...]]]:
    """The rate and the shape of each dropout that a model runs, in order."""
    found: list[tuple[float, tuple[int, ...]]] = []
    original = nn.functional.dropout

    def watch(x: torch.Tensor, p: float, *given: Any, **named: Any) -> torch.Tensor:
        if p:
            found.append((p, tuple(x.shape)))
        return original(x, p, *given, **named)

    with pytest.MonkeyPatch.context() as patch, torch.no_grad():
        patch.setattr(nn.functional, "dropout", watch)
        model(torch.randn(2, 3, 32, 32))
    return found
