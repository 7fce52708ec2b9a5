"""Rules on the length of a run, its batches and its learning rates."""

import math
from collections.abc import Iterator

from deit_spec.diagnostics import Diagnostic, Label, diagnose
from deit_spec.diagnostics.printable import counted
from deit_spec.recipe.checked_recipe import CheckedRecipe
from deit_spec.recipe.data_classes import digits_count
from deit_spec.recipe.recipe_schema import Recipe
from deit_spec.recipe.rules.rule_context import RuleContext
from deit_spec.spec.nearest import nearest_divisors, nearest_multiples, one_of
from deit_spec.spec.rules import Findings
from deit_spec.yaml_source.scalars import value_text

EPOCHS, WARMUP_EPOCHS = 300, 5
"""The default lengths of a run and its warm-up (the paper, table 9)."""
MAX_INITIAL = 0.01
"""The share of the initial weights that a moving average may keep."""


def length_is_said_once(context: RuleContext) -> Findings:
    """DS506: a length is in epochs or in steps, not in both."""
    schedule = context.recipe.schedule
    pairs = (("epochs", "steps"), ("warmup_epochs", "warmup_steps"))
    for epochs, steps in pairs:
        both = (getattr(schedule, epochs), getattr(schedule, steps))
        if None in both:
            continue
        yield context.spans.finding(
            "DS506",
            f"{epochs} and {steps} are both set",
            f"remove either `schedule.{epochs}` or `schedule.{steps}`",
            (f"schedule.{epochs}", counted(both[0], "epoch"), None),
            (f"schedule.{steps}", counted(both[1], "step"), None),
        )


def warmup_ends(context: RuleContext) -> Findings:
    """DS507: the rate reaches its highest before the run ends."""
    schedule, epoch = context.recipe.schedule, _steps_of_epoch(context)
    run, run_unit = _length(schedule.epochs, schedule.steps, EPOCHS)
    warmup, unit = _length(schedule.warmup_epochs, schedule.warmup_steps, WARMUP_EPOCHS)
    if unit != run_unit and epoch is None:
        return
    steps = {"steps": 1, "epochs": epoch or 1}
    if warmup == 0 or warmup * steps[unit] < run * steps[run_unit]:
        return
    of = f" of {counted(epoch, 'step')}" if epoch and unit != run_unit else ""
    shown = counted(warmup, unit[:-1]) + (of if unit == "epochs" else "")
    shown_run = counted(run, run_unit[:-1]) + (of if run_unit == "epochs" else "")
    shorter = run // 10 if run_unit == "steps" else run / 10
    yield context.spans.finding(
        "DS507",
        f"the warm-up ({shown}) is not shorter than the run ({shown_run})",
        f"a shorter warm-up, such as `schedule.warmup_{run_unit}: {shorter:g}`",
        (f"schedule.warmup_{unit}", "the warm-up", warmup),
        (f"schedule.{run_unit}", "the run", run),
    )


def _length(epochs: float | None, steps: int | None, default: int) -> tuple[float, str]:
    if steps is not None:
        return steps, "steps"
    return (default if epochs is None else epochs), "epochs"


def _steps_of_epoch(context: RuleContext) -> int | None:
    """The steps of an epoch where the number of images is known."""
    images = known_train_images(context.recipe)
    if images is None:
        return None
    return max(images // context.recipe.schedule.batch_size, 1)


def known_train_images(recipe: Recipe) -> int | None:
    """The number of training images, if it is known without reading them."""
    data = recipe.data
    if data.train_images is None and data.builtin == "digits":
        digits = digits_count(data)
        rest = digits - (data.val_images or digits // 10)
        return rest if rest > 0 else None  # this is DS517 or DS565
    return data.train_images


def batch_fits_data(context: RuleContext) -> Findings:
    """DS546: a batch has at most as many images as there are."""
    images = known_train_images(context.recipe)
    if images is not None:
        yield from large_batch(context.checked, context.recipe, images)


def average_forgets(context: RuleContext) -> Findings:
    """DS547: a moving average forgets the initial weights."""
    schedule, epoch = context.recipe.schedule, _steps_of_epoch(context)
    steps = schedule.steps
    if steps is None and epoch is not None:
        steps = (schedule.epochs or EPOCHS) * epoch
    if steps is not None:
        yield from slow_average(context.checked, context.recipe, steps)


def large_batch(
    checked: CheckedRecipe, recipe: Recipe, images: int
) -> Iterator[Diagnostic]:
    """Find a batch of more images than there are."""
    batch = recipe.schedule.batch_size
    if batch <= images:
        return
    yield diagnose(
        "DS546",
        f"batch_size {batch:,} is larger than the data, {images:,} images: each step "
        f"uses an image {batch / images:.2f} times on average",
        Label(checked.span("schedule.batch_size"), f"{batch:,} images"),
        helps=[f"`schedule.batch_size: {images}`, or fewer"],
    )


def slow_average(
    checked: CheckedRecipe, recipe: Recipe, steps: int
) -> Iterator[Diagnostic]:
    """Find a moving average that keeps too much of the initial weights."""
    decay = recipe.run.ema
    if decay is None or recipe.run.ema_warmup:
        return
    share = float(decay**steps)
    if share <= MAX_INITIAL:
        return
    yield diagnose(
        "DS547",
        f"the average with run.ema {value_text(decay)} has {100 * share:.0f} % of "
        f"the initial weights after {steps:,} steps",
        Label(checked.span("run.ema"), "too slow for the run"),
        helps=[f"`run.ema_warmup: true`, or `run.ema: {_fast_decay(steps):g}`"],
    )


def _fast_decay(steps: int) -> float:
    """A decay of which at most 1 % of the initial weights remains."""
    decay = float(MAX_INITIAL ** (1 / steps))
    return math.floor(1e4 * decay) / 1e4


def batch_divides(context: RuleContext) -> Findings:
    """DS513: accumulation splits a batch into equal parts."""
    batch, parts = context.recipe.schedule.batch_size, context.recipe.run.accumulate
    if batch % parts == 0:
        return
    near = nearest_divisors(batch, parts, 1)[0]
    sizes = nearest_multiples(batch, parts)
    helps = [f"`schedule.batch_size: {size}`" for size in sizes]
    yield context.spans.finding(
        "DS513",
        f"batch_size {batch} is not divisible by accumulate {parts}",
        one_of([f"`run.accumulate: {near}`", *helps]),
        ("run.accumulate", f"{parts} parts", parts),
        ("schedule.batch_size", f"{batch} images", batch),
    )


def rates_are_in_order(context: RuleContext) -> Findings:
    """DS518: the peak rate is above the rates at the start and at the end."""
    recipe, peak = context.recipe, context.recipe.peak_lr
    for name in ("warmup_lr", "min_lr"):
        rate = getattr(recipe.schedule, name)
        if rate <= peak:
            continue
        words, batch = f"{peak:g}", list[tuple[str, str, None]]()
        if recipe.optimizer.lr_batch is not None:
            words += f" for a batch of {recipe.schedule.batch_size}"
            if context.spans.wrote("schedule.batch_size"):
                batch = [("schedule.batch_size", words, None)]
        yield context.spans.finding(
            "DS518",
            f"schedule.{name} {rate:g} is above the peak learning rate {peak:g}",
            f"`schedule.{name}: 0.0`, or a higher `optimizer.lr`",
            (f"schedule.{name}", f"{rate:g}", rate),
            ("optimizer.lr", words, recipe.optimizer.lr),
            *batch,
        )


def bounds_are_in_order(context: RuleContext) -> Findings:
    """DS516: a crop scale is a minimum and a maximum."""
    scale = context.recipe.augmentation.crop_scale
    if scale is None or scale[0] <= scale[1]:
        return
    high, low = map(value_text, scale)
    yield diagnose(
        "DS516",
        f"the minimum of augmentation.crop_scale, {scale[0]:g}, is above its maximum, "
        f"{scale[1]:g}",
        context.label("augmentation.crop_scale"),
        helps=[f"`augmentation.crop_scale: [{low}, {high}]`"],
    )
