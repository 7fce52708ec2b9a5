"""What every teacher does, and what cannot be a teacher."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from support.recipes import PLAIN, SPECS, check
from torch import Tensor, nn

from deit_spec.diagnostics import Diagnostic
from deit_spec.distill import optional_packages
from deit_spec.distill.data import DataError, open_data
from deit_spec.distill.teachers import Teacher, open_teacher
from deit_spec.distill.teachers.teacher import Input, TrueLabels

CODE = """
import sys

from torch import nn

class Pair(nn.Module):
    def forward(self, images):
        return images, images

class Fails(nn.Module):
    def forward(self, images):
        raise RuntimeError("no eyes")

def good(classes):
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, classes))

def colour(classes):
    return nn.Sequential(nn.Conv2d(3, 4, 8), nn.Flatten(), nn.Linear(4, classes))

def one_more(classes):
    return good(classes + 1)

def pair(classes):
    return Pair()

def fails(classes):
    return Fails()

def pixels(classes):
    return nn.Identity()

def no_module(classes):
    return classes

def raises(classes):
    raise LookupError("nowhere\\nto be found")
"""


class Watched(nn.Module):
    """Keeps its last input."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 3)

    def forward(self, images: Tensor) -> Tensor:
        self.seen = images
        return self.layer(images.mean((1, 2, 3)).unsqueeze(1))


def test_images_are_renormalised_and_resized() -> None:
    images = torch.rand(2, 3, 16, 16)
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
    network = Watched()
    teacher = Teacher(
        network,
        student=Input((0.4,), (0.25,), 16),
        own=Input(mean, std, 24),
    )
    teacher((images - 0.4) / 0.25, torch.zeros(2))
    whole = (images - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(
        3, 1, 1
    )
    wanted = F.interpolate(whole, (24, 24), mode="bicubic", antialias=True)
    torch.testing.assert_close(network.seen, wanted)


def test_images_that_fit_are_shown_as_they_are() -> None:
    network, view = Watched(), Input((0.4,), (0.25,), 16)
    images = torch.rand(2, 1, 16, 16)
    Teacher(network, student=view, own=view)(images, torch.zeros(2))
    assert network.seen is images


def test_a_teacher_learns_nothing() -> None:
    view = Input((0.4,), (0.25,), 16)
    teacher = Teacher(Watched(), student=view, own=view)
    images = torch.rand(2, 1, 16, 16, requires_grad=True)
    assert not teacher(images, torch.zeros(2)).requires_grad
    assert not any(each.requires_grad for each in teacher.parameters())
    whole = nn.Sequential(teacher).train()
    assert not any(each.training for each in whole[0].modules())


def test_labels_teach_themselves() -> None:
    teacher, images = TrueLabels(3), torch.zeros(2, 1, 8, 8)
    mixed = torch.tensor([[0.3, 0.7, 0.0], [0.0, 0.0, 1.0]])
    torch.testing.assert_close(teacher(images, mixed).softmax(1), mixed)
    whole = teacher(images, torch.tensor([1, 2]))
    assert whole.isfinite().all()
    torch.testing.assert_close(whole.softmax(1), torch.eye(3)[1:])


def opened(
    folder: Path, *, allow_code: bool = False, **teacher: object
) -> Teacher | None:
    student = teacher.pop("student", SPECS / "digits.yaml")
    checked = check(
        folder, teacher=teacher, augmentation=PLAIN, student={"spec": str(student)}
    )
    assert checked.recipe is not None, checked.diagnostics
    data = open_data(checked)
    return open_teacher(checked, data, folder=folder / "run", allow_code=allow_code)


def refused(folder: Path, *, allow_code: bool = True, **teacher: object) -> Diagnostic:
    with pytest.raises(DataError) as caught:
        opened(folder, allow_code=allow_code, **teacher)
    (found,) = caught.value.diagnostics
    return found


def place_of(found: Diagnostic) -> tuple[str, int, int]:
    span = found.primary.span
    return found.code, span.line, span.column


def test_without_distillation_no_teacher_is_opened(tmp_path: Path) -> None:
    checked = check(tmp_path, loss={"kind": "none"})
    assert open_teacher(checked, open_data(checked), folder=tmp_path) is None


def test_the_labels_are_a_teacher(tmp_path: Path) -> None:
    teacher = opened(tmp_path, builtin="true_labels")
    assert isinstance(teacher, TrueLabels)
    assert teacher.classes == 10


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for a recipe with a module beside it."""
    name = f"teachers_{abs(hash(tmp_path))}"
    (tmp_path / f"{name}.py").write_text(CODE)
    monkeypatch.chdir(tmp_path.parent)
    return tmp_path / name


def test_code_beside_the_recipe_may_teach(code: Path) -> None:
    teacher = opened(code.parent, allow_code=True, python=f"{code.name}:good")
    assert teacher is not None
    assert teacher.classes == 10
    images = torch.rand(5, 1, 8, 8)
    said = teacher(images, torch.zeros(5))
    assert said.shape == (5, 10)
    assert torch.equal(said, teacher(images, torch.zeros(5)))  # no dropout


def test_code_is_not_run_by_default(tmp_path: Path) -> None:
    found = refused(tmp_path, allow_code=False, python="antigravity:fly")
    assert place_of(found) == ("DS526", 4, 11)


@pytest.mark.parametrize(
    ("function", "code_", "message"),
    [
        ("nothing", "DS527", "has no attribute 'nothing'"),
        ("raises", "DS527", "LookupError: nowhere"),
        ("no_module", "DS527", "returns int, not torch.nn.Module"),
        ("pair", "DS527", "it returns tuple, not a tensor [B, T]"),
        ("pixels", "DS527", "returns a tensor [2, 1, 8, 8] for 2 images, not [2, T]"),
        ("fails", "DS527", "RuntimeError for images [2, 1, 8, 8]: no eyes"),
        ("colour", "DS527", "RuntimeError for images [2, 1, 8, 8]: Given groups"),
        ("one_more", "DS510", "has 10 classes, and the teacher has 11"),
    ],
)
def test_code_that_does_not_make_a_teacher(
    code: Path, function: str, code_: str, message: str
) -> None:
    found = refused(code.parent, python=f"{code.name}:{function}")
    assert place_of(found) == (code_, 4, 11)
    assert message in found.message


def test_a_module_that_is_not_there(tmp_path: Path) -> None:
    found = refused(tmp_path, python="no_such_module:teacher")
    assert place_of(found) == ("DS527", 4, 11)
    assert found.message.endswith("No module named 'no_such_module'")


def test_the_only_head_has_the_teachers_classes(code: Path) -> None:
    found = refused(
        code.parent,
        python=f"{code.name}:one_more",
        student=SPECS / "digits-undistilled.yaml",
    )
    assert found.message == "the only head has 10 classes, and the teacher has 11"


def test_a_missing_package_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = optional_packages.find_spec
    hide = {"timm": None}
    monkeypatch.setattr(optional_packages, "find_spec", lambda n: hide.get(n, find(n)))
    found = refused(tmp_path, timm="resnet10t", num_classes=10)
    assert place_of(found) == ("DS528", 4, 9)
    assert found.message == "teacher.timm needs timm, which is not installed"
