"""A folder that is not a model, or whose parts contradict each other.

Every command reports it with its place and writes nothing.
"""

import json
import shutil
from pathlib import Path

import pytest
from support.commands import run

import deit_spec
from deit_spec.weights import safetensors_file

COMMANDS = (
    "cost MODEL -o out.json",
    "render MODEL -o out.svg",
    "compile MODEL -o out.py",
    "evaluate MODEL --data digits -o out.json",
    "predict MODEL image.png -o out.json",
    "weights plan MODEL WEIGHTS",
    "weights convert MODEL -o out --to hf",
    "weights convert MODEL -o out --to timm",
    "weights convert MODEL -o out.pth --to deit",
)


def refused(folder: Path, command: str, model: str, place: str) -> str:
    """What a command prints about a model that it refuses, at a place."""
    before = contents(folder)
    weights = "model/model.safetensors"
    words = command.replace("MODEL", model).replace("WEIGHTS", weights).split()
    done = run(*words, cwd=folder)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert f" --> {place}:1:1\n" in done.stderr
    assert contents(folder) == before
    return done.stderr


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def folder(trained_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose weights have the metadata of a deeper model, and other folders."""
    place = tmp_path_factory.mktemp("models")
    shutil.copytree(trained_run, place / "model")
    path = place / "model/model.safetensors"
    metadata = dict(safetensors_file.metadata_of(path))
    spec = json.loads(metadata["deit_spec.spec"])
    deeper = {**spec, "depth": spec["depth"] + 1}
    metadata["deit_spec.spec"] = json.dumps(deeper)
    metadata["deit_spec.digest"] = deit_spec.load_spec(deeper).digest
    state = {k: v.clone() for k, v in safetensors_file.read(path, "a").items()}
    with path.open("wb") as file:
        safetensors_file.write(file, state, metadata=metadata)
    (place / "images/cat").mkdir(parents=True)
    (place / "images/cat/1.txt").write_text("a cat")
    return place


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_of_no_known_kind(folder: Path, command: str) -> None:
    printed = refused(folder, command, "images", "images")
    assert "error[DS426]: the folder is not a known kind of model\n" in printed
    assert "note: a run has spec.yaml and recipe.yaml\n" in printed


@pytest.mark.parametrize("command", ["validate MODEL", *COMMANDS])
def test_metadata_that_is_not_that_of_the_weights(folder: Path, command: str) -> None:
    weights = "model/model.safetensors"
    assert "error[DS425]: " in refused(folder, command, weights, weights)
