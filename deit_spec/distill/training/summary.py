"""`summary.md`: what was trained, what came of it, and how to use it."""

import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from deit_spec.distill.evaluation import Scores, heads_of
from deit_spec.distill.metrics import HeadScores
from deit_spec.distill.training.reporter import Finished, Start
from deit_spec.distill.training.run import Run
from deit_spec.recipe.run_files import HEADS, METRICS, SPEC, WEIGHTS
from deit_spec.version import __version__

SHOWN = 20
"""How many unreadable images a summary names."""
MINUTE = 60
"""In seconds; and as many make an hour."""


def text(run: Run, start: Start, finished: Finished) -> str:
    """Write the summary of a run."""
    parts = [f"# {start.student}\n", _trained(run, start, finished)]
    if finished.scores is not None:
        parts.append(_results(finished.scores))
    if run.unreadable:
        parts.append(_unreadable(run.unreadable))
    parts += [_use(finished.folder), _made(start, finished)]
    return "\n".join(parts)


def _trained(run: Run, start: Start, finished: Finished) -> str:
    taught = "without a teacher"
    if start.teacher is not None:
        taught = f"from {start.teacher} by {start.loss} distillation"
    state = (
        ""
        if finished.complete
        else f" It was stopped there; {start.steps:,} were to be."
    )
    epochs = run.times.epoch(finished.step)
    return (
        f"A DeiT of {start.parameters:,} parameters that learned {taught}: "
        f"{finished.step:,} steps of {start.batch_size} images, {epochs:,.1f} epochs "
        f"of {start.train_images:,} images in {start.classes} classes.{state}\n"
    )


def _results(scores: Scores) -> str:
    rows = [
        f"On {scores.images:,} images held out:\n",
        "| | top-1 | top-5 | NLL | ECE |",
        "|---|---:|---:|---:|---:|",
        *(_row(HEADS[name], head) for name, head in heads_of(scores).items()),
    ]
    return "\n".join(rows) + "\n"


def _row(name: str, head: HeadScores) -> str:
    shares = f"{head.top1:.2%} | {head.top5:.2%}".replace("%", " %")
    return f"| {name} | {shares} | {head.nll:.4f} | {head.ece:.4f} |"


def _unreadable(names: Sequence[str]) -> str:
    """How many images could not be read, and which the first are."""
    many = "1 image was" if len(names) == 1 else f"{len(names):,} images were"
    rest = f"- and {len(names) - SHOWN:,} more, in `{METRICS}`\n"
    return (
        f"{many} unreadable, and skipped:\n\n"
        + "".join(f"- `{name}`\n" for name in names[:SHOWN])
        + (rest if len(names) > SHOWN else "")
    )


def _use(folder: Path) -> str:
    return (
        "```python\n"
        "import deit_spec\n\n"
        f'model = deit_spec.load("{folder / SPEC}", weights="{folder / WEIGHTS}")\n'
        "```\n"
    )


def _made(start: Start, finished: Finished) -> str:
    many = "1 process" if start.processes == 1 else f"{start.processes} processes"
    names = ("torch", "accelerate", "numpy")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return (
        f"Trained in {duration(finished.seconds)} on {start.device} with {many}, by "
        f"deit-spec {__version__} (Python {platform.python_version()}, {versions}). "
        "`recipe.yaml` beside this has every setting, `metrics.jsonl` every figure.\n"
    )


def duration(seconds: float) -> str:
    """Write seconds as a person would.

    >>> duration(7.25), duration(95), duration(7385)
    ('7.2 s', '1 min 35 s', '2 h 3 min')
    """
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), MINUTE)
    if minutes < MINUTE:
        return f"{minutes} min {rest} s"
    return f"{minutes // MINUTE} h {minutes % MINUTE} min"
