"""The results of a run: the weights, the curves and a summary."""

import platform
from collections.abc import Sequence
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from deit_spec.atomic_write import atomic_write, write_file
from deit_spec.diagnostics.printable import listed
from deit_spec.distill.evaluation import HeadScores, heads_of
from deit_spec.distill.plot import BLACK, BLUE, ORANGE, plot
from deit_spec.distill.runtime_errors import recipe_of, student_of
from deit_spec.distill.training.metrics_log import read_metrics
from deit_spec.distill.training.reporter import Finished, Start
from deit_spec.distill.training.training_loop import TrainingLoop
from deit_spec.model.preprocessing import preprocessing_of
from deit_spec.recipe.run_files import (
    CURVES,
    HEADS,
    METRICS,
    RECIPE,
    SUMMARY,
    WEIGHTS,
)
from deit_spec.recipe.run_records import MetricsLine
from deit_spec.version import __version__
from deit_spec.weights import safetensors_file
from deit_spec.weights.spec_metadata import make_metadata

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEAD_COLOURS = (BLUE, ORANGE, BLACK)
"""A head has the colour of the term that trains it."""
HEAD_WIDTHS = (2.6, 1.7, 0.8)
"""Later lines are narrower, so that equal scores are all visible."""


def write_results(loop: TrainingLoop, start: Start, finished: Finished) -> None:
    """Write the results; every process calls this, the main one writes."""
    tensors = {name: value.cpu() for name, value in loop.training.kept()}
    if not loop.processes.main:
        return
    folder = loop.folder
    spec = student_of(loop.checked)
    preprocessing = preprocessing_of(spec, recipe_of(loop.checked)).to_json()
    metadata = make_metadata(spec, preprocessing, loop.data.classes)
    with atomic_write(folder / WEIGHTS) as file:
        safetensors_file.write(file, tensors, metadata=metadata)
    draw_curves(read_metrics(folder).records, folder)
    curves = folder / CURVES
    if finished.complete and start.first < loop.done and curves.exists():
        loop.trackers.log_picture(curves.stem, curves.read_bytes(), loop.done)
    write_file(folder / SUMMARY, summary(loop, start, finished))


def draw_curves(lines: Sequence[MetricsLine], folder: Path) -> None:
    """Draw the loss and the scores as PNG and SVG; without any, remove the files."""
    trained = [line for line in lines if line.loss is not None]
    scored = [line for line in lines if line.cls]
    if not trained:
        for kind in ("png", "svg"):
            (folder / f"curves.{kind}").unlink(missing_ok=True)
        return

    def draw(figure: "Figure") -> None:
        left, right = figure.subplots(1, 2)
        _draw_loss(left, trained)
        _draw_scores(right, scored)

    for kind, picture in plot(draw, (9, 3.6), {"font.size": 9}).items():
        write_file(folder / f"curves.{kind}", picture)


def _draw_loss(axes: "Axes", lines: Sequence[MetricsLine]) -> None:
    steps = [line.step for line in lines]
    has_teacher = any(line.teacher for line in lines)
    terms = ("loss", "labels", "teacher") if has_teacher else ("loss",)
    for name, colour in zip(terms, (BLACK, BLUE, ORANGE), strict=False):
        values = [getattr(line, name) for line in lines]
        width = 1.8 if name == "loss" else 1.0
        axes.plot(steps, values, color=colour, label=name, linewidth=width)
    _finish(axes, "training loss")


def _draw_scores(axes: "Axes", lines: Sequence[MetricsLine]) -> None:
    styles = zip(HEADS.items(), HEAD_COLOURS, HEAD_WIDTHS, strict=True)
    for (name, title), colour, width in styles:
        found = ((line.step, getattr(line, name)) for line in lines)
        points = [(step, 100 * head.top1) for step, head in found if head]
        if points:
            axes.plot(
                *zip(*points, strict=True),
                "o-",
                color=colour,
                label=title,
                linewidth=width,
                markersize=2 + 2 * width,
            )
    _finish(axes, "top-1 on held-out images, %")


def _finish(axes: "Axes", title: str) -> None:
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415  -- of the extra `train`

    axes.set_title(title, loc="left")
    axes.set_xlabel("step")
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, linewidth=0.4, alpha=0.5)
    if axes.lines:
        axes.legend(frameon=False)


def summary(loop: TrainingLoop, start: Start, finished: Finished) -> str:
    """Write `summary.md`: what was trained, the scores, and how to use the model."""
    parts = [f"# {start.student}\n", _training(start, finished)]
    if scores := finished.scores:
        best = loop.training.best
        of_best = ""
        if best is not None and best.weights:
            of_best = f", with the weights of step {best.step:,}, the best evaluation"
        parts += [
            f"On {scores.images:,} held-out images{of_best}:\n",
            "| | top-1 | top-5 | NLL | ECE |\n|---|---:|---:|---:|---:|",
            *(_row(HEADS[name], head) for name, head in heads_of(scores).items()),
            *([_row("teacher", finished.teacher)] if finished.teacher else []),
            "",
        ]
    if names := loop.unreadable:
        were = "1 image was" if len(names) == 1 else f"{len(names):,} images were"
        parts.append(f"{were} unreadable and skipped: {listed(names)}.\n")
    parts += [
        "```python\nimport deit_spec\n",
        f'classifier = deit_spec.load_model("{finished.folder}")\n```\n',
        _environment(start, finished),
    ]
    return "\n".join(parts)


def _training(start: Start, finished: Finished) -> str:
    how = "trained without a teacher"
    if start.teacher is not None:
        how = f"trained with {start.teacher} by {start.loss} distillation"
    if start.trained < start.parameters:
        how = f"of which {start.trained:,} were {how}"
    steps = f"{finished.step:,} steps"
    if not finished.complete:
        steps = f"stopped after {finished.step:,} of {start.steps:,} steps"
    elif finished.step < start.steps:
        steps = f"ended early after {finished.step:,} of {start.steps:,} steps"
    epochs = finished.step * start.batch_size / start.train_images
    return (
        f"A DeiT of {start.parameters:,} parameters, {how}: {steps} of "
        f"{start.batch_size} images, {epochs:,.1f} epochs of {start.train_images:,} "
        f"images in {start.classes} classes.\n"
    )


def _row(name: str, head: HeadScores) -> str:
    shares = f"{100 * head.top1:.2f} % | {100 * head.top5:.2f} %"
    return f"| {name} | {shares} | {head.nll:.4f} | {head.ece:.4f} |"


def _environment(start: Start, finished: Finished) -> str:
    time = timedelta(seconds=round(finished.seconds))
    count = "1 process" if start.processes == 1 else f"{start.processes} processes"
    names = ("torch", "accelerate", "numpy")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return (
        f"Trained in {time} on {start.device} with {count}, by "
        f"deit-spec {__version__} (Python {platform.python_version()}, {versions}). "
        f"`{RECIPE}` has all settings, `{METRICS}` all measurements.\n"
    )
