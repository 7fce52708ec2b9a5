"""Where the images that an export is checked on come from."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support.recipes import SPECS, check_images, write_images
from support.runs import make_run, save_digits, save_weights
from torch import Tensor

from deit_spec.distill.data import open_data
from deit_spec.distill.data.digits import read_digits
from deit_spec.distill.trained_model import TrainedModel, find_model
from deit_spec.distill.training.run_folder import begin_run
from deit_spec.exporting.check_images import (
    RANDOM_IMAGES,
    CheckImages,
    CheckImagesError,
    find_check_images,
    random_images,
    with_byte_pixels,
)
from deit_spec.model.image_transform import transform_image
from deit_spec.model.preprocessing import IMAGENET_MEAN, Preprocessing


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    """A run on the digits, which has held out 600 of them."""
    return find_model(str(make_run(tmp_path_factory.mktemp("run"))))


def find(trained: TrainedModel, where: str | None = None, most: int = 9) -> CheckImages:
    return find_check_images(trained, trained.preprocessing(), where, most)


def read(images: CheckImages, size: int = 4) -> tuple[list[str], Tensor]:
    found = list(images.batches(size))
    assert all(len(batch) <= size for _, batch in found)
    names = [name for names, _ in found for name in names]
    return names, torch.cat([batch for _, batch in found])


def test_a_run_is_checked_on_images_that_it_has_held_out(run: TrainedModel) -> None:
    """They are spread over all of them, and have the run's normalisation."""
    images = find(run)
    names, inputs = read(images)
    assert len(names) == 9
    assert images.describe(9) == f"9 of the 600 images held out by {run.folder}"
    held_out = (run.folder / "split.json").read_text() if run.folder else ""
    assert all(f'"{name}"' in held_out.split('"held_out"')[1] for name in names)
    rows = [int(name[len("digits[") : -1]) for name in names]
    assert max(rows) - min(rows) > 1000
    found = run.preprocessing()
    expected = (read_digits()[0][rows] - found.mean[0]) / found.std[0]
    assert torch.allclose(inputs, expected)


def test_a_run_on_a_folder_is_checked_on_files_that_it_has_held_out(
    tmp_path: Path,
) -> None:
    write_images(tmp_path / "images", "abc")
    checked = check_images(tmp_path, {"folder": "images", "val_images": 6})
    split, folder = open_data(checked, training=False).split, tmp_path / "run"
    begin_run(checked, folder, tuple("abc"), split.as_file())
    save_weights(folder / "spec.yaml", folder / "model.safetensors")
    trained = find_model(str(folder))
    (tmp_path / "images" / split.evaluated[0]).write_bytes(b"no image")
    images = find(trained)
    names, inputs = read(images)
    assert [str(tmp_path / "images" / each) for each in split.evaluated[1:]] == names
    ((unread, _),) = images.unreadable
    assert unread == str(tmp_path / "images" / split.evaluated[0])
    expected = [transform_image(name, trained.preprocessing()) for name in names]
    assert torch.equal(inputs, torch.stack(expected))


def test_images_of_a_folder_are_transformed_as_predict_does(
    run: TrainedModel, tmp_path: Path
) -> None:
    folder = save_digits(tmp_path / "digits" / "inside", 12).parent
    images = find(run, str(folder), most=5)
    names, inputs = read(images)
    assert [Path(name).stem for name in names] == ["0", "2", "4", "7", "9"]
    assert images.describe(5) == f"5 of the 12 images in {folder}"
    expected = [transform_image(name, run.preprocessing()) for name in names]
    assert torch.equal(inputs, torch.stack(expected))


def test_an_image_that_cannot_be_read_is_named_and_left_out(
    run: TrainedModel, tmp_path: Path
) -> None:
    folder = save_digits(tmp_path, 5)
    (folder / "1.png").write_bytes(b"no image")
    images = find(run, str(folder))
    for _ in range(2):  # a second reading starts anew
        names, inputs = read(images, size=1)
        assert [Path(name).stem for name in names] == ["0", "2", "3", "4"]
        assert len(inputs) == 4
        ((name, reason),) = images.unreadable
        assert (Path(name).name, reason) == ("1.png", "it is not an image")


def test_a_dataset_need_not_have_the_classes_of_the_model(
    run: TrainedModel, tmp_path: Path
) -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        image=datasets.Image(), label=datasets.ClassLabel(names=["cat", "dog"])
    )
    rows = [Image.fromarray(np.full((9, 9), value, np.uint8)) for value in range(6)]
    data = datasets.Dataset.from_dict(
        {"image": rows, "label": [0, 1] * 3}, features=features
    )
    data.save_to_disk(tmp_path / "saved")
    images = find(run, str(tmp_path / "saved"), most=3)
    names, inputs = read(images)
    assert names == ["train[0]", "train[2]", "train[4]"]
    expected = [transform_image(row, run.preprocessing()) for row in rows[::2]]
    assert torch.equal(inputs, torch.stack(expected))
    assert images.describe(3).startswith("3 of the 6 images of the dataset ")


def test_the_built_in_digits_have_a_name(run: TrainedModel) -> None:
    images = find(run, "digits", most=3)
    assert images.describe(3).endswith(" images of digits")
    assert read(images)[1].shape == (3, 1, 8, 8)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("{}/none", "the folder does not exist"),
        ("{}/empty", "there is no image in {}/empty; ignored 1 file"),
        ("no/such/folder", "the folder does not exist"),
        ("no-such-dataset", "there is no folder `no-such-dataset`"),
    ],
)
def test_a_place_without_images_is_refused(
    run: TrainedModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    message: str,
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/notes.txt").touch()
    with pytest.raises(CheckImagesError) as raised:
        find(run, where.format(tmp_path))
    (found,) = raised.value.diagnostics
    assert found.code == "DS614"
    assert message.format(tmp_path) in found.message
    assert found.helps


def test_a_model_without_a_run_is_checked_on_random_pixels(tmp_path: Path) -> None:
    weights = save_weights(SPECS / "digits.yaml", tmp_path / "weights.safetensors")
    images = find(find_model(str(SPECS / "digits.yaml"), weights))
    assert images.is_random
    assert not images.warnings
    assert len(read(images)[0]) == RANDOM_IMAGES


def test_a_run_whose_images_are_gone_is_checked_on_random_pixels(
    tmp_path: Path,
) -> None:
    run = find_model(str(make_run(tmp_path / "run")))
    (tmp_path / "run/recipe.yaml").unlink()
    images = find(run)
    assert images.is_random
    (warning,) = images.warnings
    assert f"the images held out by {tmp_path / 'run'} cannot be used" in warning


def test_random_pixels_are_bytes_and_always_the_same() -> None:
    preprocessing = Preprocessing(6, 3, mean=IMAGENET_MEAN)
    first, second = (read(random_images(preprocessing))[1] for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(with_byte_pixels(first, preprocessing), first)


def test_pixels_are_rounded_to_the_nearest_byte() -> None:
    preprocessing = Preprocessing(2, 1, mean=(0.5,), std=(0.25,))
    pixels = torch.tensor([-0.3, 0.6, 200.4, 255.9]).view(1, 1, 2, 2)
    images = (pixels / 255 - 0.5) / 0.25
    rounded = with_byte_pixels(images, preprocessing)
    back = 255 * (0.25 * rounded + 0.5)
    assert torch.allclose(back.flatten(), torch.tensor([0.0, 1.0, 200.0, 255.0]))
