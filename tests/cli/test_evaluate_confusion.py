"""`deit-spec evaluate --confusion` and `--plot`."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from pytest_regressions.file_regression import FileRegressionFixture
from support.commands import run

from deit_spec.cli.confusion_tables import confusion_tables, lines_below
from deit_spec.cli.tables import print_table
from deit_spec.distill.confusion_matrix import ConfusionMatrix

SIGNATURES = {"png": b"\x89PNG", "svg": b"<?xml"}


def made(classes: int, images: int) -> ConfusionMatrix:
    """Most images are correct; a class is confused with those that follow it."""
    matrix, generator = ConfusionMatrix(classes), torch.Generator().manual_seed(0)
    labels = torch.randint(classes - 1, (images,), generator=generator)
    offsets = torch.randn(images, generator=generator).abs() * 1.2
    matrix.add((labels + offsets.long()) % classes, labels)
    return matrix


def printed(
    matrix: ConfusionMatrix, names: list[str], width: int | None, folder: Path
) -> str:
    first, *more = tables = confusion_tables(matrix, names, width)
    below = lines_below(matrix, len(tables), "class head")
    print_table(first, below, folder / "table.txt", more)
    return (folder / "table.txt").read_text()


@pytest.mark.parametrize(
    ("classes", "width"), [(12, None), (12, 60), (1000, None)], ids=str
)
def test_few_classes_have_a_matrix_and_many_the_worst(
    classes: int,
    width: int | None,
    tmp_path: Path,
    file_regression: FileRegressionFixture,
) -> None:
    """The matrix is printed only where it fits. The last class has no images."""
    names = [f"class {index} of birds" for index in range(classes)]
    text = printed(made(classes, 20 * classes), names, width, tmp_path)
    file_regression.check(text, extension=".txt")


@pytest.fixture(scope="module")
def found(trained_run: Path) -> dict[str, Any]:
    options = ("--confusion", "--output-format", "json")
    found: dict[str, Any] = json.loads(
        run("evaluate", str(trained_run), *options).stdout
    )
    return found


def test_the_matrix_in_json_is_of_the_fused_answer(found: dict[str, Any]) -> None:
    confusion = found["confusion"]
    matrix, classes = torch.tensor(confusion["matrix"]), confusion["classes"]
    assert confusion["head"] == "fused"
    assert matrix.sum().item() == found["images"]
    top1 = found["heads"]["fused"]["top1"]
    assert matrix.trace().item() / found["images"] == pytest.approx(top1)
    assert [each["class"] for each in classes] == list(range(10))
    assert [each["label"] for each in classes] == list("0123456789")
    assert [each["images"] for each in classes] == matrix.sum(dim=1).tolist()
    assert [each["predicted"] for each in classes] == matrix.sum(dim=0).tolist()
    assert [each["correct"] for each in classes] == matrix.diagonal().tolist()
    shares = [each["correct"] / each["images"] for each in classes]
    assert [each["accuracy"] for each in classes] == pytest.approx(shares)
    assert confusion["balanced_accuracy"] == pytest.approx(sum(shares) / 10)


def test_the_table_has_the_numbers_of_the_json(
    found: dict[str, Any], trained_run: Path
) -> None:
    text = run("evaluate", str(trained_run), "--confusion").stdout
    (_, table) = text.split("class  images  acc. %", 1)
    rows = [line.split() for line in table.splitlines()[2:12]]
    cells = [[int(cell.replace(".", "0")) for cell in row[3:]] for row in rows]
    assert cells == found["confusion"]["matrix"]
    balanced = f"{100 * found['confusion']['balanced_accuracy']:.2f}"
    assert f"balanced accuracy (fused): {balanced} %" in text
    assert "confusion" not in run("evaluate", str(trained_run)).stdout


def test_the_plot_has_the_format_of_its_extension(
    trained_run: Path, tmp_path: Path
) -> None:
    for kind, signature in SIGNATURES.items():
        picture = tmp_path / f"confusion.{kind.upper()}"
        done = run("evaluate", str(trained_run), "--plot", str(picture))
        assert (done.returncode, done.stderr) == (0, "")
        assert "top-1 %" in done.stdout
        assert picture.read_bytes().startswith(signature)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("plot.pdf", "does not end in .png or .svg"),
        ("no/plot.svg", "there is no folder"),
    ],
)
def test_an_invalid_plot_is_an_error_before_the_evaluation(
    name: str, reason: str, trained_run: Path, tmp_path: Path
) -> None:
    done = run("evaluate", str(trained_run), "--plot", str(tmp_path / name))
    assert (done.returncode, done.stdout) == (2, "")
    assert reason in done.stderr
