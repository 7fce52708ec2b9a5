"""Teachers whose classes have names: in another order than the data's, or others."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from support.commands import run
from support.recipes import PLAIN, SMALL, check_images, write_images
from torch import Tensor

import deit_spec
from deit_spec.diagnostics import Diagnostic
from deit_spec.distill.data import DataError, open_data
from deit_spec.distill.losses import DistillationLoss
from deit_spec.distill.optional_packages import import_package
from deit_spec.distill.teachers import Teacher, open_teacher
from deit_spec.distill.training import train
from deit_spec.weights import safetensors_file

ORDER = [2, 0, 1]
"""Of the classes c, a and b: the index in the alphabet."""
HEADS = ("head.weight", "head.bias", "head_dist.weight", "head_dist.bias")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_images(tmp_path / "images", "abc")
    return tmp_path


def opened(folder: Path, classes: list[str] | None = None, **teacher: str) -> Teacher:
    data = {"folder": "images", "classes": classes}
    checked = check_images(folder, data, teacher=teacher, augmentation=PLAIN)
    assert checked.recipe is not None, checked.diagnostics
    found = open_teacher(checked, open_data(checked), folder=folder / "run")
    assert found is not None
    return found


def refused(folder: Path, **teacher: str) -> Diagnostic:
    with pytest.raises(DataError) as caught:
        opened(folder, **teacher)
    found: Diagnostic
    (found,) = caught.value.diagnostics
    return found


def state_of(folder: Path, order: list[int]) -> dict[str, Tensor]:
    """The weights of a teacher with its heads in an order; the others are fixed."""
    (folder / "big.yaml").write_text(yaml.safe_dump(SMALL))
    torch.manual_seed(0)
    state = deit_spec.load(folder / "big.yaml").state_dict()
    for number, name in enumerate(sorted(state)):
        torch.manual_seed(number)
        state[name] = torch.randn_like(state[name])
    return {k: v[order] if k in HEADS else v for k, v in state.items()}


def in_metadata(folder: Path, order: list[int], names: str) -> None:
    metadata = {"deit_spec.classes": json.dumps(list(names))}
    other = folder / "other"  # the tensors of a teacher are mapped from its file
    with other.open("wb") as file:
        safetensors_file.write(file, state_of(folder, order), metadata=metadata)
    other.replace(folder / "big.safetensors")


def in_transformers(folder: Path, order: list[int], names: str) -> None:
    """A folder that is converted and has labels."""
    torch.save(state_of(folder, order), folder / "big.pth")
    arguments = (folder / "big.yaml", folder / "big.pth", "-o", folder / "hf")
    done = run("weights", "convert", *map(str, arguments), "--to", "hf", "--force")
    assert done.returncode == 0, done.stderr
    config = json.loads((folder / "hf" / "config.json").read_text())
    config["id2label"] = {str(index): name for index, name in enumerate(names)}
    (folder / "hf" / "config.json").write_text(json.dumps(config))


PLACES = {
    "big.safetensors": in_metadata,
    "hf": in_transformers,
    "hf/model.safetensors": in_transformers,
}
Write = Callable[[Path, list[int], str], None]


@pytest.mark.parametrize(("weights", "write"), PLACES.items())
def test_a_teacher_in_another_order_teaches_the_same(
    folder: Path, weights: str, write: Write
) -> None:
    """Its logits, and so the loss, are those of a teacher in the order of the data."""
    write(folder, [0, 1, 2], "abc")
    same = opened(folder, spec="big.yaml", weights=weights)
    write(folder, ORDER, "cab")
    other = opened(folder, spec="big.yaml", weights=weights)
    images, labels = torch.rand(8, 3, 16, 16), torch.arange(8) % 3
    expected, found = same(images), other(images)
    assert torch.equal(found, expected)
    assert not torch.allclose(expected, expected[:, ORDER])
    student = torch.rand(8, 3), torch.rand(8, 3)
    for kind in ("soft", "hard"):
        loss = DistillationLoss(kind)
        assert loss(student, labels, found) == loss(student, labels, expected)


def test_a_list_of_classes_is_the_order_of_a_teacher_without_names(
    folder: Path,
) -> None:
    """The labels follow the list, and the logits stay as they are."""
    torch.save(state_of(folder, ORDER), folder / "big.pth")
    teacher = opened(folder, ["c", "a", "b"], spec="big.yaml", weights="big.pth")
    in_metadata(folder, ORDER, "cab")
    named = opened(folder, ["c", "a", "b"], spec="big.yaml", weights="big.safetensors")
    images = torch.rand(8, 3, 16, 16)
    assert torch.equal(teacher(images), named(images))


def test_a_teacher_of_other_classes_is_refused(folder: Path) -> None:
    in_metadata(folder, ORDER, "cax")
    found = refused(folder, spec="big.yaml", weights="big.safetensors")
    assert (found.code, found.primary.span.line) == ("DS538", 4)
    lists = "c, a, x, but the data has a, b, c"
    assert found.message == f"the teacher has the classes {lists}"
    assert found.notes == ("only in the data: b", "only in the teacher: x")
    # A list says which of them is which.
    teacher = opened(
        folder, ["c", "a", "b"], spec="big.yaml", weights="big.safetensors"
    )
    assert teacher.order is None


def test_labels_without_meaning_are_not_names(folder: Path) -> None:
    """transformers writes `LABEL_0`, …, and a folder may have no names at all."""
    in_transformers(folder, ORDER, "abc")
    path = folder / "hf" / "config.json"
    config = json.loads(path.read_text())
    config["id2label"] = {str(index): f"LABEL_{index}" for index in range(3)}
    path.write_text(json.dumps(config))
    assert opened(folder, spec="big.yaml", weights="hf").order is None
    del config["id2label"], config["label2id"]
    path.write_text(json.dumps(config))
    assert opened(folder, spec="big.yaml", weights="hf").order is None


def test_a_model_of_timm_has_the_names_of_its_folder(folder: Path) -> None:
    timm = import_package("timm")
    network = timm.create_model("test_resnet", num_classes=3).eval()
    torch.save(network.state_dict(), folder / "resnet.pth")
    asked = {"timm": "test_resnet", "weights": "resnet.pth"}
    plain = opened(folder, **asked)
    (folder / "config.json").write_text(json.dumps({"label_names": ["c", "a", "b"]}))
    named = opened(folder, **asked)
    images = torch.rand(2, 3, 16, 16)
    # Class a, the first of the data, is the second of the model.
    assert torch.equal(named(images), plain(images)[:, [1, 2, 0]])


def test_a_run_is_a_teacher(folder: Path) -> None:
    """With its weights, its normalisation and the names of its classes."""
    statistics = {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}
    data = {"folder": "images", "classes": ["c", "a", "b"], **statistics}
    options = {"steps": 2, "batch_size": 4, "warmup_steps": 0}
    checked = check_images(folder, data, schedule=options)
    trained = train(checked, folder / "trained")
    assert trained.complete
    teacher = opened(folder, spec="trained")
    images = torch.rand(2, 3, 16, 16)
    model = deit_spec.load(folder / "trained").eval()
    mean, std = (torch.tensor(each).view(3, 1, 1) for each in statistics.values())
    ours = torch.tensor((0.485, 0.456, 0.406)), torch.tensor((0.229, 0.224, 0.225))
    pixels = images * ours[1].view(3, 1, 1) + ours[0].view(3, 1, 1)
    expected = model.predict((pixels - mean) / std)[:, [1, 2, 0]]
    torch.testing.assert_close(teacher(images), expected)


def test_a_folder_of_transformers_is_a_teacher(folder: Path) -> None:
    in_transformers(folder, ORDER, "cab")
    named = opened(folder, spec="hf")
    in_metadata(folder, [0, 1, 2], "abc")
    own = named.size, named.classes, named.names
    assert own == (16, 3, ("c", "a", "b"))
    model = deit_spec.load(folder / "big.yaml", weights=folder / "big.safetensors")
    images = torch.rand(2, 3, 16, 16)
    seen = images if named.same else images * named.scale + named.shift
    torch.testing.assert_close(named(images), model.eval().predict(seen))


def test_a_folder_that_is_not_a_model_is_not_a_teacher(folder: Path) -> None:
    (folder / "bert").mkdir()
    (folder / "bert" / "config.json").write_text('{"model_type": "bert"}')
    found = refused(folder, spec="bert")
    assert found.code == "DS426"
    assert found.secondary[-1].span.line == 4
    checked = check_images(folder, {"folder": "images"}, teacher={"spec": "images"})
    assert checked.recipe is None
    assert checked.diagnostics[0].code == "DS009"
