"""The fields of a recipe, and their names in other tools."""

from typing import Final

from pydantic import BaseModel

from deit_spec.recipe.recipe_schema import Recipe
from deit_spec.spec.field_names import FieldNames

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

_SYNONYMS: Final = {
    "model": "student",
    "distillation": "loss",
    "dataset_name": "dataset",
    "data_path": "folder",
    "data_dir": "folder",
    "optim": "optimizer",
    "opt": "optimizer",
    "optimiser": "optimizer",
    "scheduler": "schedule",
    "aug": "augmentation",
    "augment": "augmentation",
    "checkpoint": "weights",
    "initial_checkpoint": "weights",
    "input_size": "image_size",
    "img_size": "image_size",
    "nb_classes": "num_classes",
    "num_workers": "workers",
    "distillation_type": "kind",
    "distillation_alpha": "alpha",
    "distillation_tau": "tau",
    "temperature": "tau",
    "smoothing": "label_smoothing",
    "learning_rate": "lr",
    "wd": "weight_decay",
    "adam_betas": "betas",
    "opt_betas": "betas",
    "adam_epsilon": "eps",
    "opt_eps": "eps",
    "clip_grad": "clip",
    "max_grad_norm": "clip",
    "num_epochs": "epochs",
    "num_train_epochs": "epochs",
    "max_steps": "steps",
    "global_batch_size": "batch_size",
    "warmup_iters": "warmup_steps",
    "repeated_aug": "repeats",
    "hflip": "flip",
    "aa": "rand_augment",
    "auto_augment": "rand_augment",
    "reprob": "erasing",
    "random_erasing": "erasing",
    "mixup_switch_prob": "mix_switch",
    "drop_path_rate": "drop_path",
    "dtype": "precision",
    "mixed_precision": "precision",
    "gradient_accumulation_steps": "accumulate",
    "ema_decay": "ema",
    "model_ema_decay": "ema",
    "model_ema_warmup": "ema_warmup",
    "early_stopping_patience": "patience",
    "torch_compile": "compile",
}
"""What timm, transformers, accelerate and the authors' code call the fields."""


RECIPE: Final = FieldNames(Recipe, SECTIONS, _SYNONYMS)
"""The names of a recipe."""
