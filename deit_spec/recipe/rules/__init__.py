"""The rules between the fields of a recipe, and with the specs that it names."""

from typing import Final

from deit_spec.recipe.rules import (
    class_rules,
    effect_rules,
    schedule_rules,
    source_rules,
)
from deit_spec.recipe.rules.rule_context import KINDS, SOURCES
from deit_spec.spec.rules import Rule

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
_SPLITS: Final = ("data.train", "data.val", "data.columns")
_LENGTH: Final = ("schedule.epochs", "schedule.steps")
_WARMUP: Final = ("schedule.warmup_epochs", "schedule.warmup_steps")
_SIZES: Final = ("data.train_images", "data.val_images")
_BATCH: Final = "schedule.batch_size"

RULES: Final = (
    Rule("DS501", source_rules.one_source, ("data", *_SOURCES)),
    Rule("DS502", source_rules.one_teacher, _KINDS),
    Rule("DS503", source_rules.teacher_is_there, ("teacher", "loss.kind")),
    Rule("DS504", effect_rules.teacher_is_used, ("teacher", "loss.kind")),
    Rule("DS505", source_rules.teacher_has_weights, (*_KINDS, "teacher.weights")),
    Rule("DS506", schedule_rules.length_is_said_once, (*_LENGTH, *_WARMUP)),
    Rule(
        "DS507",
        schedule_rules.warmup_ends,
        (*_LENGTH, *_WARMUP, *_SOURCES, *_SIZES, _BATCH),
    ),
    Rule("DS508", class_rules.student_has_classes, ("student.spec",)),
    Rule(
        "DS509",
        class_rules.head_fits_data,
        ("student.spec", *_SOURCES, "data.classes"),
    ),
    Rule(
        "DS510",
        class_rules.head_fits_teacher,
        ("student.spec", *_LEARNS, "teacher.weights", "teacher.num_classes", *_SOURCES),
    ),
    Rule("DS511", source_rules.images_fit, ("student.spec", *_SOURCES)),
    Rule(
        "DS511", source_rules.teacher_takes_images, (*_KINDS, "student.spec", *_SOURCES)
    ),
    Rule(
        "DS512",
        effect_rules.settings_have_effect,
        (
            *_LEARNS,
            "teacher.weights",
            "teacher.num_classes",
            *_SOURCES,
            "data.classes",
            *_SPLITS,
            *_AUGMENTATION,
            *_MIXING,
            "schedule.steps",
            "run.evaluate_every",
        ),
    ),
    Rule("DS548", source_rules.timm_has_teacher, _KINDS),
    Rule("DS513", schedule_rules.batch_divides, (_BATCH, "run.accumulate")),
    Rule(
        "DS514", source_rules.statistics_fit, ("student.spec", "teacher", *_STATISTICS)
    ),
    Rule("DS515", source_rules.rand_augment_is_valid, ("augmentation.rand_augment",)),
    Rule("DS546", schedule_rules.batch_fits_data, (*_SOURCES, *_SIZES, _BATCH)),
    Rule(
        "DS547",
        schedule_rules.average_forgets,
        (*_LENGTH, *_SOURCES, *_SIZES, _BATCH, "run.ema", "run.ema_warmup"),
    ),
    Rule("DS516", schedule_rules.bounds_are_in_order, ("augmentation.crop_scale",)),
    Rule("DS517", source_rules.images_suffice, (*_SOURCES, *_SIZES)),
    Rule(
        "DS518",
        schedule_rules.rates_are_in_order,
        (
            "optimizer.lr",
            "optimizer.lr_batch",
            _BATCH,
            "schedule.warmup_lr",
            "schedule.min_lr",
        ),
    ),
    Rule(
        "DS519",
        effect_rules.drop_path_is_kept,
        ("student.spec", "augmentation.drop_path"),
    ),
    Rule(
        "DS538",
        class_rules.class_list_fits_data,
        (*_SOURCES, "data.classes"),
    ),
    Rule(
        "DS540",
        class_rules.timm_order_is_folder_order,
        (
            *_LEARNS,
            *_SOURCES,
            "data.classes",
            "teacher.weights",
            "teacher.num_classes",
        ),
    ),
    Rule(
        "DS529",
        class_rules.every_used_head_is_trained,
        ("student.spec", "student.weights", "loss.kind", "loss.alpha"),
    ),
    Rule(
        "DS520",
        source_rules.named_things_are_here,
        ("student.weights", "teacher.weights", "data.folder", "data.classes"),
    ),
)
