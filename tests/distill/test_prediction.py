"""Predictions of images, and the images that are found in folders."""

import re
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.checkpoints import DISTILLED, PLAIN, model_of
from support.runs import DIGITS, RECIPES, save_digits
from torch import nn

from deit_spec.distill.data import open_data
from deit_spec.distill.prediction import (
    Prediction,
    UnreadableImage,
    images_in,
    predict,
)
from deit_spec.model.image_transform import CentralCrop, decode
from deit_spec.model.preprocessing import (
    DIGITS_MEAN,
    DIGITS_STD,
    Preprocessing,
    preprocessing_of,
)
from deit_spec.pipeline import load_spec
from deit_spec.recipe import check_recipe
from deit_spec.recipe.class_matching import natural_order

INPUT = Preprocessing(32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven images of several sizes, and two files that are not images."""
    place = tmp_path_factory.mktemp("images")
    generator = torch.Generator().manual_seed(0)
    for number in range(7):
        shape = (40 + number, 50, 3)
        pixels = torch.randint(256, shape, generator=generator, dtype=torch.uint8)
        Image.fromarray(pixels.numpy()).save(place / f"{number}.png")
    (place / "broken.png").write_bytes((place / "0.png").read_bytes()[:100])
    (place / "text.png").write_text("no image")
    return place


def said(model: nn.Module, paths: list[Path], **options: object) -> list[Prediction]:
    options |= {"fusion": "mean_logits"}
    found = list(predict(model, paths, INPUT, [], **options))  # type: ignore[arg-type]
    assert len(found) == len(paths)
    return found


def test_probabilities_are_those_of_predict(folder: Path) -> None:
    model, path = model_of(DISTILLED), folder / "3.png"
    view = CentralCrop(INPUT)
    image = view(Image.open(path).convert("RGB"))[None]
    with torch.no_grad():
        expected = model.predict(image).softmax(dim=1)[0]  # type: ignore[operator]
        cls, dist = (head.softmax(dim=1)[0] for head in model(image))
    (found,) = said(model, [path], heads=True)
    assert list(found.heads) == ["cls", "dist", "fused"]
    for guesses, wanted in zip(
        found.heads.values(), (cls, dist, expected), strict=True
    ):
        assert [guess.probability for guess in guesses] == pytest.approx(
            wanted.sort(descending=True).values.tolist(), rel=1e-5
        )
        assert guesses[0].category == wanted.argmax().item()
        assert sum(guess.probability for guess in guesses) == pytest.approx(1)


@pytest.mark.parametrize("batch_size", [1, 2, 7, 100])
def test_an_unreadable_image_is_skipped(folder: Path, batch_size: int) -> None:
    names = ["0.png", "text.png", "1.png", "broken.png", "nowhere.png", "0.png"]
    paths = [folder / name for name in names]
    unread: list[UnreadableImage] = []
    options = {"fusion": "cls", "batch_size": batch_size}
    found = list(predict(model_of(DISTILLED), paths, INPUT, unread, **options))  # type: ignore[arg-type]
    assert [each.image for each in found] == [str(paths[i]) for i in (0, 2, 5)]
    assert [each.image for each in unread] == [str(paths[i]) for i in (1, 3, 4)]
    assert [each.reason for each in unread][::2] == [
        "it is not an image",
        "no such file or directory",
    ]
    assert "truncated" in unread[1].reason
    assert found[0].heads == found[2].heads != found[1].heads


def test_top_and_heads(folder: Path) -> None:
    paths = [folder / "0.png"]
    (found,) = said(model_of(DISTILLED), paths, top=2)
    assert list(found.heads) == ["fused"]
    assert len(found.heads["fused"]) == 2
    (found,) = said(model_of(PLAIN), paths, top=50, heads=True)
    assert list(found.heads) == ["cls"]
    assert len(found.heads["cls"]) == 5


def test_equal_classes_are_in_their_order(folder: Path) -> None:
    class Same(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.zeros(len(images), 6)

    (found,) = said(Same(), [folder / "0.png"], top=3)
    assert [guess.category for guess in found.heads["cls"]] == [0, 1, 2]


def test_digits_are_seen_as_in_evaluation(tmp_path: Path) -> None:
    """Files of the held-out digits equal those of the recipe, except for rounding."""
    checked = check_recipe(DIGITS, ["data.val_images=1787", "data.train_images=null"])
    assert checked.recipe is not None
    spec = load_spec(RECIPES / "students" / "digits.yaml")
    preprocessing = preprocessing_of(spec, checked.recipe, None)
    assert preprocessing == Preprocessing(8, 1, 1.0, mean=DIGITS_MEAN, std=DIGITS_STD)
    images = torch.cat([batch.images for batch in open_data(checked).val(500)])
    for path in save_digits(tmp_path, 3).iterdir():
        image = CentralCrop(preprocessing)(decode(Image.open(path), 1))
        nearest = (images - image).abs().amax(dim=(1, 2, 3)).min()
        assert nearest < 0.5 / 255 / DIGITS_STD[0] + 1e-5


def test_images_of_folders(folder: Path, tmp_path: Path) -> None:
    for name in (
        "b/10.png",
        "b/9.PNG",
        "a.jpg",
        ".hidden/x.png",
        "notes.txt",
        "b/.y.png",
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / "b" / "loop").symlink_to("..")
    names = ["a.jpg", "b/9.PNG", "b/10.png"]
    inside = [tmp_path / name for name in names]
    assert images_in([tmp_path]) == inside
    assert images_in([tmp_path / "notes.txt", tmp_path, inside[1]]) == [
        tmp_path / "notes.txt",
        *inside,
    ]
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"there is no image in .*empty"):
        images_in([folder, tmp_path / "empty"])


@pytest.mark.parametrize("place", [".cache/images", "a/.b/../images"])
def test_only_what_is_below_a_folder_is_hidden(
    tmp_path: Path, folder: Path, place: str
) -> None:
    images = tmp_path / place
    (tmp_path / "a" / ".b").mkdir(parents=True)
    for name in ("1.png", ".2.png", ".trash/3.png"):
        (images / name).parent.mkdir(parents=True, exist_ok=True)
        (images / name).write_bytes((folder / "0.png").read_bytes())
    assert images_in([images]) == [images / "1.png"]


@given(st.lists(st.integers(0, 10_000), unique=True))
def test_natural_order_is_that_of_numbers(numbers: list[int]) -> None:
    names = [f"image-{number}.png" for number in numbers]
    found = natural_order(names)
    assert [int(re.sub(r"\D", "", name)) for name in found] == sorted(numbers)


@given(st.lists(st.text(st.characters(codec="ascii", exclude_characters="\0/"))))
def test_natural_order_takes_any_name(names: list[str]) -> None:
    """Numbers and words compare."""
    assert sorted(natural_order(names)) == sorted(names)
