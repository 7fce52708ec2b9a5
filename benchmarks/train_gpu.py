"""Measure the speed and peak memory of training at 224 pixels on a GPU.

    python benchmarks/train_gpu.py [--batch N] [--steps N] [--small]

Trains DeiT-Small in bf16 with `torch.compile`, alternating between our model and
timm's `deit_small_distilled` in the same loop on batches in memory. Also measures the
teacher alone, and training on a folder of JPEGs including reading and augmentation.
`--small` is a smoke test for CPUs: the tiny model, without compilation.
"""

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from paired import COLUMNS, in_turns, seconds, show
from peers import import_timm
from PIL import Image
from torch import nn
from train import Ready, loop, synchronise

import deit_spec
from deit_spec.distill.data import Batch
from deit_spec.distill.teachers import Teacher
from deit_spec.distill.teachers.teacher import Input
from deit_spec.distill.training import train
from deit_spec.distill.training.processes import Processes, StopSignal
from deit_spec.distill.training.training_step import TrainingStep
from deit_spec.recipe import CheckedRecipe, RecipeError, check_recipe

CLASSES = 1000
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def recipe_of(folder: Path, model: str, batch: int, **run: object) -> CheckedRecipe:
    """Return a recipe for a folder of images."""
    checked = check_recipe(
        {
            "student": {"spec": f"{model}_distilled_patch16_224"},
            "teacher": {"builtin": "true_labels"},
            "data": {"folder": str(folder), "workers": 8},
            "schedule": {"batch_size": batch, "steps": 30, "warmup_steps": 5},
            "run": {"log_every": 10, **run},
        }
    )
    if checked.recipe is None:
        raise SystemExit(str(RecipeError(checked.diagnostics)))
    return checked


def rounds_of(
    model: nn.Module, teacher: nn.Module, checked: CheckedRecipe, steps: int
) -> Callable[[], None]:
    """Return a function that runs a round of steps of a student in our loop."""
    recipe = checked.recipe
    if recipe is None:
        raise SystemExit(str(RecipeError(checked.diagnostics)))
    processes = Processes(recipe)
    device, images = processes.device, recipe.schedule.batch_size
    labels = torch.randn(images, CLASSES, device=device).softmax(1)
    batch = Batch(torch.randn(images, 3, 224, 224, device=device), labels)
    training = TrainingStep(model.to(device), teacher.to(device), recipe, processes)
    folder = Path(tempfile.mkdtemp())
    run = loop(checked, recipe, training, Ready([batch], steps), folder)

    def round_() -> None:
        with StopSignal() as stop:
            run.run(stop)
        synchronise(device)

    return round_


def peak_memory(call: Callable[[], None]) -> str:
    """Return the peak memory that a call allocates on the GPU."""
    if not torch.cuda.is_available():
        return "-"
    torch.cuda.reset_peak_memory_stats()
    call()
    return f"{torch.cuda.max_memory_allocated() / 2**30:.1f} GiB"


def write_jpegs(folder: Path, count: int) -> None:
    """Write random JPEG images, with as many classes as the student has."""
    for label in range(CLASSES):
        place = folder / f"{label:04}"
        place.mkdir(parents=True)
        for number in range(max(2, count // CLASSES)):
            pixels = torch.randint(0, 256, (16, 16, 3), dtype=torch.uint8).numpy()
            Image.fromarray(pixels).resize((256, 256)).save(place / f"{number}.jpg")


def main() -> None:
    """Measure, and print the results."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--small", action="store_true")
    given = parser.parse_args()
    timm, name = import_timm(), "deit_tiny" if given.small else "deit_small"
    big = "resnet18" if given.small else "regnety_160"
    run = {"precision": "bf16", "compile": not given.small}
    images = given.batch * given.steps
    with tempfile.TemporaryDirectory() as place:
        write_jpegs(Path(place) / "images", 2 * CLASSES)
        checked = recipe_of(Path(place) / "images", name, given.batch, **run)
        view = Input(MEAN, STD, 224)
        teacher = Teacher(timm.create_model(big), student=view, own=view)
        ours = deit_spec.load(f"{name}_distilled_patch16_224")
        theirs = timm.create_model(f"{name}_distilled_patch16_224")
        theirs.set_distilled_training()
        our, their = (
            rounds_of(model, teacher, checked, given.steps) for model in (ours, theirs)
        )
        pairs = in_turns(our, their, given.rounds)
        show(
            f"{name} with teacher {big}", COLUMNS, [["a round", *pairs.cells("≤ 1.00")]]
        )
        for who, times, call in (
            ("ours", pairs.ours, our),
            ("timm's", pairs.theirs, their),
        ):
            print(f"{who}: {images / min(times):,.0f} images/s, {peak_memory(call)}")
        device = next(teacher.parameters()).device
        batch = torch.randn(given.batch, 3, 224, 224, device=device)

        def teach() -> None:
            with torch.autocast(device.type, torch.bfloat16):
                teacher(batch, batch)
            synchronise(device)

        teach()
        speed = given.batch / min(seconds(teach) for _ in range(given.rounds))
        print(f"{big} alone: {speed:,.0f} images/s")
        finished = train(checked, Path(place) / "run")
        lines = (finished.folder / "metrics.jsonl").read_text().splitlines()
        last = [line for line in map(json.loads, lines) if "loss" in line][-1]
        print(f"from a folder of JPEGs: {last['images_per_second']:,.0f} images/s")


if __name__ == "__main__":
    main()
