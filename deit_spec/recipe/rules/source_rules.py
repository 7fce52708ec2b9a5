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


def one_source(context: RuleContext) -> Findings:
    """DS501: the images are from one place."""
    written = _written(context, "data", SOURCES)
    if len(written) == 1:
        return
    label = Label(context.checked.span("data"), "no source")
    message, helps = "the data have no source", _quoted("data.builtin: digits")
    secondary = []
    if written:
        message = f"the data have {len(written)} sources"
        label, *secondary = _labels(context, "data", written)
        helps = listed([f"leave `data.{name}` out" for name in reversed(written)])
    else:
        helps = f"{helps}, or write `folder` or `dataset` under `data`"
    yield diagnose("DS501", message, label, secondary=secondary, helps=[helps])


def one_teacher(context: RuleContext) -> Findings:
    """DS502: the teacher is one model."""
    teacher = context.recipe.teacher
    if teacher is None:
        return
    written = _written(context, "teacher", KINDS)
    if len(written) == 1:
        return
    label = Label(context.checked.span("teacher"), "no source")
    message = "the teacher has no source"
    helps = f"write one of {listed([f'`{name}`' for name in KINDS])} under `teacher`"
    secondary = []
    if written:
        message = f"the teacher has {len(written)} sources"
        label, *secondary = _labels(context, "teacher", written)
        helps = listed([f"leave `teacher.{name}` out" for name in reversed(written)])
    yield diagnose("DS502", message, label, secondary=secondary, helps=[helps])


def teacher_is_there(context: RuleContext) -> Findings:
    """DS503: distillation has a teacher."""
    if context.recipe.teacher is not None or not context.learns:
        return
    kind = context.recipe.loss.kind
    places = context.spans
    wrote = [name for name in ("loss.kind", "teacher") if places.wrote(name)]
    help_ = "write a `teacher`, or `loss.kind: none`"
    yield diagnose(
        "DS503",
        f"loss.kind {kind} needs a teacher",
        Label(context.checked.span(wrote[0] if wrote else "teacher")),
        secondary=[Label(places.value(name), "no teacher") for name in wrote[1:]],
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
        Label(context.spans.value("teacher.spec"), "no weights"),
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
            Label(context.spans.value("student.spec"), counted(taken, unit)),
            secondary=[
                *in_spec(context.checked.student, field, "here"),
                Label(context.spans.value(f"data.{source}"), counted(there, unit)),
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
            Label(context.spans.value("teacher.builtin"), "for digits"),
            secondary=[
                Label(context.spans.value(f"data.{context.source}"), "other data")
            ],
            helps=["`data.builtin: digits`, or another teacher, such as one of timm"],
        )
    spec, student = context.teacher, context.student
    if spec and student and spec.in_channels != student.in_channels:
        yield diagnose(
            "DS511",
            f"the teacher expects {spec.in_channels} channels, "
            f"the student {student.in_channels}",
            Label(
                context.spans.value("teacher.spec"),
                counted(spec.in_channels, "channel"),
            ),
            secondary=[
                Label(
                    context.spans.value("student.spec"),
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
            Label(context.spans.value(field)),
            notes=[f"looked for {place}"],
            helps=["paths are relative to the folder of the recipe"],
        )


def _written(context: RuleContext, section: str, names: tuple[str, ...]) -> list[str]:
    """Those of some fields that are written, in the order of the text."""
    holder = getattr(context.recipe, section)
    written = [name for name in names if getattr(holder, name) is not None]

    def place(name: str) -> tuple[int, int]:
        span = context.spans.value(f"{section}.{name}")
        return span.line, span.column

    return sorted(written, key=place)


def _is_there(path: str) -> bool:
    try:
        return os.path.exists(path)  # noqa: PTH110  -- catches NUL as well
    except ValueError:
        return False


def _labels(context: RuleContext, section: str, names: list[str]) -> list[Label]:
    words = ["a source" if section == "data" else "a teacher"]
    words += ["another"] * (len(names) - 1)
    return [
        Label(context.spans.value(f"{section}.{name}"), each)
        for name, each in zip(names, words, strict=True)
    ]


def _quoted(pair: str) -> str:
    return f"`{pair}`"


_RAND_AUGMENT: Final = re.compile(r"rand(-(m|n|p|w|mstd|mmax|inc|t)[0-9.]+)*")


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
            Label(context.spans.value(there)),
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
            Label(context.spans.value(names[1]), value_text(min(std))),
            helps=["leave both out, or write values above 0"],
        )


def images_suffice(context: RuleContext) -> Findings:
    """DS517: digits has 1,797 images."""
    data = context.recipe.data
    if not context.is_digits or (data.train_images is None and data.val_images is None):
        return
    train, val = data.train_images or 1, data.val_images or 1
    if train + val <= DIGITS:
        return
    fields = [
        (f"data.{name}", counted(value, "image"), None)
        for name, value in (
            ("train_images", data.train_images),
            ("val_images", data.val_images),
        )
        if value is not None
    ]
    asked = train + val
    largest = "train_images" if train >= val else "val_images"
    rest = DIGITS - min(train, val)
    help_ = f"`data.{largest}: {rest}` or less"
    if rest < 1:
        help_ = f"fewer than {DIGITS:,} of either"
    yield context.spans.finding(
        "DS517",
        f"{asked:,} images are requested, and digits has {DIGITS:,}",
        help_,
        *fields,
    )


def rand_augment_is_valid(context: RuleContext) -> Findings:
    """DS515: RandAugment is written as timm has it."""
    words = context.recipe.augmentation.rand_augment
    if words is None or _RAND_AUGMENT.fullmatch(words):
        return
    yield diagnose(
        "DS515",
        "augmentation.rand_augment is not a RandAugment policy of timm",
        Label(context.spans.value("augmentation.rand_augment")),
        helps=["for example, `augmentation.rand_augment: rand-m9-mstd0.5-inc1`"],
    )
