"""What the training loop costs, over the bare step of the same model.

    python benchmarks/train.py [--device cuda] [--rounds N]

Both take the same steps on the same batches in memory: student, loss on the logits
of a teacher that are there already, gradient, clipping, AdamW. Ours is the loop of
`deit-spec train`, with its schedule, seeds, sums, checks and lines of metrics. The
two are measured in turns; the figure is the median of the ratios.
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
from deit_spec.distill.training import Silent
from deit_spec.distill.training.learner import Learner, make_loss
from deit_spec.distill.training.log import Log
from deit_spec.distill.training.optimizer import make_optimizer
from deit_spec.distill.training.processes import Processes
from deit_spec.distill.training.run import Run
from deit_spec.distill.training.schedule import Schedule, Timetable
from deit_spec.distill.training.signals import Stop
from deit_spec.recipe import CheckedRecipe, check_recipe

ROOT = Path(__file__).parents[1]
DIGITS = ROOT / "recipes" / "students" / "digits.yaml"
CASES = (
    # name, student, images a step, steps a round, aim
    ("digits, 64 images", DIGITS, 64, 20, "≤ 1.15"),
    ("deit_tiny at 224, 8 images", "deit_tiny_distilled_patch16_224", 8, 2, "≤ 1.05"),
)


class Ready(Data):
    """The same few batches over and over, in memory."""

    def __init__(self, batches: list[Batch]) -> None:
        self.batches = batches

    def train(
        self, first: int, last: int, *, rank: int = 0, world: int = 1
    ) -> Iterator[Batch]:
        """The batches in turn."""
        assert (rank, world) == (0, 1)
        for step in range(first, last):
            yield self.batches[step % len(self.batches)]

    def val(self, batch_size: int, *, rank: int = 0, world: int = 1) -> Iterator[Batch]:
        """None: nothing is evaluated."""
        raise NotImplementedError


class Said(nn.Module):
    """A teacher whose logits are there already."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:  # noqa: ARG002
        """Give them."""
        return self.logits


def case(
    student: str | Path, images: int, steps: int, folder: Path
) -> tuple[Callable[[], object], Callable[[], object]]:
    """A round of our loop, and one of the bare steps."""
    checked = check_recipe(
        {
            "student": {"spec": str(student)},
            "teacher": {"builtin": "true_labels"},
            "data": {"builtin": "digits"} if student is DIGITS else {"folder": "."},
            "optimizer": {"clip": 1.0},
            "schedule": {"batch_size": images, "steps": steps, "warmup_steps": 0},
            "augmentation": {"drop_path": 0.0},
        }
    )
    recipe, processes = checked.recipe, None
    assert recipe is not None, [each.message for each in checked.diagnostics]
    processes = Processes(recipe)
    assert checked.student is not None
    assert checked.student.spec is not None
    spec = checked.student.spec
    models = [deit_spec.compile(spec).build(device=processes.device) for _ in range(2)]
    shape = (images, spec.in_channels, spec.image_size, spec.image_size)
    classes, taught = spec.num_classes or 0, spec.teacher_num_classes or 0
    batches = [
        Batch(
            torch.randn(shape, device=processes.device),
            torch.randn(images, classes, device=processes.device).softmax(1),
        )
        for _ in range(4)
    ]
    logits = torch.randn(images, taught, device=processes.device)
    learner = Learner(models[0], Said(logits), recipe, processes)
    run = loop(checked, learner, batches, steps, folder)

    def ours() -> None:
        run.done = run._logged = 0  # noqa: SLF001  -- a new round
        with Stop() as stop:
            run.go(stop)
        synchronise(processes.device)

    loss, optimizer = make_loss(recipe), make_optimizer(models[1], recipe)
    rate = recipe.peak_lr

    def bare() -> None:
        for step in range(steps):
            batch = batches[step % len(batches)]
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss(models[1](batch.images), batch.labels, logits).backward()
            nn.utils.clip_grad_norm_(models[1].parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
        synchronise(processes.device)

    return ours, bare


def loop(
    checked: CheckedRecipe,
    learner: Learner,
    batches: list[Batch],
    steps: int,
    folder: Path,
) -> Run:
    """Our loop over these batches, which logs at the end of a round."""
    assert checked.recipe is not None
    never = 1 << 60
    times = Timetable(steps, steps, steps, never, never)
    return Quiet(
        checked=checked,
        recipe=checked.recipe,
        folder=folder,
        data=Ready(batches),
        learner=learner,
        fusion="mean_logits",
        times=times,
        rates=Schedule(steps, 0, checked.recipe.peak_lr),
        reporter=Silent(),
        log=Log(folder, 0),
    )
