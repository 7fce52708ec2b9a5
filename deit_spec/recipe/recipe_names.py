"""The fields of a recipe, and what others call them."""

from typing import Final

from pydantic import BaseModel

from deit_spec.recipe.recipe_schema import Recipe
from deit_spec.spec.field_names import Path, Vocabulary, remembered
from deit_spec.spec.nearest import closest_word, listed

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
    "torch_compile": "compile",
}
"""What timm, transformers, accelerate and the authors' code call the fields."""


class _RecipeWords(Vocabulary):
    """The words of a recipe: sections, and the fields under them."""

    synonyms = _SYNONYMS
    names = (*SECTIONS, *(field.split(".")[1] for field in FIELDS), *_SYNONYMS)

    def model_of(self, path: Path) -> type[BaseModel]:
        return SECTIONS.get(path[0], Recipe) if len(path) > 1 else Recipe

    def is_mapping(self, path: Path) -> bool:
        return len(path) == 1 and path[0] in SECTIONS

    def meant_by(self, path: Path) -> Path:
        """The one field that is meant: of this section, of another, or a section."""
        return _meant_by(path)

    def where_it_belongs(self, path: Path) -> str:
        *outer, key = path
        meant = self.meant_by(path)
        if meant != path and list(meant[:-1]) == outer:
            return f"did you mean `{meant[-1]}`?"
        if meant != path:
            place = f"under `{meant[0]}`" if len(meant) > 1 else "at the top level"
            if meant[-1] == key:
                return f"`{key}` belongs {place}"
            return f"did you mean `{meant[-1]}`, which belongs {place}?"
        fields = [f"`{'.'.join(field)}`" for field in _fields_called(key)]
        if fields:
            return f"did you mean {listed(fields)}?"
        known = self.model_of(path).model_fields
        return f"remove it, or use one of {listed([f'`{name}`' for name in known])}"


@remembered
def _fields_called(key: str) -> tuple[Path, ...]:
    """The fields of any section that have a name, but for a slip of the hand."""
    return tuple(
        (section, name)
        for section, model in SECTIONS.items()
        for name in model.model_fields
        if name[0] == key[:1].lower() or key in _SYNONYMS
        if RECIPE.is_misspelt(key, name)
    )


@remembered
def _meant_by(path: Path) -> Path:
    *outer, key = path
    here = RECIPE.model_of(path).model_fields
    if word := closest_word(key, here, _SYNONYMS):
        return *outer, word
    fields = _fields_called(key)
    if len(fields) == 1:
        return fields[0]
    section = closest_word(key, SECTIONS, _SYNONYMS) if outer else None
    return (section,) if section and not fields else path


RECIPE: Final = _RecipeWords()
"""The words of a recipe."""
