"""Rules on the images and the teacher: their sources, and whether they fit."""

import os
import re
from typing import Final

from deit_spec.diagnostics import Label, diagnose
from deit_spec.diagnostics.printable import counted
from deit_spec.recipe import timm_names
from deit_spec.recipe.checked_recipe import is_model
from deit_spec.recipe.data_classes import digits_count
from deit_spec.recipe.recipe_names import RECIPE
from deit_spec.recipe.rules.rule_context import (
    DIGITS_SIDE,
    KINDS,
    SOURCES,
    RuleContext,
    in_spec,
)
from deit_spec.spec.nearest import one_of
from deit_spec.spec.rules import Findings
from deit_spec.yaml_source.scalars import value_text

_RAND_AUGMENT: Final = re.compile(r"rand(-(m|n|p|w|mstd|mmax|inc|t)[0-9.]+)*")


def one_source(context: RuleContext) -> Findings:
    """DS501: the images are from one place."""
    yield from _one_of(context, "data", SOURCES, "DS501")


def one_teacher(context: RuleContext) -> Findings:
    """DS502: the teacher is one model."""
    if context.recipe.teacher is not None:
        yield from _one_of(context, "teacher", KINDS, "DS502")


def _one_of(
    context: RuleContext, section: str, names: tuple[str, ...], code: str
) -> Findings:
    """Report a section in which not exactly one of some fields is set."""
    holder = getattr(context.recipe, section)
    written = [name for name in names if getattr(holder, name) is not None]
    if len(written) == 1:
        return
    labels = [context.label(f"{section}.{name}", "a source") for name in written]
    labels = labels or [Label(context.checked.span(section), "no source")]
    labels.sort(key=lambda label: label.span.start)
    choices = one_of([f"`{name}`" for name in written or names])
    yield diagnose(
        code,
        f"`{section}` has {counted(len(written), 'source')}, not 1",
        labels[0],
        secondary=labels[1:],
        helps=[f"write one of {choices} under `{section}`"],
    )


def teacher_is_there(context: RuleContext) -> Findings:
    """DS503: distillation has a teacher."""
    if context.recipe.teacher is not None or not context.learns:
        return
    kind = context.recipe.loss.kind
    yield context.spans.finding(
        "DS503",
        f"loss.kind {kind} needs a teacher",
        "write a `teacher`, or `loss.kind: none`",
        ("loss.kind", "learns from a teacher", kind),
        ("teacher", "no teacher", None),
    )


def timm_has_teacher(context: RuleContext) -> Findings:
    """DS548: the installed timm has the model of the teacher."""
    teacher = context.recipe.teacher
    name = teacher.timm if teacher and context.kind == "timm" else None
    if name is None or not timm_names.is_unknown(name):
        return
    similar = [f"`timm: {each}`" for each in timm_names.similar_names(name)]
    choice = one_of(similar) if similar else "`timm.list_models()` lists the names"
    yield diagnose(
        "DS548",
        f"the installed timm has no model {value_text(name)}",
        context.label("teacher.timm"),
        helps=[choice],
    )


def teacher_has_weights(context: RuleContext) -> Findings:
    """DS505: a teacher that is a spec has weights."""
    teacher = context.recipe.teacher
    if teacher is None or context.kind != "spec" or teacher.weights is not None:
        return
    if is_model(context.checked, teacher.spec or ""):
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
    teacher, source = context.recipe.teacher, context.source
    if teacher is None or source is None:
        return
    if teacher.builtin == "digits_convnet" and not context.is_digits:
        yield diagnose(
            "DS511",
            "digits_convnet accepts digits only",
            context.label("teacher.builtin", "for digits"),
            secondary=[context.label(f"data.{source}", "other data")],
            helps=["`data.builtin: digits`, or another teacher, such as one of timm"],
        )
    spec, student = context.teacher, context.student
    if spec and student and spec.in_channels != student.in_channels:
        yield diagnose(
            "DS511",
            f"the teacher expects {spec.in_channels} channels, "
            f"the student {student.in_channels}",
            context.label("teacher.spec", counted(spec.in_channels, "channel")),
            secondary=[context.label("student.spec")],
            helps=[f"use a teacher with `in_channels: {student.in_channels}`"],
        )


def named_things_are_here(context: RuleContext) -> Findings:
    """DS520: files that a recipe names may be on another machine."""
    recipe = context.recipe
    teacher, classes = recipe.teacher, recipe.data.classes
    named = {
        "student.weights": recipe.student.weights,
        "teacher.weights": teacher.weights if teacher else None,
        "data.folder": recipe.data.folder if context.source == "folder" else None,
        "data.classes": classes if isinstance(classes, str) else None,
    }
    for field, name in named.items():
        if name is None:
            continue
        place = context.checked.place(name)
        if os.path.exists(place):  # noqa: PTH110  -- accepts any name
            continue
        yield diagnose(
            "DS520",
            f"{field} was not found on this machine",
            context.label(field),
            notes=[f"looked for {place}"],
            helps=["paths are relative to the folder of the recipe"],
        )


def statistics_fit(context: RuleContext) -> Findings:
    """DS514: a mean and a deviation for each channel."""
    student = context.student
    for section in ("data", "teacher"):
        holder = getattr(context.recipe, section)
        if holder is None or holder.mean is holder.std is None:
            continue
        lengths = [len(each or ()) for each in (holder.mean, holder.std)]
        wanted = student.in_channels if student else max(lengths)
        names = (f"{section}.mean", f"{section}.std")
        first = next(name for name in names if context.spans.wrote(name))
        if lengths != [wanted, wanted]:
            found = " and ".join(map(str, lengths))
            yield context.spans.finding(
                "DS514",
                f"`mean` and `std` need {counted(wanted, 'number')} each, one for each "
                f"channel, found {found}",
                f"write both with {counted(wanted, 'number')}, or leave both out",
                (first, "numbers", None),
            )
        elif min(holder.std) <= 0:
            yield diagnose(
                "DS514",
                f"{names[1]} has a value of 0 or less",
                context.label(names[1], value_text(min(holder.std))),
                helps=["leave both out, or write values greater than 0"],
            )


def images_suffice(context: RuleContext) -> Findings:
    """DS517: digits has 1,797 images, fewer of some classes."""
    data = context.recipe.data
    sizes = {"val_images": data.val_images, "train_images": data.train_images}
    asked = {name: size for name, size in sizes.items() if size is not None}
    total = sum(asked.values())
    digits = digits_count(data)
    if not (context.is_digits and digits) or total + 2 - len(asked) <= digits:
        return
    of = " of these classes" if data.only_classes else ""
    yield context.spans.finding(
        "DS517",
        f"{total:,} images are requested, and digits has {digits:,}{of}",
        f"use fewer than {digits:,} in all",
        *((f"data.{n}", counted(size, "image"), None) for n, size in asked.items()),
    )


def policy_has_settings(context: RuleContext) -> Findings:
    """DS564: RandAugment has its settings."""
    augmentation = context.recipe.augmentation
    if augmentation.policy != "rand_augment" or augmentation.rand_augment is not None:
        return
    default = value_text(RECIPE.default_of(("augmentation", "rand_augment")))
    yield context.spans.finding(
        "DS564",
        "augmentation.policy is rand_augment, and augmentation.rand_augment is null",
        f"`rand_augment: {default}`, or `policy: none`",
        ("augmentation.policy", "needs settings", None),
        ("augmentation.rand_augment", "no settings", None),
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
        helps=[
            "for example, `rand_augment: rand-m9-mstd0.5-inc1`, or `rand_augment: null`"
        ],
    )
