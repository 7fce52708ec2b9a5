"""Rules on the images and the teacher: their sources, and whether they fit."""

import os
import re
from typing import Final

from deit_spec.diagnostics import Label, diagnose
from deit_spec.recipe.rules.rule_context import (
    DIGITS,
    DIGITS_SIDE,
    KINDS,
    SOURCES,
    RuleContext,
    counted,
    in_spec,
)
from deit_spec.spec.field_spans import Findings
from deit_spec.spec.nearest import listed
from deit_spec.yaml_source.scalars import value_text

_RAND_AUGMENT: Final = re.compile(r"rand(-(m|n|p|w|mstd|mmax|inc|t)[0-9.]+)*")


def one_source(context: RuleContext) -> Findings:
    """DS501: the images are from one place."""
    help_ = "`data.builtin: digits`, or write `folder` or `dataset` under `data`"
    yield from _one_of(context, "data", SOURCES, "DS501", "the data have", help_)


def one_teacher(context: RuleContext) -> Findings:
    """DS502: the teacher is one model."""
    if context.recipe.teacher is not None:
        names = listed([f"`{name}`" for name in KINDS])
        help_ = f"write one of {names} under `teacher`"
        yield from _one_of(context, "teacher", KINDS, "DS502", "the teacher has", help_)


def _one_of(  # noqa: PLR0913, PLR0917  -- what two rules differ in
    context: RuleContext,
    section: str,
    names: tuple[str, ...],
    code: str,
    subject: str,
    help_: str,
) -> Findings:
    """Report a section in which not exactly one of some fields is set."""
    holder = getattr(context.recipe, section)
    spans = {
        name: context.spans.value(f"{section}.{name}")
        for name in names
        if getattr(holder, name) is not None
    }
    if len(spans) == 1:
        return
    written = sorted(spans, key=lambda name: spans[name].start)
    labels = [Label(spans[name], "a source") for name in written]
    labels = labels or [Label(context.checked.span(section), "no source")]
    if written:
        help_ = listed([f"leave `{section}.{name}` out" for name in reversed(written)])
    count = f"{len(written)} sources" if written else "no source"
    yield diagnose(
        code, f"{subject} {count}", labels[0], secondary=labels[1:], helps=[help_]
    )


def teacher_is_there(context: RuleContext) -> Findings:
    """DS503: distillation has a teacher."""
    if context.recipe.teacher is not None or not context.learns:
        return
    kind = context.recipe.loss.kind
    wrote = [f for f in ("loss.kind", "teacher") if context.spans.wrote(f)]
    help_ = "write a `teacher`, or `loss.kind: none`"
    yield diagnose(
        "DS503",
        f"loss.kind {kind} needs a teacher",
        Label(context.checked.span(wrote[0] if wrote else "teacher")),
        secondary=[context.label(field, "no teacher") for field in wrote[1:]],
        notes=[] if "loss.kind" in wrote else [f"`loss.kind` is {kind} by default"],
        helps=[help_],
    )


def teacher_is_used(context: RuleContext) -> Findings:
    """DS504: a teacher that is not used is most likely a mistake."""
    if context.recipe.teacher is None or context.learns:
        return
    yield context.spans.finding(
        "DS504",
        "the teacher has no effect with loss.kind none",
        "`loss.kind: hard`, or leave `teacher` out",
        ("loss.kind", "no teacher is used", "none"),
        ("teacher", "a teacher", None),
    )


def teacher_has_weights(context: RuleContext) -> Findings:
    """DS505: a teacher that is a spec has weights."""
    teacher = context.recipe.teacher
    if teacher is None or context.kind != "spec" or teacher.weights is not None:
        return
    yield diagnose(
        "DS505",
        "the teacher is a spec without weights",
        context.label("teacher.spec", "no weights"),
        helps=["write the path of its checkpoint as `teacher.weights`"],
    )


def images_fit(context: RuleContext) -> Findings:
    """DS511: the student accepts the images of the data."""
    student, source = context.student, context.source
    if student is None or source is None:
        return
    wanted = {"image_size": DIGITS_SIDE, "in_channels": 1}
    wanted = wanted if context.is_digits else {"in_channels": 3}
    if not context.is_digits and student.in_channels == 1:
        return  # they are converted to grey
    what = "digits have" if context.is_digits else "the images have"
    for field, there in wanted.items():
        taken = getattr(student, field)
        if taken == there:
            continue
        unit = "pixel" if field == "image_size" else "channel"
        yield diagnose(
            "DS511",
            f"the student expects {field} {taken}, and {what} {there}",
            context.label("student.spec", counted(taken, unit)),
            secondary=[
                *in_spec(context.checked.student, field, "here"),
                context.label(f"data.{source}", counted(there, unit)),
            ],
            helps=[f"use a student whose spec has `{field}: {there}`"],
        )


def teacher_takes_images(context: RuleContext) -> Findings:
    """DS511: the teacher accepts the images of the data."""
    teacher = context.recipe.teacher
    if teacher is None or context.source is None:
        return
    is_convnet = context.kind == "builtin" and teacher.builtin == "digits_convnet"
    if is_convnet and not context.is_digits:
        yield diagnose(
            "DS511",
            "digits_convnet accepts digits only",
            context.label("teacher.builtin", "for digits"),
            secondary=[context.label(f"data.{context.source}", "other data")],
            helps=["`data.builtin: digits`, or another teacher, such as one of timm"],
        )
    spec, student = context.teacher, context.student
    if spec and student and spec.in_channels != student.in_channels:
        yield diagnose(
            "DS511",
            f"the teacher expects {spec.in_channels} channels, "
            f"the student {student.in_channels}",
            context.label(
                "teacher.spec",
                counted(spec.in_channels, "channel"),
            ),
            secondary=[
                context.label(
                    "student.spec",
                    counted(student.in_channels, "channel"),
                )
            ],
            helps=[
                f"use a teacher whose spec has `in_channels: {student.in_channels}`"
            ],
        )


def named_things_are_here(context: RuleContext) -> Findings:
    """DS520: files that a recipe names may be on another machine."""
    recipe = context.recipe
    teacher = recipe.teacher
    named = {
        "student.weights": recipe.student.weights,
        "teacher.weights": teacher.weights if teacher else None,
        "data.folder": recipe.data.folder if context.source == "folder" else None,
    }
    for field, name in named.items():
        if name is None:
            continue
        place = context.checked.place(name)
        if _is_there(str(place)):
            continue
        yield diagnose(
            "DS520",
            f"{field} is not found on this machine",
            context.label(field),
            notes=[f"looked for {place}"],
            helps=["paths are relative to the folder of the recipe"],
        )


def _is_there(path: str) -> bool:
    try:
        return os.path.exists(path)  # noqa: PTH110  -- catches NUL as well
    except ValueError:
        return False


def statistics_fit(context: RuleContext) -> Findings:
    """DS514: a mean and a deviation for each channel."""
    student = context.student
    channels = student.in_channels if student else None
    for section in ("data", "teacher"):
        holder = getattr(context.recipe, section)
        if holder is not None:
            yield from _statistics(context, section, holder.mean, holder.std, channels)


def _statistics(
    context: RuleContext,
    section: str,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
    channels: int | None,
) -> Findings:
    if mean is None and std is None:
        return
    names = (f"{section}.mean", f"{section}.std")
    if mean is None or std is None:
        there, lacks = names if std is None else reversed(names)
        yield diagnose(
            "DS514",
            f"{there} is set without {lacks}",
            context.label(there),
            helps=[f"write `{lacks}` too, or leave `{there}` out"],
        )
        return
    numbers = f"{names[0]} has {counted(len(mean), 'number')}"
    fields = (
        (names[0], counted(len(mean), "channel"), None),
        (names[1], counted(len(std), "channel"), None),
    )
    if len(mean) != len(std):
        message = f"{numbers}, {names[1]} {len(std)}"
        help_ = "write one of each for each channel"
        yield context.spans.finding("DS514", message, help_, *fields)
    elif channels is not None and len(mean) != channels:
        message = f"{numbers}, the images {counted(channels, 'channel')}"
        help_ = f"write {counted(channels, 'number')}, one for each channel"
        yield context.spans.finding("DS514", message, help_, *fields)
    elif min(std) <= 0:
        yield diagnose(
            "DS514",
            f"{names[1]} has a value that is not above 0",
            context.label(names[1], value_text(min(std))),
            helps=["leave both out, or write values above 0"],
        )


def images_suffice(context: RuleContext) -> Findings:
    """DS517: digits has 1,797 images."""
    data = context.recipe.data
    if not context.is_digits or (data.train_images is None and data.val_images is None):
        return
    asked = (data.train_images or 1) + (data.val_images or 1)
    if asked <= DIGITS:
        return
    sizes = (("train_images", data.train_images), ("val_images", data.val_images))
    yield context.spans.finding(
        "DS517",
        f"{asked:,} images are requested, and digits has {DIGITS:,}",
        f"use at most {DIGITS:,} in all",
        *(
            (f"data.{name}", counted(size, "image"), None)
            for name, size in sizes
            if size is not None
        ),
    )


def rand_augment_is_valid(context: RuleContext) -> Findings:
    """DS515: RandAugment is written as timm has it."""
    words = context.recipe.augmentation.rand_augment
    if words is None or _RAND_AUGMENT.fullmatch(words):
        return
    yield diagnose(
        "DS515",
        "augmentation.rand_augment is not a RandAugment policy of timm",
        context.label("augmentation.rand_augment"),
        helps=["for example, `augmentation.rand_augment: rand-m9-mstd0.5-inc1`"],
    )
