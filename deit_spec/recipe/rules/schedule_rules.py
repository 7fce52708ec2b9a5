"""Rules on the length of a run, its batches and its learning rates."""

from deit_spec.diagnostics import diagnose
from deit_spec.recipe.rules.rule_context import DIGITS, RuleContext
from deit_spec.spec.nearest import listed, nearest_divisors, nearest_multiples
from deit_spec.spec.rules import Findings
from deit_spec.yaml_source.scalars import value_text

EPOCHS, WARMUP_EPOCHS = 300, 5
"""The default lengths of a run and its warm-up (the paper, table 9)."""


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
            (f"schedule.{epochs}", f"{both[0]:g} epochs", None),
            (f"schedule.{steps}", f"{both[1]} steps", None),
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
    of = f" of {epoch} steps" if unit != run_unit else ""
    shown = f"{warmup:g} {unit}{of if unit == 'epochs' else ''}"
    shown_run = f"{run:g} {run_unit}{of if run_unit == 'epochs' else ''}"
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
    """The steps of an epoch where the number of images is known: of digits."""
    data = context.recipe.data
    if not context.is_digits:
        return None
    images = data.train_images or DIGITS - (data.val_images or DIGITS // 10)
    return max(images // context.recipe.schedule.batch_size, 1)


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
        listed([f"`run.accumulate: {near}`", *helps]),
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
        words = f"{peak:g} for a batch of {recipe.schedule.batch_size}"
        batch = [("schedule.batch_size", words, None)]
        yield context.spans.finding(
            "DS518",
            f"schedule.{name} {rate:g} is above the peak learning rate {peak:g}",
            f"`schedule.{name}: 0.0`, or a higher `optimizer.lr`",
            (f"schedule.{name}", f"{rate:g}", rate),
            ("optimizer.lr", words, recipe.optimizer.lr),
            *(batch if context.spans.wrote("schedule.batch_size") else ()),
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
