"""The fields of a recipe, and their names in other tools."""

from typing import Final

from pydantic import BaseModel

from deit_spec.recipe.recipe_schema import Recipe
from deit_spec.spec.field_names import FieldNames, by_synonym

SECTIONS: Final[dict[str, type[BaseModel]]] = {
    name: model
    for name, field in Recipe.model_fields.items()
    for model in (field.annotation, *getattr(field.annotation, "__args__", ()))
    if isinstance(model, type) and issubclass(model, BaseModel)
}
"""The mappings of a recipe, each with the model of its fields."""

FIELDS: Final = tuple(
    f"{section}.{name}"
    for section, model in SECTIONS.items()
    for name in model.model_fields
)
"""Every field as messages call it."""

_SYNONYMS: Final = by_synonym(
    {
        "student": "model",
        "loss": "distillation",
        "dataset": "dataset_name",
        "folder": "data_path data_dir",
        "optimizer": "optim opt optimiser",
        "schedule": "scheduler",
        "augmentation": "aug augment",
        "weights": "checkpoint initial_checkpoint",
        "image_size": "input_size img_size",
        "num_classes": "nb_classes",
        "workers": "num_workers",
        "kind": "distillation_type",
        "alpha": "distillation_alpha",
        "tau": "distillation_tau temperature",
        "label_smoothing": "smoothing",
        "bce_target_threshold": "bce_target_thresh",
        "class_weights": "class_weight",
        "lr": "learning_rate",
        "weight_decay": "wd",
        "betas": "adam_betas opt_betas",
        "eps": "adam_epsilon opt_eps",
        "clip": "clip_grad max_grad_norm",
        "epochs": "num_epochs num_train_epochs",
        "steps": "max_steps",
        "batch_size": "global_batch_size",
        "warmup_steps": "warmup_iters",
        "repeats": "repeated_aug",
        "flip": "hflip",
        "rand_augment": "aa auto_augment",
        "erasing": "reprob random_erasing",
        "mix_switch": "mixup_switch_prob",
        "drop_path": "drop_path_rate",
        "precision": "dtype mixed_precision",
        "layer_decay": "layer_decay_rate",
        "gradient_checkpointing": "grad_checkpointing",
        "accumulate": "gradient_accumulation_steps",
        "ema": "ema_decay model_ema_decay",
        "ema_warmup": "model_ema_warmup",
        "patience": "early_stopping_patience",
        "trackers": "log_with report_to",
        "compile": "torch_compile",
    }
)
"""What timm, transformers, accelerate and the authors' code call the fields."""


RECIPE: Final = FieldNames(Recipe, SECTIONS, _SYNONYMS)
"""The names of a recipe."""
