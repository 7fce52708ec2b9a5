"""Read the config beside weights, and compare it with the weights and with a spec.

Configs of transformers have `model_type`, those of timm `architecture`. What no shape
shows, such as the number of heads, is compared with the spec, the rest with the
weights.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from deit_spec.diagnostics import Diagnostic
from deit_spec.ops import LayerNorm, MeanOfTokens, SplitHeads
from deit_spec.spec import DeiTSpec
from deit_spec.weights.checkpoint import Checkpoint
from deit_spec.weights.shape_info import (
    GraphParameters,
    ShapeInfo,
    closest_published,
    published_models,
)
from deit_spec.weights.spec_metadata import check_metadata
from deit_spec.weights.weight_findings import EPS_NOTE, finding, shown, written
from deit_spec.yaml_source.scalars import value_text

SAME_MODELS = ("deit", "vit", "vit_mae", "vit_msn")
"""The models of transformers that compute what a DeiT computes."""
HF_KEYS = {
    "hidden_size": "embed_dim",
    "num_hidden_layers": "depth",
    "num_attention_heads": "num_heads",
    "intermediate_size": "mlp_dim",
    "image_size": "image_size",
    "patch_size": "patch_size",
    "num_channels": "in_channels",
    "num_labels": "num_classes",
    "qkv_bias": "qkv_bias",
    "layer_norm_eps": "layer_norm_eps",
    "hidden_dropout_prob": "dropout",
    "hidden_act": "activation",
}
"""The keys of transformers, and the fields that they set."""

TIMM_MODELS = re.compile(r"(?:.*_)?(?:flexi)?(?:vit|deit3?)(?:_.*)?", re.DOTALL)
TIMM_KEYS = {
    "embed_dim": "embed_dim",
    "num_features": "embed_dim",
    "depth": "depth",
    "num_heads": "num_heads",
    "mlp_ratio": "mlp_ratio",
    "img_size": "image_size",
    "patch_size": "patch_size",
    "in_chans": "in_channels",
    "num_classes": "num_classes",
    "qkv_bias": "qkv_bias",
    "init_values": "layer_scale",
    "no_embed_class": "position_embedding",
    "act_layer": "activation",
    "global_pool": "pooling",
}
"""The arguments of timm's VisionTransformer, and the fields that they set."""
TIMM_BESIDE = ("num_classes", "num_features", "global_pool")
"""What timm also writes beside `model_args`."""
TIMM_SIZES = frozenset({"embed_dim", "depth", "mlp_ratio"})
TIMM_DEFAULTS: dict[str, Any] = {
    **dict.fromkeys(("class_token", "final_norm", "proj_bias"), True),
    **dict.fromkeys(("pre_norm", "fc_norm", "qk_norm", "scale_attn_norm"), False),
    **dict.fromkeys(("scale_mlp_norm", "pool_include_prefix"), False),
    "reg_tokens": 0,
    "pos_embed": "learn",
}
"""The arguments for which a spec has no field, and the value that it stands for."""
TIMM_TRAINING = re.compile(r"(?:.+_)?rate|(?:weight|fix)_init|dynamic_img_.+")
"""The arguments that do not change what a trained model computes."""
NAMED = (
    "embed_dim",
    "depth",
    "patch_size",
    "mlp_ratio",
    "distillation_token",
    "position_embedding",
    "layer_scale",
    "qkv_bias",
)
"""What the name of a published model says of its weights."""

GELU = ("gelu", "gelu_python", None)
CLASS_TOKEN = ("token", "", None)
SIDES = {"image_size": "images", "patch_size": "patches"}
"""What a config may give as height and width."""
METADATA = "the metadata"
OTHER_MODEL = "move the weights to another directory if the config is of another model"


@dataclass(frozen=True, slots=True)
class Setting:
    """A value for a field, and where it is from; `text` is how it is written there."""

    field: str
    value: Any
    key: str
    text: str
    source: str = "the config"

    def __str__(self) -> str:
        return f"{self.key} is {self.text} in {self.source}"


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """What a config says of a model; `beyond` is what no spec can describe."""

    settings: tuple[Setting, ...] = ()
    beyond: tuple[str, ...] = ()

    def get(self, field: str) -> Any:
        """The value for a field; None if the config does not have it."""
        return _value(self.settings, field)


def _value(settings: Iterable[Setting], field: str) -> Any:
    return next((each.value for each in settings if each.field == field), None)


def read_config(checkpoint: Checkpoint, info: ShapeInfo | None = None) -> ModelConfig:
    """Read the config beside a checkpoint, and the spec in its metadata.

    `info` is what the shapes show, for the heads of timm's models. Raises WeightsError
    if the digest in the metadata is that of another spec.
    """
    config, found = checkpoint.config, ModelConfig()
    if "architecture" in config:
        found = _of_timm(config, info)
    elif "model_type" in config or checkpoint.names.scheme.is_hf:
        found = _of_transformers(config, checkpoint.prefix)
    checked = check_metadata(checkpoint.metadata, checkpoint.name)
    if checked is None or checked.spec is None:
        return found
    ours = [*_of_spec(checked.spec)]
    others = (each for each in found.settings if each.value != _value(ours, each.field))
    return ModelConfig((*ours, *others), found.beyond)


def _of_spec(spec: DeiTSpec) -> Iterator[Setting]:
    """What no shape shows of the model of a spec."""
    values: dict[str, float | str] = {
        "num_heads": spec.num_heads,
        "layer_norm_eps": spec.variant.layer_norm_eps,
    }
    if spec.num_classes is not None and spec.teacher_num_classes is None:
        values["readout"] = spec.variant.readout
    for field, value in values.items():
        yield Setting(field, value, field, written(value), METADATA)


def _of_transformers(config: Mapping[str, Any], prefix: str) -> ModelConfig:
    place, config = _vision_part(config, prefix)
    model = config.get("model_type", SAME_MODELS[0])
    if model not in SAME_MODELS:
        return ModelConfig(beyond=(_other_model(f"{place}model_type", model),))
    values = {key: config[key] for key in HF_KEYS if key in config}
    if isinstance(labels := config.get("id2label"), Mapping):
        values["num_labels"] = len(labels)
    return _collect(
        Setting(HF_KEYS[key], value, place + key, written(value))
        for key, value in values.items()
    )


def _vision_part(
    config: Mapping[str, Any], prefix: str
) -> tuple[str, Mapping[str, Any]]:
    """The config of the vision transformer in a model of several parts."""
    parts = {
        key: value
        for key, value in config.items()
        if isinstance(value, Mapping) and value.get("model_type") in SAME_MODELS
    }
    if not parts or config.get("model_type") in SAME_MODELS:
        return "", config
    # The names of the part `encoder` start with `encoder.`, and those of
    # `vision_config` with `vision_model.`.
    key = max(parts, key=lambda key: key.removesuffix("_config") in prefix)
    return f"{key}.", parts[key]


def _of_timm(config: Mapping[str, Any], info: ShapeInfo | None) -> ModelConfig:
    name = config["architecture"]
    if not isinstance(name, str) or not TIMM_MODELS.fullmatch(name):
        return ModelConfig(beyond=(_other_model("architecture", name),))
    given = config.get("model_args")
    arguments = dict(given) if isinstance(given, Mapping) else {}
    arguments |= {key: config[key] for key in TIMM_BESIDE if key in config}
    named = _of_architecture(name, info, resized=not TIMM_SIZES.isdisjoint(arguments))
    found = _collect(
        Setting(TIMM_KEYS[key], _meaning(key, value), key, written(value))
        for key, value in arguments.items()
        if key in TIMM_KEYS
    )
    fields = {each.field for each in found.settings}
    settings = *found.settings, *(each for each in named if each.field not in fields)
    others = tuple(
        f"{shown(key)} is {written(value)} in the config, which no spec can describe"
        for key, value in arguments.items()
        if key not in TIMM_KEYS and not TIMM_TRAINING.fullmatch(key)
        if value not in (TIMM_DEFAULTS.get(key), None)
    )
    return ModelConfig(settings, found.beyond + others)


def _meaning(key: str, value: Any) -> Any:
    """The value of our field for an argument of timm."""
    if key == "init_values":
        return bool(value)
    if key == "no_embed_class":
        return "patches" if value else "all"
    return value


def _of_architecture(
    name: str, info: ShapeInfo | None, *, resized: bool
) -> Iterator[Setting]:
    """What the name of a model of timm says of it."""
    heads = None
    for spec, shapes in published_models():
        if spec.name == name:
            heads = spec.num_heads
            for field in NAMED:
                value = getattr(shapes, field)
                yield Setting(field, value, field, value_text(value), name)
    if heads is None and info and not resized:
        closest = closest_published(info)
        heads = closest.num_heads if closest else None
    if heads is not None:
        yield Setting("num_heads", heads, "num_heads", str(heads), name)


def _collect(settings: Iterable[Setting]) -> ModelConfig:
    """Remove values that a spec cannot have; the first value of a field is used."""
    kept: dict[str, Setting] = {}
    beyond: list[str] = []
    for each in settings:
        value = each.value
        if each.field in SIDES and isinstance(value, list):
            if not value or value != value[:1] * len("hw"):
                beyond.append(f"{each}, and a spec has square {SIDES[each.field]}")
                continue
            value = value[0]
        if each.field == "pooling":
            if value not in CLASS_TOKEN:
                beyond.append(f"{each}, and a spec reads the class token")
            continue
        kept.setdefault(each.field, replace(each, value=value))
    return ModelConfig(tuple(kept.values()), tuple(beyond))


def _other_model(key: str, name: object) -> str:
    return f"{key} is {written(name)} in the config, which is neither a DeiT nor a ViT"


def find_beyond(config: ModelConfig, name: str) -> Iterator[Diagnostic]:
    """DS430: what a config says of a model and no spec can describe."""
    for message in config.beyond:
        yield finding("DS430", message, name, helps=[OTHER_MODEL])


def compare_config(
    config: ModelConfig, model: GraphParameters, theirs: ShapeInfo, name: str
) -> Iterator[Diagnostic]:
    """DS415, DS416, DS429 and DS430: where a config contradicts spec or weights."""
    yield from find_beyond(config, name)
    for each in config.settings:
        if each.field == "activation":
            if each.value not in GELU:
                message = f"the activation is {each.text} in {each.source}, not gelu"
                yield finding("DS415", message, name)
        elif each.field == "num_heads":
            ours = model.ops(SplitHeads)[0].heads.known
            yield from _compare_with_spec("DS415", each, ours, model, name)
        elif each.field == "layer_norm_eps":
            eps = model.ops(LayerNorm)[0].eps
            yield from _compare_with_spec("DS416", each, eps, model, name)
        elif each.field == "readout":
            if _keeps_head(model.info, theirs):
                readout = "mean_tokens" if model.ops(MeanOfTokens) else "cls"
                yield from _compare_with_spec("DS415", each, readout, model, name)
        elif each.field != "dropout":
            yield from _compare_with_weights(each, theirs, name)


def _keeps_head(ours: ShapeInfo, theirs: ShapeInfo) -> bool:
    """Whether a model with one head takes it from the weights, and its token too."""
    fields = ("num_classes", "teacher_num_classes", "distillation_token")
    return all(getattr(ours, each) == getattr(theirs, each) for each in fields)


def _compare_with_spec(
    code: str, setting: Setting, ours: float | str, model: GraphParameters, name: str
) -> Iterator[Diagnostic]:
    """Compare what no shape shows: the weights would fit another value as well."""
    if setting.value == ours:
        return
    field = setting.field
    path, notes = field if field == "num_heads" else f"variant.{field}", []
    if code == "DS416" and setting.source != METADATA:
        notes = [EPS_NOTE]
    there = f"{setting.text} in {setting.source}"
    yield finding(
        code,
        f"{field} is {there} and {written(ours)} in the spec",
        name,
        secondary=model.label(path),
        notes=[*notes, *model.default(path)],
    )


def _compare_with_weights(
    setting: Setting, theirs: ShapeInfo, name: str
) -> Iterator[Diagnostic]:
    """DS429: compare what shapes show."""
    field, value = setting.field, setting.value
    found = getattr(theirs, field)
    agrees = value == found
    if field == "mlp_ratio" and isinstance(value, int | float):
        # It is rounded down; and a width that is not finite is that of no weights.
        agrees = theirs.mlp_dim <= theirs.embed_dim * value < theirs.mlp_dim + 1
    if field == "num_classes" and found is None:
        agrees = True  # the head was removed
    if not agrees:
        is_same = setting.key.endswith(field)
        both = " and" if is_same else f", and {field} is"
        message = f"{setting}{both} {value_text(found)} in the weights"
        yield finding("DS429", message, name, helps=[OTHER_MODEL])
