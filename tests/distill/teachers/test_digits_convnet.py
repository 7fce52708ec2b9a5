"""The convnet that is trained as a teacher."""

import copy
from pathlib import Path

import pytest
import torch
from support.recipes import check

from deit_spec.distill.data import DataError, open_data
from deit_spec.distill.data.digits import read_digits
from deit_spec.distill.teachers import Teacher, digits_convnet, open_teacher
from deit_spec.distill.teachers.digits_convnet import (
    DigitsConvnet,
    load_convnet,
    save_convnet,
    train_convnet,
)
from deit_spec.recipe import CheckedRecipe

IMAGES, LABELS = (part[:100] for part in read_digits())


def trained(seed: int = 0) -> DigitsConvnet:
    return train_convnet(IMAGES, LABELS, classes=10, steps=3, seed=seed)


def checked_in(folder: Path, **teacher: object) -> CheckedRecipe:
    asked = {"builtin": "digits_convnet", "steps": 2, **teacher}
    return check(folder, teacher=asked)


def test_training_follows_from_the_arguments_alone() -> None:
    torch.manual_seed(0)
    state = torch.get_rng_state()
    one = trained().state_dict()
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(1)
    same, other = trained().state_dict(), trained(seed=1).state_dict()
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["0.weight"], other["0.weight"])


def test_the_number_of_threads_does_not_matter() -> None:
    one = trained().state_dict()
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        same = trained().state_dict()
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one[name], same[name]) for name in one)


def test_what_is_saved_is_loaded_bit_for_bit(tmp_path: Path) -> None:
    network, path = trained(), tmp_path / "teacher.safetensors"
    save_convnet(network, path, "x")
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    loaded = load_convnet(path, channels=1, classes=10)
    assert torch.equal(loaded(IMAGES), network(IMAGES))


def test_a_full_disk_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "teacher.safetensors"
    path.write_text("before")

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("deit_spec.weights.safetensors_file.write", fail)
    with pytest.raises(OSError, match="No space"):
        save_convnet(trained(), path, "x")
    assert path.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_run_reuses_its_teacher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked, run = checked_in(tmp_path), tmp_path / "runs" / "x"
    data = open_data(checked)
    batch = next(data.val(50))
    one = open_teacher(checked, data, folder=run)
    assert one is not None
    assert one.classes == 10
    monkeypatch.delattr(digits_convnet, "train_convnet")
    same = open_teacher(checked, data, folder=run)
    assert same is not None
    assert torch.equal(one(*batch), same(*batch))
    weights = str(run / "teacher.safetensors")
    elsewhere = checked_in(tmp_path, weights=weights)
    given = open_teacher(elsewhere, data, folder=tmp_path / "runs" / "y")
    assert given is not None
    assert torch.equal(one(*batch), given(*batch))
    assert not (tmp_path / "runs" / "y").exists()


@pytest.mark.parametrize(
    "other",
    [{"teacher": {"steps": 3}}, {"run": {"seed": 1}}, {"data": {"split_seed": 1}}],
)
def test_a_teacher_of_another_recipe_is_not_used(
    tmp_path: Path, other: dict[str, dict[str, object]]
) -> None:
    """Another one is trained, as in an empty folder."""

    def opened(place: str, **sections: dict[str, object]) -> Teacher:
        asked = {"builtin": "digits_convnet", "steps": 2, **sections.pop("teacher", {})}
        images = {"builtin": "digits", "train_images": 50, **sections.pop("data", {})}
        checked = check(tmp_path, teacher=asked, data=images, **sections)
        found = open_teacher(checked, open_data(checked), folder=tmp_path / place)
        assert found is not None
        return found

    def state(teacher: Teacher) -> list[float]:
        return [x for each in teacher.parameters() for x in each.flatten().tolist()]

    stale = state(opened("one"))
    anew = state(opened("one", **copy.deepcopy(other)))
    assert anew != stale
    assert anew == state(opened("two", **other))


def test_it_sees_pixels_from_0_to_1(tmp_path: Path) -> None:
    checked = checked_in(tmp_path)
    data = open_data(checked)
    teacher = open_teacher(checked, data, folder=tmp_path)
    assert teacher is not None
    images, labels = next(data.val(600))
    pixels = images * data.std[0] + data.mean[0]
    assert (pixels.min() > -1e-6, pixels.max() < 1 + 1e-6) == (True, True)
    torch.testing.assert_close(teacher(images, labels), teacher.network(pixels))


def test_weights_that_are_not_there(tmp_path: Path) -> None:
    checked = checked_in(tmp_path, weights="nowhere.safetensors")
    with pytest.raises(DataError) as caught:
        open_teacher(checked, open_data(checked), folder=tmp_path)
    assert [each.code for each in caught.value.diagnostics] == ["DS401"]


def test_weights_of_something_else(tmp_path: Path) -> None:
    torch.save({"head.weight": torch.zeros(3, 4)}, tmp_path / "other.pth")
    checked = checked_in(tmp_path, weights="other.pth")
    with pytest.raises(DataError) as caught:
        open_teacher(checked, open_data(checked), folder=tmp_path)
    (found,) = caught.value.diagnostics
    assert (found.code, found.primary.span.line) == ("DS527", 6)
    assert found.message.endswith("is not a digits_convnet of 10 classes")


@pytest.mark.slow
def test_it_knows_digits(tmp_path: Path) -> None:
    """From 300 images, in the mean over three seeds, of 600 that it never saw."""
    shares = []
    for seed in range(3):
        asked = {"builtin": "digits_convnet"}
        checked = check(tmp_path, teacher=asked, run={"seed": seed})
        data = open_data(checked)
        teacher = open_teacher(checked, data, folder=tmp_path / str(seed))
        assert teacher is not None
        images, labels = next(data.val(600))
        hits = teacher(images, labels).argmax(1) == labels
        shares.append(hits.double().mean().item())
    assert sum(shares) / 3 >= 0.97
