"""Teachers of timm and of specs."""

from pathlib import Path

import pytest
import torch
import yaml
from support.recipes import PLAIN, SMALL, check_images, write_images

import deit_spec
from deit_spec.diagnostics import Diagnostic
from deit_spec.distill.data import DataError, open_data
from deit_spec.distill.optional_packages import import_package
from deit_spec.distill.teachers import Teacher, open_teacher

timm = import_package("timm")
NAME = "test_resnet"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_images(tmp_path / "images", "abc")
    return tmp_path


def opened(
    folder: Path, student: dict[str, object] | None = None, **teacher: object
) -> Teacher:
    checked = check_images(
        folder,
        {"folder": "images"},
        spec=student or {},
        teacher=teacher,
        augmentation=PLAIN,
    )
    assert checked.recipe is not None, checked.diagnostics
    found = open_teacher(checked, open_data(checked), folder=folder / "run")
    assert found is not None
    return found


def refused(folder: Path, **teacher: object) -> tuple[Diagnostic, ...]:
    with pytest.raises(DataError) as caught:
        opened(folder, **teacher)
    found: tuple[Diagnostic, ...] = caught.value.diagnostics
    return found


def saved(
    folder: Path, classes: int = 3, **changes: torch.Tensor | None
) -> torch.nn.Module:
    """Save a model of timm with weights of its own, some changed or left out."""
    torch.manual_seed(0)
    network = timm.create_model(NAME, num_classes=classes)
    state = {**network.state_dict(), **changes}
    kept = {name: tensor for name, tensor in state.items() if tensor is not None}
    torch.save({"model": kept}, folder / "teacher.pth")
    return network.eval()


def test_a_model_of_timm_gets_its_own_normalisation_and_size(folder: Path) -> None:
    network = saved(folder)
    teacher = opened(folder, timm=NAME, weights="teacher.pth", image_size=24)
    assert teacher.classes == 3
    images, labels = torch.rand(2, 3, 16, 16), torch.zeros(2)
    config = network.pretrained_cfg
    mean, std = (torch.tensor(config[k]).view(3, 1, 1) for k in ("mean", "std"))
    ours = torch.tensor((0.485, 0.456, 0.406)), torch.tensor((0.229, 0.224, 0.225))
    pixels = images * ours[1].view(3, 1, 1) + ours[0].view(3, 1, 1)
    seen = torch.nn.functional.interpolate(
        (pixels - mean) / std, (24, 24), mode="bicubic", antialias=True
    )
    torch.testing.assert_close(teacher(images, labels), network(seen))


def test_the_recipe_overrides_timm(folder: Path) -> None:
    saved(folder)
    statistics = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    assert not opened(folder, timm=NAME, weights="teacher.pth").same
    assert opened(folder, timm=NAME, weights="teacher.pth", **statistics).same


def test_a_teacher_may_have_other_classes(folder: Path) -> None:
    saved(folder, classes=7)
    asked = {"timm": NAME, "weights": "teacher.pth", "num_classes": 7}
    student = {"teacher_num_classes": 7, "variant": {"fusion": "cls"}}
    assert opened(folder, student, **asked).classes == 7


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fc.weight": None}, "missing: fc.weight"),
        ({"extra": torch.zeros(1)}, "unexpected: extra"),
        ({"fc.bias": torch.zeros(4)}, "fc.bias is 4 in teacher.pth and 3 in the model"),
    ],
)
def test_weights_that_do_not_fit(
    folder: Path, changes: dict[str, torch.Tensor | None], said: str
) -> None:
    saved(folder, **changes)
    (found,) = refused(folder, timm=NAME, weights="teacher.pth")
    span = found.primary.span
    assert (found.code, span.line, span.column) == ("DS527", 5, 12)
    assert found.message.endswith(said)


def test_weights_of_other_classes_name_the_field_to_set(
    folder: Path,
) -> None:
    saved(folder, classes=7)
    student = {"teacher_num_classes": 3}
    with pytest.raises(DataError) as caught:
        opened(folder, student, timm=NAME, weights="teacher.pth", num_classes=3)
    (found,) = caught.value.diagnostics
    assert "fc.bias is 7 in teacher.pth and 3 in the model" in found.message
    assert found.helps[0].startswith("set `teacher.num_classes`")


def test_a_file_that_is_not_a_checkpoint(folder: Path) -> None:
    (folder / "teacher.pth").write_text("no weights")
    (found,) = refused(folder, timm=NAME, weights="teacher.pth")
    assert found.code == "DS402"


def test_a_model_that_timm_does_not_have(folder: Path) -> None:
    saved(folder)
    (found,) = refused(folder, timm="regnety_160.none", weights="teacher.pth")
    span = found.primary.span
    assert (found.code, span.line, span.column) == ("DS527", 4, 9)
    assert "regnety_160" in found.message


def test_weights_that_timm_cannot_fetch(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def create_model(name: str, **given: object) -> None:
        asked.append((name, given))
        raise ConnectionError("no way to the hub\nat all")

    monkeypatch.setattr(timm, "create_model", create_model)
    (found,) = refused(folder, timm=NAME, num_classes=3)
    assert (found.code, found.primary.span.line) == ("DS527", 4)
    assert found.message.endswith("timm: no way to the hub")
    # Its own head is kept, not replaced by one that knows nothing.
    assert asked == [(NAME, {"pretrained": True})]


def test_a_model_of_timm_with_a_fixed_size(folder: Path) -> None:
    torch.manual_seed(0)
    network = timm.create_model("test_vit", num_classes=3).eval()
    torch.save(network.state_dict(), folder / "teacher.pth")
    asked = {"timm": "test_vit", "weights": "teacher.pth"}
    teacher = opened(folder, **asked)
    assert teacher.size == network.pretrained_cfg["input_size"][1] != 16
    assert teacher(torch.rand(2, 3, 16, 16), torch.zeros(2)).shape == (2, 3)
    (found,) = refused(folder, **asked, image_size=24)
    assert (found.code, found.primary.span.line) == ("DS511", 6)
    assert (
        found.message == f"the teacher accepts only image_size {teacher.size}, not 24"
    )


def test_a_teacher_of_colour_is_refused_for_grey(folder: Path) -> None:
    saved(folder)
    with pytest.raises(DataError) as caught:
        opened(folder, {"in_channels": 1}, timm=NAME, weights="teacher.pth")
    (found,) = caught.value.diagnostics
    assert (found.code, found.primary.span.line) == ("DS511", 4)
    assert found.message == "the teacher takes images of 3 channels, the student of 1"


def write_spec(folder: Path, **changes: object) -> torch.nn.Module:
    spec = {**SMALL, "image_size": 24, **changes}
    (folder / "big.yaml").write_text(yaml.safe_dump(spec))
    torch.manual_seed(0)
    model = deit_spec.load(folder / "big.yaml")
    torch.save(model.state_dict(), folder / "big.pth")
    return model.eval()


def test_a_spec_teaches_with_its_heads_joined(folder: Path) -> None:
    model = write_spec(folder)
    teacher = opened(folder, spec="big.yaml", weights="big.pth")
    assert (teacher.classes, teacher.size) == (3, 24)
    images = torch.rand(2, 3, 16, 16)
    seen = torch.nn.functional.interpolate(
        images, (24, 24), mode="bicubic", antialias=True
    )
    torch.testing.assert_close(teacher(images, torch.zeros(2)), model.predict(seen))


def test_a_spec_that_joins_probabilities_teaches_their_logarithms(folder: Path) -> None:
    """Its softmax is what the teacher predicts, though a logit is 300 below others."""
    model = write_spec(folder, variant={"fusion": "mean_softmax"}, image_size=16)
    with torch.no_grad():
        for head in (model.head, model.head_dist):
            head.bias.copy_(torch.tensor([0.0, 1.0, -300.0]))
    torch.save(model.state_dict(), folder / "big.pth")
    teacher = opened(folder, spec="big.yaml", weights="big.pth")
    images = torch.rand(2, 3, 16, 16)
    said = teacher(images, torch.zeros(2))
    assert said.isfinite().all()
    torch.testing.assert_close(said.softmax(1), model.predict(images))
    assert said[:, 2].max() < -250


def test_weights_that_do_not_fit_a_spec(folder: Path) -> None:
    write_spec(folder)
    write_spec_again = {**SMALL, "image_size": 24, "embed_dim": 32}
    (folder / "big.yaml").write_text(yaml.safe_dump(write_spec_again))
    found = refused(folder, spec="big.yaml", weights="big.pth")
    assert {each.code for each in found} == {"DS411"}


def test_the_head_in_the_file_decides(folder: Path) -> None:
    """Three classes are in the data, and five in the file."""
    saved(folder, classes=5)
    teacher = {"timm": NAME, "weights": "teacher.pth"}
    assert opened(folder, {"teacher_num_classes": 5}, **teacher).classes == 5
    (found,) = refused(folder, **teacher)
    assert found.code == "DS510"
    assert "has 3 classes, and the teacher has 5" in found.message
