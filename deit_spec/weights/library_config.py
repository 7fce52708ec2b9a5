"""The `config.json` that transformers and timm read besides weights."""

from collections.abc import Mapping, Sequence
from typing import Any

from deit_spec import ops
from deit_spec.weights.shape_info import GraphParameters

SIZES = {192: "tiny", 384: "small"}
"""timm's names of the widths; the others are described as a base model."""


def hf_class(model: GraphParameters) -> str:
    """The class of transformers for a model."""
    info = model.info
    family = "DeiT" if info.distillation_token else "ViT"
    if info.num_classes is None:
        return f"{family}Model"
    teacher = "WithTeacher" if info.teacher_num_classes else ""
    return f"{family}ForImageClassification{teacher}"


def hf_config(
    model: GraphParameters, dtype: str, classes: Sequence[str] | None
) -> dict[str, Any]:
    """The `config.json` of transformers; `label2id` has the last of equal names."""
    info = model.info
    name = hf_class(model)
    found: dict[str, Any] = {
        "architectures": [name],
        "attention_probs_dropout_prob": 0.0,
        "encoder_stride": info.patch_size,
        "hidden_act": "gelu",
        "hidden_dropout_prob": max(
            (op.rate for op in model.ops(ops.Dropout)), default=0.0
        ),
        "hidden_size": info.embed_dim,
        "image_size": info.image_size,
        "initializer_range": 0.02,
        "intermediate_size": info.mlp_dim,
        "layer_norm_eps": model.ops(ops.LayerNorm)[0].eps,
        "model_type": "deit" if info.distillation_token else "vit",
        "num_attention_heads": model.ops(ops.SplitHeads)[0].heads.known,
        "num_channels": info.in_channels,
        "num_hidden_layers": info.depth,
        "patch_size": info.patch_size,
        "qkv_bias": info.qkv_bias,
        "torch_dtype": dtype,
    }
    if info.num_classes is not None:
        labels = classes or [f"LABEL_{index}" for index in range(info.num_classes)]
        found["id2label"] = {str(index): label for index, label in enumerate(labels)}
        found["label2id"] = {label: index for index, label in enumerate(labels)}
    return found


def timm_config(
    model: GraphParameters,
    preprocessing: Mapping[str, Any] | None,
    classes: Sequence[str] | None,
) -> dict[str, Any]:
    """The `config.json` of timm, in the form of `timm.models.save_for_hf`."""
    info = model.info
    size = SIZES.get(info.embed_dim, "base")
    kind = "distilled_" if info.distillation_token else ""
    num_classes = info.num_classes or 0
    found: dict[str, Any] = {
        "architecture": f"deit_{size}_{kind}patch16_224",
        "global_pool": "token",
        "model_args": _model_args(model),
        "num_classes": num_classes,
        "num_features": info.embed_dim,
        "pretrained_cfg": {
            "classifier": ["head", "head_dist"] if kind else "head",
            "first_conv": "patch_embed.proj",
            "fixed_input_size": True,
            "input_size": [info.in_channels, info.image_size, info.image_size],
            "num_classes": num_classes,
        },
    }
    found["pretrained_cfg"] |= preprocessing or {}
    if classes is not None:
        found["label_names"] = list(classes)
    return found


def _model_args(model: GraphParameters) -> dict[str, Any]:
    """The arguments of timm's model that differ from those of the architecture."""
    info = model.info
    dropout = max((op.rate for op in model.ops(ops.Dropout)), default=0.0)
    found: dict[str, Any] = {
        "depth": info.depth,
        "drop_path_rate": max((op.rate for op in model.ops(ops.DropPath)), default=0.0),
        "embed_dim": info.embed_dim,
        "img_size": info.image_size,
        "in_chans": info.in_channels,
        "mlp_ratio": info.mlp_ratio,
        "no_embed_class": info.position_embedding == "patches",
        "num_heads": model.ops(ops.SplitHeads)[0].heads.known,
        "patch_size": info.patch_size,
        "pos_drop_rate": dropout,
        "proj_drop_rate": dropout,
        "qkv_bias": info.qkv_bias,
    }
    if scales := model.ops(ops.LayerScale):
        found["init_values"] = scales[0].value
    return found
