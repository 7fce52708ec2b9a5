"""Where the images are from, and who teaches."""

import os
import re
from typing import Final

from deit_spec.diagnostics import Label, diagnose
from deit_spec.recipe.rules.rule_context import (
    DIGITS,
    DIGITS_SIDE,
    KINDS,
    SOURCES,
    Given,
    counted,
    in_spec,
)
from deit_spec.spec.field_spans import Findings, finding
from deit_spec.spec.nearest import listed
from deit_spec.yaml_source.scalars import value_text


def one_source(given: Given) -> Findings:
    """DS501: the images are from one place."""
    written = _written(given, "data", SOURCES)
    if len(written) == 1:
        return
    label = Label(given.checked.span("data"), "no source")
    message, helps = "the data have no source", _quoted("data.builtin: digits")
    secondary = []
    if written:
        message = f"the data have {len(written)} sources"
        label, *secondary = _labels(given, "data", written)
        helps = listed([f"leave `data.{name}` out" for name in reversed(written)])
    else:
        helps = f"{helps}, or write `folder` or `dataset` under `data`"
    yield diagnose("DS501", message, label, secondary=secondary, helps=[helps])


def one_teacher(given: Given) -> Findings:
    """DS502: a teacher is of one kind."""
    teacher = given.recipe.teacher
    if teacher is None:
        return
    written = _written(given, "teacher", KINDS)
    if len(written) == 1:
        return
    label = Label(given.checked.span("teacher"), "no teacher")
    message = "the teacher is of no kind"
    helps = f"write one of {listed([f'`{name}`' for name in KINDS])} under `teacher`"
    secondary = []
    if written:
        message = f"the teacher is of {len(written)} kinds"
        label, *secondary = _labels(given, "teacher", written)
        helps = listed([f"leave `teacher.{name}` out" for name in reversed(written)])
    yield diagnose("DS502", message, label, secondary=secondary, helps=[helps])


def teacher_is_there(given: Given) -> Findings:
    """DS503: who learns from a teacher has one."""
    if given.recipe.teacher is not None or not given.learns:
        return
    kind = given.recipe.loss.kind
    places = given.places
    wrote = [name for name in ("loss.kind", "teacher") if places.wrote(name)]
    help_ = "write a `teacher`, or `loss.kind: none`"
    yield diagnose(
        "DS503",
        f"loss.kind is {kind} and there is no teacher",
        Label(given.checked.span(wrote[0] if wrote else "teacher")),
        secondary=[Label(places.value(name), "no teacher") for name in wrote[1:]],
        notes=[] if "loss.kind" in wrote else [f"`loss.kind` is {kind} by default"],
        helps=[help_],
    )


def teacher_is_heard(given: Given) -> Findings:
    """DS504: a teacher that nothing is learned from is most likely a mistake."""
    if given.recipe.teacher is None or given.learns:
        return
    about = given.places.about(
        ("loss.kind", "nothing is learned from it", "none"),
        ("teacher", "a teacher", None),
    )
    yield finding(
        "DS504",
        "the teacher has no effect with loss.kind none",
        about,
        "`loss.kind: hard`, or leave `teacher` out",
    )


def teacher_has_weights(given: Given) -> Findings:
    """DS505: a spec alone has nothing to teach."""
    teacher = given.recipe.teacher
    if teacher is None or given.kind != "spec" or teacher.weights is not None:
        return
    yield diagnose(
        "DS505",
        "the teacher is a spec without weights",
        Label(given.places.value("teacher.spec"), "no weights"),
        helps=["write the path of its checkpoint as `teacher.weights`"],
    )


def images_fit(given: Given) -> Findings:
    """DS511: student and teacher take the images that there are."""
    student, source = given.student, given.source
    if student is None or source is None:
        return
    wanted = {"image_size": DIGITS_SIDE, "in_channels": 1}
    wanted = wanted if given.is_digits else {"in_channels": 3}
    if not given.is_digits and student.in_channels == 1:
        return  # they are read as grey
    what = "digits have" if given.is_digits else "the images have"
    for field, there in wanted.items():
        taken = getattr(student, field)
        if taken == there:
            continue
        unit = "pixel" if field == "image_size" else "channel"
        yield diagnose(
            "DS511",
            f"the student takes {field} {taken}, and {what} {there}",
            Label(given.places.value("student.spec"), counted(taken, unit)),
            secondary=[
                *in_spec(given.checked.student, field, "here"),
                Label(given.places.value(f"data.{source}"), counted(there, unit)),
            ],
            helps=[f"a student whose spec says `{field}: {there}`"],
        )


def teacher_takes_images(given: Given) -> Findings:
    """DS511: the teacher takes them too."""
    teacher = given.recipe.teacher
    if teacher is None or given.source is None:
        return
    is_convnet = given.kind == "builtin" and teacher.builtin == "digits_convnet"
    if is_convnet and not given.is_digits:
        yield diagnose(
            "DS511",
            "digits_convnet takes no images but digits",
            Label(given.places.value("teacher.builtin"), "for digits"),
            secondary=[Label(given.places.value(f"data.{given.source}"), "other data")],
            helps=["`data.builtin: digits`, or another teacher, such as one of timm"],
        )
    spec, student = given.teacher, given.student
    if spec and student and spec.in_channels != student.in_channels:
        yield diagnose(
            "DS511",
            f"the teacher takes {spec.in_channels} channels, "
            f"the student {student.in_channels}",
            Label(
                given.places.value("teacher.spec"), counted(spec.in_channels, "channel")
            ),
            secondary=[
                Label(
                    given.places.value("student.spec"),
                    counted(student.in_channels, "channel"),
                )
            ],
            helps=[f"a teacher whose spec says `in_channels: {student.in_channels}`"],
        )


def named_things_are_here(given: Given) -> Findings:
    """DS520: what a recipe names may be on another machine."""
    recipe = given.recipe
    teacher = recipe.teacher
    named = {
        "student.weights": recipe.student.weights,
        "teacher.weights": teacher.weights if teacher else None,
        "data.folder": recipe.data.folder if given.source == "folder" else None,
    }
    for field, name in named.items():
        if name is None:
            continue
        place = given.checked.place(name)
        if _is_there(str(place)):
            continue
        yield diagnose(
            "DS520",
            f"{field} is not on this machine",
            Label(given.places.value(field)),
            notes=[f"looked for {place}"],
            helps=["a path is taken from the folder of the recipe"],
        )


def _written(given: Given, section: str, names: tuple[str, ...]) -> list[str]:
    """Those of some fields that are written, in the order in which they are."""
    holder = getattr(given.recipe, section)
    written = [name for name in names if getattr(holder, name) is not None]

    def place(name: str) -> tuple[int, int]:
        span = given.places.value(f"{section}.{name}")
        return span.line, span.column

    return sorted(written, key=place)


def _is_there(path: str) -> bool:
    try:
        return os.path.exists(path)  # noqa: PTH110  -- catches NUL as well
    except ValueError:
        return False


def _labels(given: Given, section: str, names: list[str]) -> list[Label]:
    words = ["a source" if section == "data" else "a teacher"]
    words += ["another"] * (len(names) - 1)
    return [
        Label(given.places.value(f"{section}.{name}"), each)
        for name, each in zip(names, words, strict=True)
    ]


def _quoted(pair: str) -> str:
    return f"`{pair}`"


_RAND_AUGMENT: Final = re.compile(r"rand(-(m|n|p|w|mstd|mmax|inc|t)[0-9.]+)*")


def statistics_fit(given: Given) -> Findings:
    """DS514: a mean and a deviation for each channel."""
    student = given.student
    channels = student.in_channels if student else None
    for section in ("data", "teacher"):
        holder = getattr(given.recipe, section)
        if holder is not None:
            yield from _statistics(given, section, holder.mean, holder.std, channels)


def _statistics(
    given: Given,
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
            f"{there} is set and {lacks} is not",
            Label(given.places.value(there)),
            helps=[f"write `{lacks}` too, or leave `{there}` out"],
        )
        return
    about = given.places.about(
        (names[0], counted(len(mean), "channel"), None),
        (names[1], counted(len(std), "channel"), None),
    )
    if len(mean) != len(std):
        message = (
            f"{names[0]} has {counted(len(mean), 'number')}, {names[1]} {len(std)}"
        )
        yield finding("DS514", message, about, "write one of each for each channel")
    elif channels is not None and len(mean) != channels:
        there = f"the images {counted(channels, 'channel')}"
        message = f"{names[0]} has {counted(len(mean), 'number')}, {there}"
        help_ = f"write {counted(channels, 'number')}, one for each channel"
        yield finding("DS514", message, about, help_)
    elif min(std) <= 0:
        yield diagnose(
            "DS514",
            f"a deviation of {names[1]} is not above 0",
            Label(given.places.value(names[1]), value_text(min(std))),
            helps=["leave both out, or write deviations above 0"],
        )


def images_suffice(given: Given) -> Findings:
    """DS517: digits are 1,797."""
    data = given.recipe.data
    if not given.is_digits or (data.train_images is None and data.val_images is None):
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
    about = given.places.about(*fields)
    asked = train + val
    largest = "train_images" if train >= val else "val_images"
    rest = DIGITS - min(train, val)
    help_ = f"`data.{largest}: {rest}` or less"
    if rest < 1:
        help_ = f"fewer than {DIGITS:,} of either"
    yield finding(
        "DS517",
        f"{asked:,} images are asked for, and digits are {DIGITS:,}",
        about,
        help_,
    )


def words_are_timms(given: Given) -> Findings:
    """DS515: the words of RandAugment."""
    words = given.recipe.augmentation.rand_augment
    if words is None or _RAND_AUGMENT.fullmatch(words):
        return
    yield diagnose(
        "DS515",
        "augmentation.rand_augment is not in timm's words for RandAugment",
        Label(given.places.value("augmentation.rand_augment")),
        helps=["`augmentation.rand_augment: rand-m9-mstd0.5-inc1`, for example"],
    )
