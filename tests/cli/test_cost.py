"""`deit-spec cost` as a process."""

import json
from pathlib import Path

import pytest
from pytest_regressions.file_regression import FileRegressionFixture
from support.commands import run

from deit_spec.cli.cost import MAX_BATCH
from deit_spec.cost import Convention

TINY = "specs/tiny.yaml"


@pytest.mark.parametrize("by", ["stage", "node"])
@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_goldens(by: str, form: str, file_regression: FileRegressionFixture) -> None:
    done = run("cost", TINY, "--by", by, "--output-format", form)
    assert (done.returncode, done.stderr) == (0, "")
    extension = ".txt" if form == "table" else f".{form}"
    file_regression.check(done.stdout, extension=extension)


def test_options_reach_the_report(tmp_path: Path) -> None:
    path = tmp_path / "cost.json"
    options = {
        "--batch": "64",
        "--dtype": "bfloat16",
        "--convention": "no-attention",
        "--target": "inference",
        "--by": "node",
        "--output-format": "json",
        "-o": str(path),
    }
    arguments = [word for pair in options.items() for word in pair]
    done = run("cost", "deit_base_patch16_224", *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    data = json.loads(path.read_text(encoding="utf-8"))
    for name in ("--dtype", "--convention", "--target", "--by"):
        assert data[name.strip("-")] == options[name]
    assert data["batch"] == 64
    assert data["name"] == "deit_base_patch16_224"
    macs = 17_563_807_488 - 12 * 2 * 197 * 197 * 768
    macs -= 196 * (2 * 768**2 + 2 * 768 * 3072)  # the last block, for one token
    assert abs(data["total"]["count"] / 64 - macs) < 1e5


@pytest.mark.parametrize("convention", [each.value for each in Convention])
def test_the_table_describes_its_convention(convention: str) -> None:
    done = run("cost", TINY, "--convention", convention)
    lines = done.stdout.splitlines()
    (line,) = [line for line in lines if f"({convention}): " in line]
    assert line.startswith("FLOPs" if convention == "flops" else "MACs")
    assert max(map(len, lines)) <= 80
    (others,) = [line for line in lines if line.startswith("by other conventions: ")]
    assert all(
        (each.value in others) == (each.value != convention) for each in Convention
    )


def test_inference_keeps_nothing_for_training() -> None:
    done = run("cost", TINY, "--target", "inference")
    assert "training" not in done.stdout
    done = run("cost", TINY, "--target", "inference", "--output-format", "csv")
    assert all(line.endswith(",") for line in done.stdout.splitlines()[1:])


def test_largest_batch_of_a_large_model() -> None:
    done = run("cost", "deit3_large_patch16_384", "--batch", str(MAX_BATCH))
    assert done.returncode == 0
    assert "191.07 E  1017.54 PiB  913.58 PiB" in done.stdout
    assert ", 1,000,000,000 images, float32" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--batch", "0"], 2),
        (["--batch", str(10**400)], 2),
        (["--dtype", "float8"], 2),
        (["--convention", "mine"], 2),
        (["--by", "head"], 2),
        (["-o", "nowhere/cost.txt"], 2),
    ],
)
def test_wrong_usage(arguments: list[str], code: int) -> None:
    done = run("cost", TINY, *arguments)
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_bad_spec_and_misspelt_name() -> None:
    done = run("cost", "-", stdin="num_heads: 7\n")
    assert (done.returncode, done.stdout) == (1, "")
    assert "DS203" in done.stderr
    done = run("cost", "deit_bse_patch16_224")
    assert done.returncode == 1
    assert "did you mean `deit_base_patch16_224`?" in done.stderr
