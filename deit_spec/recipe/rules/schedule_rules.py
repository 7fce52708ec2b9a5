"""Rules on the length of a run, its batches and its learning rates."""

from deit_spec.diagnostics import diagnose
from deit_spec.recipe.recipe_schema import Recipe
from deit_spec.recipe.rules.rule_context import DIGITS, RuleContext
from deit_spec.spec.field_spans import Findings
from deit_spec.spec.nearest import listed, nearest_divisors, nearest_multiples
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
            f"leave `schedule.{epochs}` out, or leave `schedule.{steps}` out",
            (f"schedule.{epochs}", f"{both[0]:g} epochs", None),
            (f"schedule.{steps}", f"{both[1]} steps", None),
        )


def warmup_ends(context: RuleContext) -> Findings:
    """DS507: the rate reaches its highest before the run ends."""
    schedule = context.recipe.schedule
    if context.spans.wrote("schedule.warmup_steps") and schedule.warmup_steps == 0:
        return
    both = (
        {schedule.epochs, schedule.steps},
        {
            schedule.warmup_epochs,
            schedule.warmup_steps,
        },
    )
    if any(None not in pair for pair in both):  # this is DS506
        return
    run, warmup = _run(context.recipe), _warmup(context.recipe)
    epoch = _steps_of_epoch(context)
    if run[1] != warmup[1] and epoch is None:
        return
    if _steps(run, epoch) > _steps(warmup, epoch):
        return
    field = f"schedule.warmup_{run[1]}"
    value = run[0] // 10 if run[1] == "steps" else run[0] / 10
    both_set = field != f"schedule.warmup_{warmup[1]}" and context.spans.wrote(
        f"schedule.warmup_{warmup[1]}"
    )
    instead = f" in place of `schedule.warmup_{warmup[1]}`" if both_set else ""
    yield context.spans.finding(
        "DS507",
        f"the warm-up ({_shown(warmup, epoch)}) is not shorter than the run "
        f"({_shown(run, epoch)})",
        f"`{field}: {value_text(value)}`{instead}, a tenth of the run",
        (f"schedule.warmup_{warmup[1]}", "the warm-up", warmup[0]),
        (f"schedule.{run[1]}", "the run", run[0]),
    )


def batch_divides(context: RuleContext) -> Findings:
    """DS513: accumulation splits a batch into equal parts."""
    batch, parts = context.recipe.schedule.batch_size, context.recipe.run.accumulate
    if batch % parts == 0:
        return
    near = nearest_divisors(batch, parts, 1)[0]
    sizes = [
        f"`schedule.batch_size: {size}`" for size in nearest_multiples(batch, parts)
    ]
    yield context.spans.finding(
        "DS513",
        f"batch_size {batch} is not divisible by accumulate {parts}",
        listed([f"`run.accumulate: {near}`", *sizes]),
        ("run.accumulate", f"{parts} parts", parts),
        ("schedule.batch_size", f"{batch} images", batch),
    )


def rates_are_in_order(context: RuleContext) -> Findings:
    """DS518: the peak rate is above the rates at the start and at the end."""
    recipe = context.recipe
    peak = recipe.peak_lr
    rates = {
        "schedule.warmup_lr": recipe.schedule.warmup_lr,
        "schedule.min_lr": recipe.schedule.min_lr,
    }
    for field, rate in rates.items():
        if rate <= peak:
            continue
        scaled = recipe.optimizer.lr_batch is not None
        words = f"{peak:g} for a batch of {recipe.schedule.batch_size}"
        causes = [
            ("optimizer.lr", words if scaled else f"{peak:g}", recipe.optimizer.lr)
        ]
        if scaled and context.spans.wrote("schedule.batch_size"):
            causes.append(("schedule.batch_size", words, 0.0))
        yield context.spans.finding(
            "DS518",
            f"{field} {rate:g} is above the peak learning rate {peak:g}",
            f"`{field}: 0.0`, or a higher `optimizer.lr`",
            (field, f"{rate:g}", rate),
            *causes,
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


def _run(recipe: Recipe) -> tuple[float, str]:
    if recipe.schedule.steps is not None:
        return recipe.schedule.steps, "steps"
    return recipe.schedule.epochs or EPOCHS, "epochs"


def _warmup(recipe: Recipe) -> tuple[float, str]:
    schedule = recipe.schedule
    if schedule.warmup_steps is not None:
        return schedule.warmup_steps, "steps"
    epochs = schedule.warmup_epochs
    return (WARMUP_EPOCHS if epochs is None else epochs), "epochs"


def _steps_of_epoch(context: RuleContext) -> int | None:
    """The steps of an epoch where the number of images is known: of digits."""
    data = context.recipe.data
    if not context.is_digits:
        return None
    held_out = data.val_images or DIGITS // 10
    images = data.train_images or DIGITS - held_out
    return max(images // context.recipe.schedule.batch_size, 1)


def _steps(length: tuple[float, str], epoch: int | None) -> float:
    return length[0] if length[1] == "steps" or epoch is None else length[0] * epoch


def _shown(length: tuple[float, str], epoch: int | None) -> str:
    text = f"{length[0]:g} {length[1]}"
    if length[1] == "epochs" and epoch is not None:
        text += f" of {epoch} steps"
    return text
