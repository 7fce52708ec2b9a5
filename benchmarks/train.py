"""Measure the overhead of the training loop over bare steps of the same model.

    python benchmarks/train.py [--rounds N] [--threads N]

Both take the same steps on the same batches in memory: student, loss on precomputed
logits of a teacher, gradient, clipping, AdamW. Ours is the loop of `deit-spec train`,
with its schedule, seeds, sums, checks and metrics. Both are measured alternately, and
the result is the median of the ratios.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from paired import COLUMNS, in_turns, show
from torch import Tensor, nn

import deit_spec
from deit_spec.distill.data import Batch, Data
from deit_spec.distill.data.dataset import CPU
from deit_spec.distill.training import Reporter
from deit_spec.distill.training.metrics_log import MetricsLog
from deit_spec.distill.training.optimizer import Schedule, make_optimizer
from deit_spec.distill.training.processes import Processes, StopSignal
from deit_spec.distill.training.training_loop import TrainingLoop
from deit_spec.distill.training.training_step import TrainingStep, make_loss
from deit_spec.recipe import CheckedRecipe, Recipe, RecipeError, check_recipe

ROOT = Path(__file__).parents[1]
DIGITS = ROOT / "recipes" / "students" / "digits.yaml"
CASES = (
    # name, student, images per step, steps per round, target
    ("digits, 64 images", DIGITS, 64, 20, "≤ 1.15"),
    ("deit_tiny at 224, 8 images", "deit_tiny_distilled_patch16_224", 8, 2, "≤ 1.05"),
)


class Ready(Data):
    """A few batches in memory, repeated for one round of steps."""

    def __init__(self, batches: list[Batch], steps: int) -> None:
        self.batches, self.steps, self.unreadable = batches, steps, []

    def train(
        self,
        first: int,
        last: int,  # noqa: ARG002  -- a round is shorter
        *,
        rank: int = 0,  # noqa: ARG002  -- there is one process
        world: int = 1,  # noqa: ARG002
        device: torch.device = CPU,  # noqa: ARG002  -- the batches are there
    ) -> Iterator[Batch]:
        """Yield the batches in turn."""
        for step in range(first, first + self.steps):
            yield self.batches[step % len(self.batches)]

    def val(
        self,
        batch_size: int,  # noqa: ARG002  -- there are no images
        *,
        rank: int = 0,  # noqa: ARG002
        world: int = 1,  # noqa: ARG002
    ) -> Iterator[Batch]:
        """Yield nothing, because nothing is evaluated."""
        yield from ()


class Said(nn.Module):
    """A teacher with precomputed logits."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:  # noqa: ARG002
        """Return the logits."""
        return self.logits


def rounds_of(
    student: str | Path, images: int, steps: int, folder: Path
) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return a function for a round of our loop and one for a round of bare steps."""
    checked = check_recipe(
        {
            "student": {"spec": str(DIGITS)},
            "teacher": {"builtin": "true_labels"},
            "data": {"builtin": "digits"},
            "optimizer": {"clip": 1.0},
            "schedule": {"batch_size": images, "steps": 1, "warmup_steps": 0},
        }
    )
    recipe = checked.recipe
    if recipe is None:
        raise SystemExit(str(RecipeError(checked.diagnostics)))
    processes = Processes(recipe)
    spec, device = deit_spec.load_spec(student), processes.device
    first, second = (deit_spec.compile(spec).build(device=device) for _ in range(2))
    shape = (images, spec.in_channels, spec.image_size, spec.image_size)
    labels = torch.randn(images, spec.num_classes or 0, device=device).softmax(1)
    logits = torch.randn(images, spec.teacher_num_classes or 0, device=device)
    batches = [Batch(torch.randn(shape, device=device), labels) for _ in range(4)]
    training = TrainingStep(first, Said(logits), recipe, processes)
    run = loop(checked, recipe, training, Ready(batches, steps), folder)

    def ours() -> None:
        with StopSignal() as stop:
            run.run(stop)
        synchronise(device)

    loss, optimizer = make_loss(recipe), make_optimizer(second, recipe)

    def bare() -> None:
        for step in range(steps):
            batch = batches[step % len(batches)]
            for group in optimizer.param_groups:
                group["lr"] = recipe.peak_lr
            loss(second(batch.images), batch.labels, logits).backward()
            nn.utils.clip_grad_norm_(second.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
        synchronise(device)

    return ours, bare


def loop(
    checked: CheckedRecipe,
    recipe: Recipe,
    training: TrainingStep,
    data: Ready,
    folder: Path,
) -> TrainingLoop:
    """Our loop over these batches, endless, with a line of metrics after each round."""
    never = 1 << 60
    return TrainingLoop(
        checked=checked,
        folder=folder,
        data=data,
        training=training,
        schedule=Schedule(
            steps=never,
            warmup=0,
            peak=recipe.peak_lr,
            steps_per_epoch=never,
            log_every=data.steps,
            evaluate_every=never,
            checkpoint_every=never,
        ),
        reporter=Reporter(),
        log=MetricsLog(folder, 0),
    )


def synchronise(device: torch.device) -> None:
    """Wait until a device has finished its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main() -> None:
    """Measure all cases, and print the results next to their targets."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    rows = []
    for name, student, images, steps, target in CASES:
        with tempfile.TemporaryDirectory() as folder:
            ours, bare = rounds_of(student, images, steps, Path(folder))
            pairs = in_turns(ours, bare, given.rounds)
        rows.append([f"{name}, {steps} steps", *pairs.cells(target)])
    show("training loop, compared with bare steps", COLUMNS, rows)


if __name__ == "__main__":
    main()
