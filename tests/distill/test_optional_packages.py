"""Packages that only training needs: missing, broken, or built for another torch."""

import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import ROOT
from support.recipes import PLAIN, check, check_images, write_images

from deit_spec.distill import optional_packages
from deit_spec.distill.data import DataError, open_data
from deit_spec.distill.optional_packages import MissingPackageError, require_packages
from deit_spec.distill.training import train


@pytest.mark.slow
def test_training_on_a_folder_works_beside_a_torch_of_another_build(
    tmp_path: Path,
) -> None:
    """With the installed torchvision, and one whose import has that very error."""
    write_images(tmp_path / "images", "abc")
    checked = check_images(
        tmp_path,
        {"folder": "images", "val_images": 3},
        augmentation={"drop_path": 0.0},
        schedule={"steps": 2, "batch_size": 4, "warmup_steps": 1},
    )
    assert train(checked, tmp_path / "run").complete
    fake = tmp_path / "packages" / "torchvision"
    fake.mkdir(parents=True)
    (fake / "__init__.py").write_text(
        "from torchvision import half\n"
        "import torch\n"
        "torch.library.register_fake('torchvision::nms')(lambda *given: given[0])\n"
    )
    (fake / "half.py").write_text(
        "import torch\n"
        "torch.library.register_fake('torchvision::nms')(lambda *given: given[0])\n"
    )
    program = (
        f"import sys; sys.path.insert(0, {str(fake.parent)!r})\n"
        "from deit_spec.distill.optional_packages import import_package\n"
        "import_package('torchvision')\n"
        "import torch; print(torch.ops.torchvision.qnms.default._schema)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == (
        "torchvision::qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor\n"
    ), done.stderr


@pytest.mark.parametrize("error", ["RuntimeError", "ImportError", "OSError"])
def test_another_error_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    (tmp_path / "brokenpackage.py").write_text(f"raise {error}('no operator\\n…')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingPackageError) as caught:
        require_packages("runs", "brokenpackage")
    assert str(caught.value) == (
        "runs need brokenpackage, which cannot be imported: no operator"
    )


def test_another_error_of_torchvision_is_reported_in_the_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_images(tmp_path / "images", "abc")
    checked = check_images(tmp_path, {"folder": "images"})

    def fail(name: str) -> None:
        raise RuntimeError(f"{name} was built for another Python")

    open_data(checked)  # Pillow and NumPy are imported
    monkeypatch.setattr(optional_packages, "import_module", fail)
    monkeypatch.setattr("deit_spec.distill.data.require_packages", lambda *_: None)
    with pytest.raises(DataError) as caught:
        open_data(checked)
    (found,) = caught.value.diagnostics
    assert found.code == "DS528"
    assert found.message == (
        "data.folder needs timm, which cannot be imported: torchvision was built for "
        "another Python"
    )


def test_a_missing_package_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optional_packages, "find_spec", lambda _: None)
    with pytest.raises(MissingPackageError, match=r'pip install "deit-spec\[train\]"'):
        require_packages("runs", "accelerate")
    with pytest.raises(MissingPackageError, match="pip install datasets"):
        require_packages("datasets of Hugging Face", "datasets")


@pytest.mark.slow
def test_digits_need_neither_timm_nor_torchvision(tmp_path: Path) -> None:
    check(
        tmp_path,
        augmentation=PLAIN,
        schedule={"steps": 1, "batch_size": 8, "warmup_steps": 0},
        teacher={"builtin": "digits_convnet", "steps": 1},
    )
    program = (
        "import sys; from pathlib import Path\n"
        "from deit_spec.distill.training import train\n"
        "from deit_spec.recipe import check_recipe\n"
        "train(check_recipe(sys.argv[1]), Path(sys.argv[2]))\n"
        "print(*{'timm', 'torchvision', 'datasets'} & set(sys.modules))\n"
    )
    done = subprocess.run(
        [
            *(sys.executable, "-W", "error", "-c", program),
            *(tmp_path / "recipe.yaml", tmp_path / "run"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "\n"), done.stderr
