"""Measure steps of fine-tuning: all of a model, parts of it, and checkpointed blocks.

    python benchmarks/fine_tuning.py [--model small] [--batch N] [--rounds N]
        [--precision bf16] [--device cuda] [--threads N] [--cpu-time]

Each candidate takes complete steps in this process in turns: forward, loss, backward
and AdamW, by the same code, on the same images. timm's model has the same weights, and
the same parts are frozen. The speedup is the median of the time of training all of our
model divided by theirs in the same round, with the quartiles. `--cpu-time` measures CPU
time, for one thread on a machine that is busy with other work.

Memory is the peak of what a step allocates for tensors above what it found, as in
`training_step.py`. What it found includes the state of the optimizer, which has a
column of its own. On a GPU, DeiT-Small in bf16:

    python benchmarks/fine_tuning.py --device cuda --precision bf16 --batch 256
"""

import argparse
import gc
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from inference import SIZES
from paired import SPEEDUP_COLUMNS, all_in_turns, show, speedup
from peers import import_timm
from torch import Tensor
from train import synchronise
from training_step import peak_memory

import deit_spec
from deit_spec.distill.memory_allocator import keep_freed_memory
from deit_spec.distill.training.processes import Processes
from deit_spec.distill.training.training_step import TrainingStep
from deit_spec.recipe import Recipe, RecipeError, check_recipe

FROZEN = ["patch_embed", "cls_token", "pos_embed", "blocks.0-8"]
PARTS: dict[str, dict[str, object]] = {
    "all": {},
    "attention": {"train": "attention"},
    "without blocks 0 to 8": {"freeze": FROZEN},
    "heads": {"train": "heads"},
}
"""What is trained, as fields of `student`."""
CHECKPOINTED = ("all", "without blocks 0 to 8")
BASELINE = "ours, all"


def recipe_of(name: str, options: argparse.Namespace, part: str, **run: Any) -> Recipe:
    """Return a recipe that trains a part of a model without a teacher."""
    checked = check_recipe(
        {
            "student": {"spec": name, **PARTS[part]},
            "data": {"folder": "images"},
            "loss": {"kind": "none"},
            "schedule": {"batch_size": options.batch},
            "run": {"precision": options.precision, "device": options.device, **run},
        }
    )
    if checked.recipe is None:
        raise SystemExit(str(RecipeError(checked.diagnostics)))
    return checked.recipe


def candidates(name: str, options: argparse.Namespace) -> dict[str, TrainingStep]:
    """Build what is compared: models of ours and of timm with the same weights."""
    timm, found = import_timm(), dict[str, TrainingStep]()
    state = deit_spec.load(name).state_dict()
    for who in ("ours", "timm"):
        for part in PARTS:
            for checkpointed in (False, True)[: 1 + (part in CHECKPOINTED)]:
                recipe = recipe_of(
                    name, options, part, gradient_checkpointing=checkpointed
                )
                model = (
                    deit_spec.load(name, drop_unread=True)
                    if who == "ours"
                    else timm.create_model(name)
                )
                model.load_state_dict(state, strict=True)
                processes = Processes(recipe)
                model.to(processes.device).train()
                label = f"{who}, {part}" + (", checkpointed" * checkpointed)
                found[label] = TrainingStep(model, None, recipe, processes)
    return found


def step_of(
    training: TrainingStep, images: Tensor, labels: Tensor
) -> Callable[[], None]:
    """Return a function that takes a step."""

    def call() -> None:
        training.take(images, labels, 1e-5)
        synchronise(images.device)

    return call


def state_bytes(training: TrainingStep) -> int:
    """Return the bytes of the state of the optimizer."""
    values = (
        each for state in training.optimizer.state.values() for each in state.values()
    )
    return sum(each.numel() * each.element_size() for each in values)


def mebibytes(count: float) -> str:
    """Format a number of bytes."""
    return f"{count / 2**20:,.1f} MiB"


def main() -> None:
    """Measure, and print the results."""
    keep_freed_memory()
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", choices=SIZES, default="small")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cpu-time", action="store_true")
    options = parser.parse_args()
    clock = time.process_time if options.cpu_time else time.perf_counter
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    name = f"deit_{options.model}_patch16_224"
    found = candidates(name, options)
    device = found[BASELINE].processes.device
    images = torch.randn(options.batch, 3, 224, 224, device=device)
    labels = torch.randint(0, 1000, (options.batch,), device=device)
    calls = {label: step_of(each, images, labels) for label, each in found.items()}
    for call in calls.values():
        call()  # creates the state of the optimizer
    memory = {
        label: peak_memory(each.model, calls[label]) for label, each in found.items()
    }
    gc.collect()
    gc.freeze()  # so that collection before each call is fast
    times = all_in_turns(calls, options.rounds, clock)
    gc.unfreeze()
    rows = [
        [
            label,
            *speedup(times[label], times[BASELINE]),
            f"{options.batch / median(times[label]):,.1f}",
            mebibytes(memory[label]),
            f"{memory[label] / memory[BASELINE]:.2f}",
            mebibytes(state_bytes(found[label])),
        ]
        for label in found
    ]
    columns = ("images/s", "peak memory", "of all", "optimizer state")
    title = f"{name}, batch {options.batch}, {options.precision}, {options.device}"
    show(f"{title}: training", (*SPEEDUP_COLUMNS, *columns), rows)


if __name__ == "__main__":
    main()
