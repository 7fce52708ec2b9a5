"""Folders to damage, and the commands that read them.

`runs` are the folder of a run and the results of a study; `checkpoints` are weights
beside a spec, in the formats of all libraries, and the folders that they write.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from PIL import Image
from support.checkpoints import DISTILLED, PLAIN, state_of
from support.commands import run
from support.runs import recipe, results, study

import deit_spec
from deit_spec.diagnostics import DiagnosedError
from deit_spec.distill.study import Results, summarise, write_report
from deit_spec.distill.training import train
from deit_spec.weights import safetensors_file

Command = Sequence[str]
IMAGE = "image.png"
RESULTS = "results"
"""Stands for reading the results of a study, whose missing runs are not repeated."""
LOAD = "load_model"
"""Stands for `deit_spec.load_model` and a prediction."""


def make_runs(folder: Path) -> None:
    """Write a run that has ended, its recipe, an image, and the results of a study."""
    checked = recipe(folder, teacher=None, loss={"kind": "none"})
    train(checked, folder / "run")
    _image(folder / IMAGE, 8)
    lines = [f"{json.dumps(asdict(each))}\n" for each in results().values()]
    (folder / "study").mkdir()
    (folder / "study" / "results.jsonl").write_text("".join(lines))


def run_commands(folder: Path) -> list[Command]:
    """The commands that read a run."""
    run_folder, out = str(folder / "run"), str(folder / "out")
    weights = str(folder / "run" / "model.safetensors")
    return [
        ("train", str(folder / "recipe.yaml"), "-o", run_folder, "--resume"),
        ("train", str(folder / "recipe.yaml"), "-o", run_folder, "--resume"),
        ("train", str(folder / "run" / "recipe.yaml"), "-o", run_folder, "--resume"),
        ("evaluate", run_folder),
        ("predict", run_folder, str(folder / IMAGE)),
        ("validate", run_folder),
        ("cost", run_folder),
        ("weights", "inspect", weights),
        ("weights", "plan", run_folder, weights),
        ("weights", "convert", run_folder, weights, "-o", out, "--to", "hf"),
        (LOAD, run_folder, str(folder / IMAGE)),
        (LOAD, weights, str(folder / IMAGE)),
        (RESULTS, str(folder / "study")),
    ]


def make_checkpoints(folder: Path) -> None:
    """Write two models in every format, and specs beside them."""
    for name, spec in (("plain", PLAIN), ("distilled", DISTILLED)):
        place = folder / name
        place.mkdir()
        (place / "spec.yaml").write_text(json.dumps(spec))
        state = state_of(spec)
        with (place / "model.safetensors").open("wb") as file:
            safetensors_file.write(file, state)
        torch.save({"model": state, "epoch": 3}, place / "model.pth")
        for target in ("hf", "timm"):
            done = run(
                *("weights", "convert", str(place / "spec.yaml")),
                *(str(place / "model.safetensors"), "-o", str(place / target)),
                *("--to", target),
            )
            assert done.returncode == 0, done.stderr
    _image(folder / IMAGE, 32)


def checkpoint_commands(folder: Path) -> list[Command]:
    """The commands that read a checkpoint or the folder of a model."""
    commands = list[Command]()
    out, image = str(folder / "out"), str(folder / IMAGE)
    for name in ("plain", "distilled"):
        spec = str(folder / name / "spec.yaml")
        files = ("model.safetensors", "model.pth", "hf", "timm")
        for path in (str(folder / name / each) for each in files):
            commands += [
                ("weights", "inspect", path),
                ("weights", "plan", spec, path),
                ("weights", "convert", spec, path, "-o", out, "--to", "hf"),
                ("predict", spec, "--weights", path, image),
            ]
        for path in (str(folder / name / each) for each in ("hf", "timm")):
            commands += [("validate", path), ("cost", path), ("predict", path, image)]
            commands += [(LOAD, path, image)]
    return commands


FOLDERS: dict[str, tuple[Callable[[Path], None], Callable[[Path], list[Command]]]] = {
    "runs": (make_runs, run_commands),
    "checkpoints": (make_checkpoints, checkpoint_commands),
}
"""By kind: what writes the folder, and the commands."""


def answer(command: Command) -> str:
    """Run a command on a damaged folder; raise if it ends in a way that it must not.

    Returns:
        Its messages.
    """
    if command[0] in {LOAD, RESULTS}:
        name, *paths = command
        try:
            (_load if name == LOAD else _read_results)(*map(Path, paths))
        except (DiagnosedError, OSError) as error:
            return f"error: {error}"
        return ""
    done = run(*command)
    assert done.returncode in {0, 1, 2}, done.stderr
    assert "DS901" not in done.stderr, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == 0 or done.stderr, command
    return done.stderr


def _load(path: Path, image: Path) -> None:
    model = deit_spec.load_model(path)
    if model.spec.num_classes is not None:
        model.predict(image)


def _read_results(folder: Path) -> None:
    found = Results(folder)
    known = {(each.arm, each.images, each.seed): each for each in found.done.values()}
    planned = {key: known[key] for key in results() if key in known}
    summary = summarise("digits", study(), planned)
    write_report(summary, folder)


def _image(path: Path, side: int) -> None:
    Image.new("RGB", (side, side), (10, 200, 90)).save(path)
