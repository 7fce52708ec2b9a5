"""The rules between the fields of a recipe, and with the specs that it names.

A rule runs when all the fields that it reads are valid by themselves, so one
mistake never causes a second message.
"""

from typing import Final

from deit_spec.diagnostics import Diagnostic
from deit_spec.recipe.given import KINDS, SOURCES, Given, Rule
from deit_spec.recipe.rules import classes, effects, images, length, sources

_SOURCES: Final = tuple(f"data.{name}" for name in SOURCES)
_KINDS: Final = ("teacher", *(f"teacher.{name}" for name in KINDS))
_LEARNS: Final = ("loss.kind", *_KINDS)
_AUGMENTATION: Final = tuple(
    f"augmentation.{name}"
    for name in ("rand_augment", "flip", "color_jitter", "shift", "rotate")
)
_MIXING: Final = tuple(
    f"augmentation.{name}" for name in ("mixup", "cutmix", "mix_switch")
)
_STATISTICS: Final = ("data.mean", "data.std", "teacher.mean", "teacher.std")
_LENGTH: Final = ("schedule.epochs", "schedule.steps")
_WARMUP: Final = ("schedule.warmup_epochs", "schedule.warmup_steps")
_SIZES: Final = ("data.train_images", "data.val_images")
_BATCH: Final = "schedule.batch_size"

RULES: Final = (
    Rule("DS501", sources.one_source, ("data", *_SOURCES)),
    Rule("DS502", sources.one_teacher, _KINDS),
    Rule("DS503", sources.teacher_is_there, ("teacher", "loss.kind")),
    Rule("DS504", sources.teacher_is_heard, ("teacher", "loss.kind")),
    Rule("DS505", sources.teacher_has_weights, (*_KINDS, "teacher.weights")),
    Rule("DS506", length.length_is_said_once, (*_LENGTH, *_WARMUP)),
    Rule(
        "DS507",
        length.warmup_ends,
        (*_LENGTH, *_WARMUP, *_SOURCES, *_SIZES, _BATCH),
    ),
    Rule("DS508", classes.student_has_classes, ("student.spec",)),
    Rule("DS509", classes.head_fits_data, ("student.spec", *_SOURCES)),
    Rule(
        "DS510",
        classes.head_fits_teacher,
        ("student.spec", *_LEARNS, "teacher.weights", "teacher.num_classes", *_SOURCES),
    ),
    Rule("DS510", classes.teacher_says_its_classes, (*_KINDS, "teacher.num_classes")),
    Rule("DS511", sources.images_fit, ("student.spec", *_SOURCES)),
    Rule("DS511", sources.teacher_takes_images, (*_KINDS, "student.spec", *_SOURCES)),
    Rule(
        "DS512",
        effects.settings_have_effect,
        (
            *_LEARNS,
            "teacher.weights",
            *_SOURCES,
            "data.train_images",
            *_AUGMENTATION,
            *_MIXING,
        ),
    ),
    Rule("DS513", length.batch_divides, (_BATCH, "run.accumulate")),
    Rule("DS514", images.statistics_fit, ("student.spec", "teacher", *_STATISTICS)),
    Rule("DS515", images.words_are_timms, ("augmentation.rand_augment",)),
    Rule("DS516", length.bounds_are_in_order, ("augmentation.crop_scale",)),
    Rule("DS517", images.images_suffice, (*_SOURCES, *_SIZES)),
    Rule(
        "DS518",
        length.rates_are_in_order,
        (
            "optimizer.lr",
            "optimizer.lr_batch",
            _BATCH,
            "schedule.warmup_lr",
            "schedule.min_lr",
        ),
    ),
    Rule(
        "DS519", effects.drop_path_is_kept, ("student.spec", "augmentation.drop_path")
    ),
    Rule(
        "DS529",
        classes.every_head_that_answers_learns,
        ("student.spec", "student.weights", "loss.kind", "loss.alpha"),
    ),
    Rule(
        "DS520",
        sources.named_things_are_here,
        ("student.weights", "teacher.weights", "data.folder"),
    ),
)


def find_all(given: Given, invalid: set[str]) -> list[Diagnostic]:
    """Run every rule whose fields are all valid."""
    return [
        finding
        for rule in RULES
        if invalid.isdisjoint(rule.reads)
        for finding in rule.check(given)
    ]
