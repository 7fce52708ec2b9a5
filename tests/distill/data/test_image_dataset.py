"""Images that are read step by step, some of them unreadable."""

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support.recipes import PLAIN, check_images, open_images

from deit_spec.distill.data import Batch, open_data
from deit_spec.distill.data.batch_transforms import Mixing
from deit_spec.distill.data.image_dataset import (
    ImageRequest,
    TransformedImages,
    ignore_signals,
    read_batches,
)
from deit_spec.distill.data.image_sources import ImageFiles
from deit_spec.model.image_transform import CentralCrop, decode
from deit_spec.model.preprocessing import GREY_MEAN, IMAGENET_MEAN, Preprocessing
from deit_spec.recipe.split_file import SplitFile

HARD = {"repeats": 3, "mixup": 0.5, "cutmix": 0.5}
REVENGE = {"policy": "three_augment", "crop": "simple", "erasing": 0.0}
"""The augmentation of DeiT III, with the other settings of DeiT."""


def equal(one: list[Batch], other: list[Batch]) -> bool:
    assert len(one) == len(other)
    pairs = [
        pair
        for both in zip(one, other, strict=True)
        for pair in zip(*both, strict=True)
    ]
    return all(torch.equal(*pair) for pair in pairs)


def test_a_folder_is_split_by_seed(images: Path) -> None:
    data = open_images(images, data={"val_images": 6})
    assert data.classes == ("a", "b", "c")
    assert (data.train_count, data.val_count) == (18, 6)
    held = torch.cat([batch.labels for batch in data.val(4)])
    assert Counter(held.tolist()) == {0: 2, 1: 2, 2: 2}
    default = open_images(images)
    assert (default.train_count, default.val_count) == (22, 2)


def test_a_folder_may_have_its_own_splits(parts: Path) -> None:
    data = open_images(parts, data={"train_images": 12, "val_images": 6})
    assert (data.train_count, data.val_count) == (12, 15)
    labels = torch.cat([batch.labels for batch in data.train(0, 3)])
    assert labels.shape == (12, 3)


def test_hidden_files_and_other_files_are_skipped(images: Path) -> None:
    folder = images / "images"
    (folder / ".cache").mkdir()
    (folder / "a" / ".thumbnail.png").write_bytes(b"")
    (folder / "a" / "notes.txt").write_text("no image")
    (folder / "a" / "more").mkdir()
    (folder / "a" / "0.png").rename(folder / "a" / "more" / "0.PNG")
    data = open_images(images)
    assert data.train_count + data.val_count == 24
    assert len(list(data.train(0, 5))) == 5
    assert data.unreadable == []


def test_every_format_that_pillow_reads_is_trained_on(images: Path) -> None:
    folder = images / "images" / "a"
    with Image.open(folder / "0.png") as image:
        for kind in ("gif", "webp", "jfif", "avif", "tga", "PPM"):
            image.save(folder / f"0.{kind}", format={"jfif": "jpeg"}.get(kind))
    for name in ("a/labels.csv", "a/clip.mpg", "b/more/x.CSV", "c/Thumbs.db", "a.txt"):
        (images / "images" / name).parent.mkdir(exist_ok=True)
        (images / "images" / name).write_text("no image")
    (images / "images" / "loose.png").write_bytes(b"")
    data = open_images(images, augmentation=PLAIN)
    assert data.train_count + data.val_count == 24 + 6
    assert data.ignored == {
        ".csv": 2,
        ".mpg": 1,
        ".db": 1,
        ".txt": 1,
        ".png outside class folders": 1,
    }
    assert sum(len(batch.images) for batch in data.train(0, 8)) == 32
    assert data.unreadable == []


@pytest.mark.skipif(sys.platform == "darwin", reason="file names are UTF-8 there")
def test_names_that_are_not_utf_8(images: Path) -> None:
    """As in an archive from Windows: `caf\xe9` in Latin-1."""
    folder = os.fsencode(images / "images")
    (images / "images" / "c").rename(os.fsdecode(folder + b"/caf\xe9"))
    inside = folder + b"/caf\xe9/"
    Path(os.fsdecode(inside + b"0.png")).rename(os.fsdecode(inside + b"\xe0.png"))
    checked = check_images(images, {"folder": "images", "val_images": 23})
    data = open_data(checked)
    assert data.classes == ("a", "b", r"caf\xe9")
    split = data.split.as_file()
    assert SplitFile.model_validate_json(split.text()) == split
    names = {*split.held_out, *map(data.split.training.key, data.split.train)}
    assert r"caf\xe9/\xe0.png" in names
    json.dumps(data.classes, ensure_ascii=False).encode()
    assert sum(len(batch.images) for batch in data.val(8)) == 23
    assert data.unreadable == []


def test_images_are_upright_in_training_and_evaluation(images: Path) -> None:
    """All images are white above and black below, if Exif is followed."""
    pixels = np.zeros((16, 16, 3), dtype=np.uint8)
    pixels[:8] = 255
    for number, path in enumerate(sorted((images / "images").rglob("*.png"))):
        exif = Image.Exif()
        turned = (1, 3, 6, 8)[number % 4]
        exif[0x0112] = turned
        quarter = {1: 0, 3: 2, 6: 1, 8: 3}[turned]
        Image.fromarray(np.rot90(pixels, quarter)).save(path, exif=exif)
    data = open_images(images, augmentation=PLAIN, data={"val_images": 12})
    seen = [batch.images for batch in (*data.train(0, 3), *data.val(12))]
    upper, lower = torch.cat(seen)[:, :, 1:15, :].tensor_split(2, dim=2)
    assert len(upper) == 24
    assert (upper[:, :, :5].min() > 0).item()
    assert (lower[:, :, -5:].max() < 0).item()


@pytest.mark.parametrize("world", [1, 2, 3])
def test_every_held_out_image_comes_once(parts: Path, world: int) -> None:
    data = open_images(parts, augmentation=PLAIN)
    found = [b for rank in range(world) for b in data.val(2, rank=rank, world=world)]
    seen = torch.cat([batch.images for batch in found]).flatten(1).tolist()
    there = [
        decode(Image.open(p), 3) for p in (parts / "images" / "val").rglob("*.png")
    ]
    view = CentralCrop(Preprocessing(16))
    assert sorted(seen) == sorted(view(each).flatten().tolist() for each in there)
    assert Counter(torch.cat([b.labels for b in found]).tolist()) == {0: 5, 1: 5, 2: 5}


def test_workers_do_not_matter(parts: Path) -> None:
    def run(workers: int) -> list[Batch]:
        data = open_images(parts, data={"workers": workers}, augmentation=HARD)
        return [*data.train(0, 8), *data.val(4)]

    alone = run(0)
    assert equal(alone, run(1))
    assert equal(alone, run(3))


@pytest.mark.parametrize("augmentation", [HARD, REVENGE])
@pytest.mark.parametrize("sampling", ["shuffled", "balanced"])
def test_the_tail_of_a_run_is_a_run_from_there(
    parts: Path, augmentation: dict[str, object], sampling: str
) -> None:
    data = open_images(parts, augmentation=augmentation, data={"sampling": sampling})
    whole = list(data.train(0, 15, rank=1, world=2))
    assert equal(whole[7:], list(data.train(7, 15, rank=1, world=2)))


def test_processes_share_the_images_of_a_step(parts: Path) -> None:
    """Before mixing, which each process does for its own share."""
    data = open_images(parts, augmentation={**HARD, "mixup": 0.0, "cutmix": 0.0})
    whole = list(data.train(0, 6))
    for rank in range(2):
        part = list(data.train(0, 6, rank=rank, world=2))
        mine = [Batch(b.images[rank::2], b.labels[rank::2]) for b in whole]
        assert equal(part, mine)


def test_images_are_mixed_on_the_device(
    parts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, mix = open_images(parts, augmentation=HARD), Mixing.__call__
    seen: list[tuple[str, ...]] = []

    def mixed(self: Mixing, batch: Batch, source: random.Random) -> Batch:
        seen.append(tuple(each.device.type for each in batch))
        return mix(self, batch, source)

    monkeypatch.setattr(Mixing, "__call__", mixed)
    for device in (torch.device("cpu"), torch.device("meta")):
        (batch,) = data.train(0, 1, device=device)
        assert seen.pop() == (device.type, device.type)
        assert {each.device for each in batch} == {device}


def test_views_of_an_image_differ(parts: Path) -> None:
    """A repeated image has another augmentation, and so it has in another epoch."""
    data = open_images(parts, data={"train_images": 3}, augmentation={"mixup": 0.0})
    seen = torch.cat([batch.images for batch in data.train(0, 2)]).flatten(1)
    assert len({*map(tuple, seen.tolist())}) == 8


def test_random_states_stay_as_they_are(parts: Path) -> None:
    data = open_images(parts, augmentation=HARD)
    numpy = np.random.get_state()[1].copy()  # noqa: NPY002  -- what timm draws from
    before = random.getstate(), numpy, torch.get_rng_state()
    one = list(data.train(0, 3))
    list(data.val(4))
    assert random.getstate() == before[0]
    assert (np.random.get_state()[1] == before[1]).all()  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[2])
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    assert equal(one, list(data.train(0, 3)))


def test_images_may_be_grey(parts: Path) -> None:
    data = open_images(parts, spec={"in_channels": 1}, augmentation=HARD)
    assert data.mean == GREY_MEAN
    weights = torch.tensor([0.299, 0.587, 0.114])
    assert (
        abs((weights * torch.tensor(IMAGENET_MEAN)).sum().item() - data.mean[0]) < 1e-4
    )
    assert next(data.train(0, 1)).images.shape == (4, 1, 16, 16)


def spoil(folder: Path, *names: str) -> None:
    """Truncate files."""
    for name in names:
        path = folder / "images" / "train" / name
        path.write_bytes(path.read_bytes()[:-100])


def test_the_next_readable_image_takes_the_place(parts: Path) -> None:
    spoil(parts, "a/3.png", "a/4.png")
    pictures = ImageFiles(
        sorted(map(str, (parts / "images" / "train" / "a").iterdir())), range(8)
    )
    whole = CentralCrop(Preprocessing(16, mean=(0.0,), std=(1.0,)))
    reading = TransformedImages(
        pictures, range(8), channels=3, transform=whole, tries=3
    )
    third, fifth = reading[ImageRequest(3, 0)], reading[ImageRequest(5, 0)]
    assert torch.equal(third.image, fifth.image)
    assert (third.label, fifth.label) == (5, 5)
    assert list(third.unreadable) == pictures.paths[3:5]
    assert fifth.unreadable == {}


@pytest.mark.parametrize("workers", [0, 2])
def test_what_is_unreadable_is_counted_once(parts: Path, workers: int) -> None:
    spoil(parts, "a/3.png", "b/0.png")
    asked = {"unreadable": 2, "workers": workers}
    data = open_images(parts, data=asked, augmentation=PLAIN)
    batches = list(data.train(0, 24))
    assert all(len(batch.images) == 4 for batch in batches)
    folder = parts / "images" / "train"
    assert sorted(data.unreadable) == [str(folder / "a/3.png"), str(folder / "b/0.png")]


@pytest.mark.parametrize("broken", [b"", b"no image", b"\x89PNG\r\n\x1a\n"])
def test_what_is_held_out_and_unreadable_is_left_out(
    parts: Path, broken: bytes
) -> None:
    path = parts / "images" / "val" / "b" / "0.png"
    path.write_bytes(broken)
    data = open_images(parts, data={"unreadable": 1})
    assert sum(len(batch.images) for batch in data.val(1)) == 14
    assert data.unreadable == [str(path)]


INTERRUPTED = """
import os, signal, sys
from deit_spec.distill.data import open_data
from deit_spec.recipe import check_recipe

asked = []
data = open_data(check_recipe(sys.argv[1]))
for step, batch in enumerate(data.train(0, 20)):
    if step == 0:  # workers have begun, and have no handler of ours
        signal.signal(signal.SIGINT, lambda *given: asked.append(given[0]))
        os.killpg(0, signal.SIGINT)
print(step, *asked)
"""


@pytest.mark.slow
def test_ctrl_c_does_not_end_workers(parts: Path) -> None:
    """A terminal sends SIGINT to a whole group of processes."""
    check_images(parts, {"folder": "images", "workers": 2})
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(parts / "recipe.yaml")],
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.fspath(Path(__file__).parents[3])},
    )
    assert (done.stdout, done.stderr) == ("19 2\n", "")


class Signalled:
    """A transform during which a signal arrives."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __call__(self, image: Image.Image) -> torch.Tensor:
        os.kill(os.getpid(), self.number)
        return torch.zeros(3, *image.size)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_worker_ignores_signals(parts: Path, number: int) -> None:
    """The parent finishes its step, and needs the images it requested."""
    paths = sorted(map(str, (parts / "images" / "train" / "a").iterdir()))[:1]
    reading = TransformedImages(
        ImageFiles(paths, [0]), [0], channels=3, transform=Signalled(number), tries=1
    )
    ((batch, unreadable),) = read_batches(
        reading, iter([[ImageRequest(0, 0)]]), workers=1
    )
    assert batch is not None
    assert unreadable == {}


def test_workers_ignore_the_signals_that_stop_a_run() -> None:
    names = [name for name in ("SIGINT", "SIGTERM", "SIGUSR1") if hasattr(signal, name)]
    before = {name: signal.getsignal(getattr(signal, name)) for name in names}
    try:
        ignore_signals(0)
        for name in names:
            assert signal.getsignal(getattr(signal, name)) is signal.SIG_IGN
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
