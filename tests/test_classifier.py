"""`load_model`: predictions are those of the library that wrote the model."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from support.checkpoints import DISTILLED, state_of
from support.models import NAMES, hf_folder, save_images, timm_folder
from torch import nn

import deit_spec
from deit_spec.classifier import Classifier, Guess
from deit_spec.distill.data import open_data
from deit_spec.distill.data.digits import read_digits
from deit_spec.distill.optional_packages import import_package
from deit_spec.model.model_folder import ModelFolderError
from deit_spec.model.preprocessing import preprocessing_of
from deit_spec.recipe import check_recipe
from deit_spec.weights import safetensors_file
from deit_spec.weights.spec_metadata import make_metadata


def same(found: list[Guess], logits: torch.Tensor, names: Any = NAMES) -> None:
    """Check that a prediction is that of the logits `[K]`."""
    wanted = logits.double().softmax(dim=0).sort(descending=True)
    assert [each.category for each in found] == wanted.indices[:5].tolist()
    assert [each.label for each in found] == [names[each.category] for each in found]
    assert [each.probability for each in found] == pytest.approx(
        wanted.values[:5].tolist(), rel=1e-4, abs=1e-7
    )


@pytest.mark.parametrize(
    "kind",
    [
        "DeiTForImageClassificationWithTeacher",
        "DeiTForImageClassification",
        "ViTForImageClassification",
    ],
)
def test_as_transformers(tmp_path: Path, kind: str) -> None:
    """As AutoImageProcessor and the model that `from_pretrained` loads."""
    import_package("transformers")
    import transformers  # noqa: PLC0415  -- takes seconds

    hf_folder(tmp_path / "hf", kind, layer_norm_eps=1e-3)
    images = [Image.open(path) for path in save_images(tmp_path / "images")]
    images = [image.convert("RGB") for image in images]
    classifier = deit_spec.load_model(tmp_path / "hf")
    assert classifier.classes == NAMES
    theirs = getattr(transformers, kind).from_pretrained(tmp_path / "hf").eval()
    auto = transformers.AutoImageProcessor
    exact = auto.from_pretrained(tmp_path / "hf", backend="pil")
    inputs = exact(images, return_tensors="pt")["pixel_values"]
    ours = torch.stack([classifier.transform(image) for image in images])
    torch.testing.assert_close(ours, inputs)
    # The default backend rounds between the two passes of a resize; a pixel is 2 / 255.
    default = auto.from_pretrained(tmp_path / "hf")(images, return_tensors="pt")
    assert (ours - default["pixel_values"]).abs().mean() < 0.25 * 2 / 255
    with torch.no_grad():
        logits = theirs(inputs).logits
        torch.testing.assert_close(classifier.model(ours), logits, rtol=1e-4, atol=1e-5)
    found = classifier.predict(images)
    for each, row in zip(found, logits, strict=True):
        same(each, row)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name", ["deit_tiny_distilled_patch16_224", "vit_tiny_patch16_224"]
)
@pytest.mark.parametrize("mode", ["center", "squash"])
def test_as_timm(tmp_path: Path, name: str, mode: str) -> None:
    """As `create_transform(**resolve_data_config(…))` and the model."""
    import_package("timm")
    from timm.data import create_transform, resolve_data_config  # noqa: PLC0415

    half = (0.5, 0.4, 0.3)
    model = timm_folder(tmp_path / "timm", name, crop_pct=0.9, mean=half, std=half)
    config = {**model.pretrained_cfg, "crop_pct": 0.9, "mean": half, "std": half}
    config |= {"input_size": (3, 32, 32), "crop_mode": mode}
    transform = create_transform(**resolve_data_config({}, pretrained_cfg=config))
    edit_mode(tmp_path / "timm" / "config.json", mode)
    classifier = deit_spec.load_model(tmp_path / "timm")
    for path in save_images(tmp_path / "images"):
        image = transform(Image.open(path).convert("RGB"))
        torch.testing.assert_close(classifier.transform(path), image)
        with torch.no_grad():
            same(classifier.predict(path), model(image[None])[0])  # type: ignore[arg-type]


def edit_mode(path: Path, mode: str) -> None:
    import json  # noqa: PLC0415

    config = json.loads(path.read_text())
    config["pretrained_cfg"]["crop_mode"] = mode
    path.write_text(json.dumps(config))


def test_digits_are_seen_as_in_the_evaluation_of_the_run(trained_run: Path) -> None:
    """Both the arrays of scikit-learn in [0, 1] and images of 8-bit pixels."""
    classifier = deit_spec.load_model(trained_run / "model.safetensors")
    checked = check_recipe(
        trained_run / "recipe.yaml", ["data.val_images=1787", "data.train_images=null"]
    )
    held_out = next(iter(open_data(checked).val(1787)))
    images, _ = read_digits()
    seen = {each.numpy().tobytes() for each in held_out.images}
    found = [classifier.transform(image[0].numpy()) for image in images]
    assert sum(each.numpy().tobytes() in seen for each in found) >= 1787
    model = deit_spec.load(
        trained_run / "spec.yaml", weights=trained_run / "model.safetensors"
    ).eval()
    with torch.no_grad():
        wanted = model.predict(torch.stack(found[:50])).argmax(dim=1).tolist()  # type: ignore[operator]
    arrays = [image[0].numpy() for image in images[:50]]
    predictions: Any = classifier.predict(arrays, topk=1)
    assert [int(guess.label) for ((guess),) in predictions] == wanted
    pixels = (255 * images[7, 0]).round().to(torch.uint8).numpy()
    rounded = classifier.transform(pixels)
    assert (rounded - found[7]).abs().max() < 0.5 / 255 / 0.376 + 1e-5


def test_every_form_of_an_image_is_the_same(tmp_path: Path) -> None:
    hf_folder(tmp_path / "hf", "ViTForImageClassification")
    path = save_images(tmp_path)[0]
    classifier = deit_spec.load_model(str(tmp_path / "hf"))
    image = Image.open(path)
    wanted = classifier.transform(path)
    array = np.asarray(image)
    for form in (str(path), image, image, array, array.tolist() and array.copy()):
        assert torch.equal(classifier.transform(form), wanted)
        assert classifier.predict(form) == classifier.predict(path)
    floats = classifier.transform(array.astype(np.float64) / 255)
    # Bytes are rounded after each of the two passes of a resize.
    assert (floats - wanted).abs().max() < 2 * 2 / 255
    grey = classifier.transform(array[..., 0])
    assert torch.equal(grey, classifier.transform(array[..., :1]))
    assert torch.equal(grey[0], grey[2])


def test_one_image_or_several(tmp_path: Path) -> None:
    hf_folder(tmp_path / "hf", "ViTForImageClassification")
    paths = save_images(tmp_path / "images")
    classifier = deit_spec.load_model(tmp_path / "hf")
    one: Any = classifier.predict(paths[0])
    assert isinstance(one[0], Guess)
    for several in (paths, iter(paths), tuple(paths)):
        found: Any = classifier.predict(several, topk=2, batch_size=3)
        assert [len(each) for each in found] == [2, 2, 2, 2]
        assert [each.label for each in found[0]] == [each.label for each in one[:2]]
    assert classifier.predict([]) == []
    assert classifier.predict([paths[0]], topk=99) == [one]
    batch = np.zeros((2, 40, 40, 3), dtype=np.uint8)
    assert len(classifier.predict(batch)) == 2


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (
            np.zeros((4, 4), dtype=np.int64),
            "array pixels must be uint8 or float, not int64",
        ),
        (
            np.full((4, 4), 16.0),
            "float pixels must be in [0, 1], but these range from 16 to 16",
        ),
        (np.full((4, 4), np.nan), "float pixels must be in [0, 1]"),
        (np.zeros((4, 4, 2)), "the array has 2 channels, but the model takes 3"),
        (
            np.zeros(4),
            "an image array must be a non-empty [H, W] or [H, W, C], not [4]",
        ),
        (np.zeros((0, 4)), "must be a non-empty [H, W] or [H, W, C], not [0, 4]"),
    ],
)
def test_arrays_that_are_not_images(tmp_path: Path, array: Any, message: str) -> None:
    hf_folder(tmp_path, "ViTForImageClassification")
    classifier = deit_spec.load_model(tmp_path)
    with pytest.raises(ValueError) as raised:  # noqa: PT011  -- compared below
        classifier.transform(array)
    assert message in str(raised.value)


def test_what_cannot_be_predicted(tmp_path: Path) -> None:
    hf_folder(tmp_path / "hf", "ViTForImageClassification")
    classifier = deit_spec.load_model(tmp_path / "hf")
    with pytest.raises(FileNotFoundError):
        classifier.predict("nowhere.png")
    with pytest.raises(ValueError, match="topk must be at least 1, not 0"):
        classifier.predict([], topk=0)
    with pytest.raises(TypeError, match=r"topk must be an integer, not 2\.5"):
        classifier.predict([], topk=2.5)  # type: ignore[arg-type]
    for wrong in (None, b"bytes", torch.zeros(3, 4, 4), torch.zeros(2, 3, 4, 4)):
        with pytest.raises(TypeError, match="an image must be a path, an image of"):
            classifier.predict(wrong)  # type: ignore[arg-type]
    hf_folder(tmp_path / "features", "ViTModel")
    features = deit_spec.load_model(tmp_path / "features")
    with pytest.raises(ValueError, match="no class head"):
        features.predict([])


def test_targets_dtypes_and_names(trained_run: Path) -> None:
    inference = deit_spec.load_model(trained_run)
    training = deit_spec.load_model(trained_run, target="train")
    half = deit_spec.load_model(trained_run, dtype="bfloat16")
    assert isinstance(inference, Classifier)
    assert not inference.model.training
    image = read_digits()[0][3, 0].numpy()
    assert isinstance(training.model(training.transform(image)[None]), tuple)
    first: Any = inference.predict(image)
    for other in (training, pickle.loads(pickle.dumps(inference))):
        found: Any = other.predict(image)
        assert [each.label for each in found] == [each.label for each in first]
        probabilities = [each.probability for each in first]
        assert [each.probability for each in found] == pytest.approx(probabilities)
    assert next(half.model.parameters()).dtype == torch.bfloat16
    rough: Any = half.predict(image, topk=10)
    by_label = {each.label: each.probability for each in rough}
    assert by_label[first[0].label] == pytest.approx(first[0].probability, abs=0.05)
    with pytest.raises(ValueError, match="target must be one of train, inference"):
        deit_spec.load_model(trained_run, target="test")  # type: ignore[arg-type]
    assert isinstance(inference.model, nn.Module)


def test_classes_of_a_teacher_have_no_names() -> None:
    """With `fusion: dist`, class 4 of the teacher is not the student's."""
    spec = deit_spec.load_spec(
        {
            "image_size": 8,
            "patch_size": 4,
            "embed_dim": 8,
            "depth": 1,
            "num_heads": 2,
            "num_classes": 2,
            "teacher_num_classes": 5,
            "variant": {"fusion": "dist"},
        }
    )
    model = deit_spec.load(spec, target="inference").eval()
    classifier = Classifier(model, spec, preprocessing_of(spec), ("cat", "dog"))
    guesses = classifier.predict(np.zeros((8, 8, 3), np.uint8))
    assert {guess.label for guess in guesses} == {None}
    assert {guess.category for guess in guesses} == {*range(5)}


@pytest.mark.parametrize("target", ["train", "inference"])
def test_the_taps_of_a_spec_are_left_out(tmp_path: Path, target: Any) -> None:
    """They are for `load`, and a prediction does not depend on them."""
    image, found = save_images(tmp_path)[0], list[Any]()
    for taps in ([], ["blocks.0.attn.weights"]):
        spec = deit_spec.load_spec({**DISTILLED, "taps": taps})
        path = tmp_path / f"{len(taps)}.safetensors"
        with path.open("wb") as file:
            state = state_of(DISTILLED)
            safetensors_file.write(file, state, metadata=make_metadata(spec))
        classifier = deit_spec.load_model(path, target=target)
        assert len(classifier.spec.taps) == len(taps)
        found.append(dict(each[1:][::-1] for each in classifier.predict(image)))
    assert found[0] == pytest.approx(found[1])


def test_the_summary_of_a_run_shows_how_to_load_it(trained_run: Path) -> None:
    text = (trained_run / "summary.md").read_text()
    names: dict[str, Any] = {}
    exec(text.partition("```python\n")[2].partition("```")[0], names)  # noqa: S102
    assert names["classifier"].classes == tuple("0123456789")


def test_warnings_are_attributed_to_the_caller(tmp_path: Path) -> None:
    """About the folder (no preprocessing) and about the weights (another epsilon)."""
    hf_folder(tmp_path, "ViTForImageClassification")
    (tmp_path / "preprocessor_config.json").unlink(missing_ok=True)
    with pytest.warns(UserWarning, match="DS4") as caught:
        deit_spec.load_model(tmp_path)
    assert {each.filename for each in caught} == {__file__}


def test_repr_is_one_line(trained_run: Path) -> None:
    found = repr(deit_spec.load_model(trained_run))
    assert found.startswith("<Classifier digits: 10 classes (0, 1, ")
    assert found.endswith("), input [B, 1, 8, 8]>")
    assert "\n" not in found


def test_a_spec_is_not_a_model(tmp_path: Path) -> None:
    path = tmp_path / "student.yaml"
    path.write_text("extends: deit_tiny_patch16_224\n")
    for spec, kind in (("deit_tiny_patch16_224", "a published spec"), (path, "a spec")):
        with pytest.raises(ModelFolderError) as raised:
            deit_spec.load_model(spec)
        (found,) = raised.value.diagnostics
        assert found.message == f"{spec} is {kind}, not a model: it has no weights"
        assert "`deit_spec.load`" in found.helps[0]


@pytest.mark.parametrize("device", ["cuda:99", "tpu"])
def test_devices_that_cannot_be_used(trained_run: Path, device: str) -> None:
    with pytest.raises(ValueError, match=f"cannot use the device {device}: "):
        deit_spec.load_model(trained_run, device=device)
