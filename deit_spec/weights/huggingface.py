"""The files that transformers reads besides weights: their names and their content."""

from collections.abc import Sequence
from typing import Any

from deit_spec import ops
from deit_spec.weights.shape_info import GraphParameters

PREPROCESSOR = "preprocessor_config.json"


def class_of(model: GraphParameters) -> str:
    """The class of transformers for a model."""
    info = model.info
    family = "DeiT" if info.distillation_token else "ViT"
    if info.num_classes is None:
        return f"{family}Model"
    teacher = "WithTeacher" if info.teacher_num_classes else ""
    return f"{family}ForImageClassification{teacher}"


def config(
    model: GraphParameters, dtype: str, classes: Sequence[str] | None
) -> dict[str, Any]:
    """The content of `config.json`; without class names they are `LABEL_0` and so on.

    Of classes with the same name, `label2id` has the last one.
    """
    info = model.info
    name = class_of(model)
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
