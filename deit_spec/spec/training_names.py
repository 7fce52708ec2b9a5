"""How training settings are called in the configurations of other projects.

A spec that is derived from such a configuration has keys that belong in a recipe. Most
of them contain a word that no field of a model has.
"""

import re
from typing import Final

# fmt: off
_WORDS: Final = frozenset({
    "accum", "accumulate", "accumulation", "adam", "adamw", "amp", "apex",
    "aug", "augment", "augmentation", "augs", "autoaugment", "batch", "bce",
    "beta1", "beta2", "betas", "checkpoint", "checkpointing", "checkpoints",
    "clip", "clipping", "color", "colour", "compile", "cosub", "crop", "csv",
    "cutmix", "cycle", "data", "dataloader", "dataset", "datasets", "ddp",
    "decay", "deepspeed", "device", "devices", "distributed", "download", "ema",
    "epoch", "epochs", "erase", "erasing", "eval", "evaluate", "evaluation",
    "experiment", "finetune", "flip", "fold", "folder", "freeze", "fsdp", "gpu",
    "gpus", "grad", "gradient", "hflip", "hue", "interpolation", "interval",
    "jitter", "jsd", "learning", "loader", "log", "logger", "logging", "loss",
    "lr", "lrs", "metric", "metrics", "milestones", "mixup", "momentum",
    "nesterov", "opt", "optim", "optimiser", "optimizer", "patience", "pin",
    "precision", "prefetcher", "rand", "rank", "recount", "recovery", "remode",
    "repeated", "repeats", "reprob", "resplit", "resume", "sampler", "sampling",
    "saturation", "save", "sched", "schedule", "scheduler", "seed", "seeding",
    "sgd", "smoothing", "split", "splits", "steps", "sync", "synchronize",
    "tau", "teaching", "temperature", "test", "thread", "threads", "trackers",
    "train", "trainer", "training", "transform", "transforms", "tta", "val",
    "valid", "validation", "vflip", "wandb", "warmup", "wd", "worker",
    "workers",
})
"""A key with one of these words is a training setting."""

_NAMES: Final = frozenset({
    "aa", "alpha", "channels_last", "class_map", "class_weight",
    "class_weights", "columns", "device_modules", "dist_bn", "dist_url",
    "distillation_alpha", "distillation_type", "drop_unread", "dtype", "fuser",
    "inat_category", "initial_checkpoint", "input_img_mode", "input_key",
    "keep", "mean", "mix_switch", "model_dtype", "no_ddp_bb", "only_classes",
    "output", "output_dir", "parallel", "pretrained", "pretrained_path",
    "ratio", "report_to", "rotate", "run", "scale", "shift", "src", "std",
    "student", "target_key", "teacher", "teacher_model", "teacher_path",
    "three_augment", "threeaugment", "torchcompile", "torchcompile_mode",
    "torchscript", "unreadable", "use_cuda", "weights", "world_size",
})
"""Other training settings: their words alone may mean something else."""
# fmt: on


def is_training_setting(key: str) -> bool:
    """Whether a key of a configuration is certainly a setting of a training.

    >>> is_training_setting("num-epochs"), is_training_setting("depth")
    (True, False)
    """
    plain = re.sub("[ .-]", "_", key).lower()
    return plain in _NAMES or not _WORDS.isdisjoint(plain.split("_"))
