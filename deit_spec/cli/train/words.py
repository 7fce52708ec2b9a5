"""The words for a run, whatever shows them."""

from deit_spec.distill.evaluation import Scores, heads_of
from deit_spec.distill.training import Finished, Start
from deit_spec.recipe.run_files import CURVES, HEADS, SUMMARY, WEIGHTS


def student(start: Start) -> str:
    """Who learns from whom."""
    taught = "no teacher"
    if start.teacher is not None:
        taught = f"{start.loss} distillation from {start.teacher}"
    return f"{start.student}: {start.parameters:,} parameters, {taught}"


def images(start: Start) -> str:
    """What is learned from."""
    return (
        f"{start.train_images:,} images to train on, {start.val_images:,} held out, "
        f"{start.classes:,} classes"
    )


def plan(start: Start) -> str:
    """How long, and where."""
    many = "" if start.processes == 1 else f", {start.processes} processes"
    after = "" if not start.first else f", going on after step {start.first:,}"
    return (
        f"{start.steps:,} steps of {start.batch_size:,} images on "
        f"{start.device}{many}{after}"
    )


def ended(finished: Finished) -> str:
    """What there is now."""
    names = (WEIGHTS, CURVES, SUMMARY)
    there = [name for name in names if (finished.folder / name).exists()]
    return f"wrote {finished.folder}: {', '.join(there)}"


def top1(scores: Scores) -> str:
    """How often each head is right."""
    told = (
        f"{HEADS[name]} {head.top1:.1%}".replace("%", " %")
        for name, head in heads_of(scores).items()
    )
    return ", ".join(told)


def clock(seconds: float) -> str:
    """Write seconds as on a clock.

    >>> clock(65), clock(7385)
    ('1:05', '2:03:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
