"""What each field takes, read from the schema."""

import re

from pydantic import BaseModel

from deit_spec.spec.remembering import remembered
from deit_spec.spec.schema import DeiTSpec, Variant
from deit_spec.spec.suggest import closest
from deit_spec.yaml_source.scalars import SCALAR

TOP = tuple(DeiTSpec.model_fields)
VARIANT = tuple(Variant.model_fields)
FIELDS = (*TOP, *(f"variant.{name}" for name in VARIANT))
"""Every field as messages call it."""

SYNONYMS = {
    "img_size": "image_size",
    "input_size": "image_size",
    "resolution": "image_size",
    "in_chans": "in_channels",
    "num_channels": "in_channels",
    "hidden_size": "embed_dim",
    "d_model": "embed_dim",
    "dim": "embed_dim",
    "num_features": "embed_dim",
    "width": "embed_dim",
    "layers": "depth",
    "layer": "depth",
    "n_layers": "depth",
    "num_layers": "depth",
    "num_blocks": "depth",
    "num_hidden_layers": "depth",
    "heads": "num_heads",
    "n_heads": "num_heads",
    "num_attention_heads": "num_heads",
    "drop_rate": "dropout",
    "proj_drop_rate": "dropout",
    "hidden_dropout_prob": "dropout",
    "classes": "num_classes",
    "num_labels": "num_classes",
    "distilled": "distillation_token",
    "drop_path_rate": "drop_path",
    "init_values": "layer_scale",
    "eps": "layer_norm_eps",
    "_base_": "extends",
    "base": "extends",
    "inherits": "extends",
    "parent": "extends",
}
"""What timm, transformers and papers call the fields."""

ELSEWHERE = {
    "intermediate_size": "`mlp_ratio` is this divided by `embed_dim`",
    "mlp_dim": "`mlp_ratio` is this divided by `embed_dim`",
    "no_embed_class": "`position_embedding: patches`, under `variant`, is this",
    "pos_drop_rate": "`dropout` is this rate, and that of the projections",
    "attn_drop_rate": "remove it: attention weights have no dropout",
    "attention_probs_dropout_prob": "remove it: attention weights have no dropout",
    "hidden_act": "remove it: the MLP has the exact GELU",
    "global_pool": "`readout`, under `variant`, says what a lone head reads",
    "class_token": "remove it: there always is one",
    "batch_size": "remove it: a recipe has it, and a spec is of the model alone",
    "head_dim": "`embed_dim` is this times `num_heads`",
    "include": "`extends` names what a spec builds on",
    "num_patches": "remove it: `image_size` and `patch_size` make it",
    "version": "remove it: a spec has none",
}
"""What other tools say in a field that has no like of the same meaning here."""

_PAIR = re.compile(rf"([A-Za-z_][\w-]*)(?: *[:=] *| +(?=[\d.]))({SCALAR})")
_OPENED = re.compile(r"([A-Za-z_][\w-]*) *[:=]+ *(\{[^{}]+)")


def pair_in(key: str) -> tuple[str, str] | None:
    """The key and the value that are in a key, as YAML reads `{embed_dim:192}`.

    >>> pair_in("embed_dim:192")
    ('embed_dim', '192')
    """
    found = _PAIR.fullmatch(key)
    return (found[1], found[2]) if found else None


def opened_in(key: str) -> tuple[str, str] | None:
    """The key, and the braces it opens, as YAML reads `variant:{fusion: cls}`.

    >>> opened_in("variant:{fusion")
    ('variant', '{fusion')
    """
    found = _OPENED.fullmatch(key)
    return (found[1], found[2]) if found else None


@remembered
def meant_by(path: tuple[str, ...]) -> tuple[str, ...]:
    """The path of the field that an unknown key was meant to be, or its own.

    >>> meant_by(("drop_path_rate",))
    ('variant', 'drop_path')
    """
    *outer, key = path
    if key in ELSEWHERE:
        return path
    if inner := _field_in(path):
        meant = meant_by(inner)
        return meant if is_known(meant) else path
    here, there = (VARIANT, TOP) if outer else (TOP, VARIANT)
    elsewhere = [] if outer else ["variant"]
    if key in there:
        return *elsewhere, key
    nearness, word = closest(key, here, SYNONYMS)
    nearness_there, word_there = closest(key, there, SYNONYMS)
    if word_there and nearness_there > nearness:
        return *elsewhere, word_there
    return (*outer, word) if word else path


def _field_in(path: tuple[str, ...]) -> tuple[str, ...] | None:
    """The field in a key that is more than one: `depth=3`, or `variant.init`."""
    *outer, key = path
    # Messages call a field so, and a person may write it like that.
    if not outer and key.startswith("variant."):
        return "variant", key.removeprefix("variant.")
    # A `#` begins no comment behind a word.
    if pair := pair_in(key.partition("#")[0].rstrip()):
        return *outer, pair[0]
    if opened := opened_in(key):
        inner = *outer, opened[0]
        return inner if meant_by(inner) == ("variant",) else None
    return None


def is_known(path: tuple[str, ...]) -> bool:
    """Whether there is a field at a path."""
    return path[-1] in model_of(path).model_fields


def model_of(path: tuple[str, ...]) -> type[BaseModel]:
    """The model that holds the field at a path."""
    return Variant if path[0] == "variant" and len(path) > 1 else DeiTSpec
