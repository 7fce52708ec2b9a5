"""The rules between the fields of a recipe, and with the specs that it names."""

from typing import Final

from deit_spec.recipe.rules import (
    balance_rules,
    class_rules,
    effect_rules,
    freeze_rules,
    schedule_rules,
    source_rules,
)
from deit_spec.recipe.rules.rule_context import KINDS, SOURCES
from deit_spec.spec.rules import Rule


def _of(section: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{section}.{name}" for name in names)


_STUDENT: Final = "student.spec"
_KINDS: Final = ("teacher", *_of("teacher", *KINDS))
_LEARNS: Final = ("loss.kind", *_KINDS)
_TEACHER: Final = _of("teacher", "weights", "num_classes")
_SOURCES: Final = _of("data", *SOURCES)
_CLASSES: Final = (*_SOURCES, "data.classes", "data.only_classes")
_SIZES: Final = (*_SOURCES, *_of("data", "only_classes", "train_images", "val_images"))
_LENGTH: Final = _of("schedule", "epochs", "steps")
_WARMUP: Final = _of("schedule", "warmup_epochs", "warmup_steps")
_BATCH: Final = "schedule.batch_size"
_EPOCH: Final = (*_SIZES, _BATCH)
_STATISTICS: Final = ("data.mean", "data.std", "teacher.mean", "teacher.std")
_RATES: Final = ("optimizer.lr", "optimizer.lr_batch", _BATCH)
_DROP_PATH: Final = "augmentation.drop_path"
_WITHOUT_EFFECT: Final = (
    *_LEARNS,
    *_TEACHER,
    *_of("student", "weights", "allow"),
    *_CLASSES,
    *_of("data", "train", "val", "columns"),
    "loss.labels",
    "loss.bce_target_threshold",
    *_of("augmentation", "policy", "crop", "crop_scale"),
    *_of("augmentation", "rand_augment", "flip", "color_jitter", "shift", "rotate"),
    *_of("augmentation", "mixup", "cutmix", "mix_switch"),
    *_of("optimizer", "name", "betas", "eps", "momentum"),
    *("student.train", "optimizer.layer_decay", "run.gradient_checkpointing"),
    "schedule.steps",
    "run.evaluate_every",
)
_FILES: Final = ("student.weights", "teacher.weights", "data.folder", "data.classes")
_HEADS: Final = (_STUDENT, "student.weights", "loss.kind", "loss.alpha")
_TRAINED: Final = (_STUDENT, "student.freeze", "student.train", "loss.kind")

RULES: Final = (
    Rule("DS501", source_rules.one_source, ("data", *_SOURCES)),
    Rule("DS502", source_rules.one_teacher, _KINDS),
    Rule("DS503", source_rules.teacher_is_there, ("teacher", "loss.kind")),
    Rule("DS504", effect_rules.teacher_is_used, ("teacher", "loss.kind")),
    Rule("DS505", source_rules.teacher_has_weights, (*_KINDS, "teacher.weights")),
    Rule("DS506", schedule_rules.length_is_said_once, (*_LENGTH, *_WARMUP)),
    Rule("DS507", schedule_rules.warmup_ends, (*_LENGTH, *_WARMUP, *_EPOCH)),
    Rule("DS508", class_rules.student_has_classes, (_STUDENT,)),
    Rule("DS509", class_rules.head_fits_data, (_STUDENT, *_CLASSES)),
    Rule(
        "DS510",
        class_rules.head_fits_teacher,
        (_STUDENT, *_LEARNS, *_TEACHER, *_SOURCES),
    ),
    Rule("DS511", source_rules.images_fit, (_STUDENT, *_SOURCES)),
    Rule("DS511", source_rules.teacher_takes_images, (_STUDENT, *_KINDS, *_SOURCES)),
    Rule("DS512", effect_rules.settings_have_effect, _WITHOUT_EFFECT),
    Rule("DS548", source_rules.timm_has_teacher, _KINDS),
    Rule("DS513", schedule_rules.batch_divides, (_BATCH, "run.accumulate")),
    Rule("DS514", source_rules.statistics_fit, (_STUDENT, "teacher", *_STATISTICS)),
    Rule("DS515", source_rules.rand_augment_is_valid, ("augmentation.rand_augment",)),
    Rule(
        "DS560",
        balance_rules.weighted_classes_are_known,
        ("loss.class_weights", *_CLASSES),
    ),
    Rule(
        "DS561",
        balance_rules.threshold_separates_targets,
        (_STUDENT, *_of("loss", "labels", "label_smoothing", "bce_target_threshold")),
    ),
    Rule(
        "DS563",
        balance_rules.classes_are_balanced_once,
        ("loss.class_weights", "data.sampling"),
    ),
    Rule(
        "DS564",
        source_rules.policy_has_settings,
        _of("augmentation", "policy", "rand_augment"),
    ),
    Rule("DS546", schedule_rules.batch_fits_data, _EPOCH),
    Rule(
        "DS547",
        schedule_rules.average_forgets,
        (*_LENGTH, *_EPOCH, "run.ema", "run.ema_warmup"),
    ),
    Rule("DS516", schedule_rules.bounds_are_in_order, ("augmentation.crop_scale",)),
    Rule("DS517", source_rules.images_suffice, _SIZES),
    Rule(
        "DS518",
        schedule_rules.rates_are_in_order,
        (*_RATES, *_of("schedule", "warmup_lr", "min_lr")),
    ),
    Rule("DS519", effect_rules.drop_path_is_kept, (_STUDENT, _DROP_PATH)),
    Rule("DS565", class_rules.selected_classes_exist, _CLASSES),
    Rule("DS538", class_rules.class_list_fits_data, _CLASSES),
    Rule(
        "DS540",
        class_rules.timm_order_is_folder_order,
        (*_LEARNS, *_TEACHER, *_CLASSES),
    ),
    Rule("DS529", class_rules.every_used_head_is_trained, _HEADS),
    Rule("DS555", freeze_rules.patterns_match, _TRAINED),
    Rule("DS556", freeze_rules.something_is_trained, _TRAINED),
    Rule("DS512", freeze_rules.patterns_have_effect, _TRAINED),
    Rule(
        "DS557",
        freeze_rules.frozen_parts_have_weights,
        ("student.train", "student.weights"),
    ),
    Rule("DS520", source_rules.named_things_are_here, _FILES),
)
