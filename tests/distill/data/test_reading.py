"""Images that cannot be read, and signals while they are."""

import os
import signal
import subprocess
import sys
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support.recipes import PLAIN, check_images, open_images

from deit_spec.distill.data import reading as module
from deit_spec.distill.data.pictures import FilePictures, read_picture
from deit_spec.distill.data.reading import Ask, Reading, read_batches
from deit_spec.distill.data.views import (
    CentralView,
    WholeView,
)


def spoil(folder: Path, *names: str) -> None:
    """Cut files off in the middle."""
    for name in names:
        path = folder / "images" / "train" / name
        path.write_bytes(path.read_bytes()[:-100])


def test_the_next_readable_image_takes_the_place(parts: Path) -> None:
    spoil(parts, "a/3.png", "a/4.png")
    pictures = FilePictures(
        sorted(map(str, (parts / "images" / "train" / "a").iterdir())), range(8)
    )
    whole = WholeView(16)

    def view(image: Image.Image) -> torch.Tensor:
        return torch.from_numpy(np.array(whole(image)))

    reading = Reading(pictures, range(8), channels=3, view=view, tries=3)
    third, fifth = reading[Ask(3, 0)], reading[Ask(5, 0)]
    assert torch.equal(third.image, fifth.image)
    assert (third.label, fifth.label) == (5, 5)
    assert [bad.name for bad in third.unreadable] == pictures.paths[3:5]
    assert fifth.unreadable == ()


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
from peers import import_timm
import_timm()
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


def test_the_keys_that_ask_to_save_leave_workers_alone(parts: Path) -> None:
    """They are pressed for a whole group of processes."""
    check_images(parts, {"folder": "images", "workers": 2})
    root = Path(__file__).parents[3]
    paths = [os.fspath(root), os.fspath(root / "benchmarks")]
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(parts / "recipe.yaml")],
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    assert (done.stdout, done.stderr) == ("19 2\n", "")


class Signalled:
    """A view in whose midst a signal comes."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __call__(self, image: Image.Image) -> torch.Tensor:
        os.kill(os.getpid(), self.number)
        return torch.zeros(3, *image.size)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_worker_reads_on_where_all_processes_are_to_stop(
    parts: Path, number: int
) -> None:
    """The parent finishes its step, and needs what it has asked for."""
    paths = sorted(map(str, (parts / "images" / "train" / "a").iterdir()))[:1]
    reading = Reading(
        FilePictures(paths, [0]), [0], channels=3, view=Signalled(number), tries=1
    )
    (batch,) = read_batches(reading, iter([[Ask(0, 0)]]), workers=1)
    assert batch.images is not None
    assert batch.unreadable == ()


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_of_16_bits_is_what_it_is_of_8(tmp_path: Path, channels: int) -> None:
    """Pillow alone would cut off all that is above 255."""
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    Image.fromarray(grey).save(tmp_path / "8.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "16.png")
    one, other = (read_picture(tmp_path / n, channels) for n in ("8.png", "16.png"))
    assert one.mode == other.mode
    assert np.array_equal(np.asarray(one), np.asarray(other))


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_pixels_without_a_range_are_unreadable(tmp_path: Path, kind: type) -> None:
    Image.fromarray(np.ones((8, 8), dtype=kind)).save(tmp_path / "a.tiff")
    with pytest.raises(ValueError, match="nothing says what is white"):
        read_picture(tmp_path / "a.tiff", 1)


def test_a_stuck_worker_keeps_nobody_from_ending(
    parts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that the system has stopped; SIGTERM is nothing to it."""
    monkeypatch.setattr(module, "PATIENCE", 0.1)
    view = CentralView(16, (0.5,) * 3, (0.5,) * 3, 1.0)
    files = sorted((parts / "images" / "train").rglob("*.png"))
    pictures = FilePictures([str(each) for each in files], [0] * len(files))
    reading = Reading(pictures, range(len(files)), channels=3, view=view, tries=1)
    before = set(active_children())
    batches = read_batches(reading, ([Ask(place, 0)] for place in range(9)), workers=1)
    next(batches)
    (worker,) = set(active_children()) - before
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGSTOP)
    batches.close()  # type: ignore[attr-defined]
    worker.join(5)
    assert worker.exitcode == -signal.SIGKILL
