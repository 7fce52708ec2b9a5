"""Compare the attention of the class token with that of the distillation token.

    python benchmarks/token_attention.py [--seeds N] [--folder FOLDER]

Trains the student of recipes/digits.yaml with its teacher, with the true labels in its
place, without a loss for the distillation token, and for one step at a rate near 0. For
each block, the rows of both tokens over the patches, as means of the heads, are
compared for each held-out image: their cosine, and the Jensen-Shannon distance of the
rows divided by their sums (the root of the divergence in bits, 0 to 1). Printed are
means of the seeds with their standard errors. Runs that are in FOLDER are not repeated.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import mean, stdev

import torch
from paired import show
from torch import Tensor
from torch.nn.functional import cosine_similarity

import deit_spec
from deit_spec.distill.data import open_data
from deit_spec.distill.memory_allocator import keep_freed_memory
from deit_spec.distill.training import train
from deit_spec.recipe import CheckedRecipe, check_recipe

RECIPE = Path(__file__).resolve().parents[1] / "recipes" / "digits.yaml"
NO_TEACHER = ["teacher=null", "loss.kind=none"]
ONE_STEP = ["schedule.steps=1", "schedule.warmup_steps=0", "optimizer.lr=1e-9"]
ARMS = {
    "teacher": [],
    "true labels": ["teacher={builtin: true_labels}"],
    "none": NO_TEACHER,
    "untrained": [*NO_TEACHER, *ONE_STEP],
}
"""What the distillation token learns from, and the fields that are set for it."""


def rows(run: Path, images: Tensor) -> list[Tensor]:
    """Return the attention `[B, L, P]` of both tokens over the patches, by block."""
    model = deit_spec.load_model(run)
    maps = [
        deit_spec.attribute(model, images, token=token, block=None)
        for token in ("cls", "dist")
    ]
    return [each.flatten(2).double() for each in maps]


def distance(one: Tensor, other: Tensor) -> Tensor:
    """Return the Jensen-Shannon distance of rows, which are divided by their sums."""
    p, q = (each / each.sum(dim=-1, keepdim=True) for each in (one, other))
    middle = (p + q) / 2
    divergence = sum((torch.xlogy(each, each / middle)).sum(-1) / 2 for each in (p, q))
    return (torch.as_tensor(divergence) / torch.log(torch.tensor(2.0))).clamp(0).sqrt()


def measure(checked: CheckedRecipe, run: Path) -> list[float]:
    """Train a run, and return the cosine and the distance of each block."""
    if not (run / "model.safetensors").exists():
        train(checked, run, resume=True)
    images = torch.cat([images for images, _ in open_data(checked).val(600)])
    cls, dist = rows(run, images)
    by_image = cosine_similarity(cls, dist, dim=-1), distance(cls, dist)
    return [float(value) for each in by_image for value in each.mean(dim=0)]


def main() -> None:
    """Train and measure all arms, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--folder", type=Path, help="where runs are kept")
    options = parser.parse_args()
    keep_freed_memory()
    table = []
    with tempfile.TemporaryDirectory() as place:
        folder = options.folder or Path(place)
        for arm, fields in ARMS.items():
            found = [
                measure(
                    check_recipe(RECIPE, [*fields, f"run.seed={seed}"]),
                    folder / f"{arm.replace(' ', '-')}-{seed}",
                )
                for seed in range(options.seeds)
            ]
            cells = [
                f"{mean(values):.3f} ± {stdev(values) / len(values) ** 0.5:.3f}"
                for values in zip(*found, strict=True)
            ]
            table.append([arm, *cells])
    depth = (len(table[0]) - 1) // 2
    blocks = [f"block {index}" for index in range(depth)]
    for title, part in (
        ("cosine", slice(1, depth + 1)),
        ("distance", slice(depth + 1, None)),
    ):
        show(title, blocks, [[row[0], *row[part]] for row in table])


if __name__ == "__main__":
    main()
