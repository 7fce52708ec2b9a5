"""The files that transformers reads besides weights, and what they cannot express.

Images are prepared as in the evaluation of the original repository (facebookresearch/
deit, `main.py --eval-crop-ratio` and `datasets.py`).
"""

from collections.abc import Iterator
from typing import Any

from deit_spec import ops
from deit_spec.diagnostics import Diagnostic
from deit_spec.weights.shape_info import GraphParameters
from deit_spec.weights.weight_findings import finding

CONFIG = "config.json"
PREPROCESSOR = "preprocessor_config.json"
MODEL = "model.safetensors"
MEMBERS = (CONFIG, PREPROCESSOR, MODEL)

IMAGENET_MEAN = [0.485, 0.456, 0.406]
IMAGENET_STD = [0.229, 0.224, 0.225]
CROP_RATIO = 0.875
BICUBIC = 3


def class_of(model: GraphParameters) -> str:
    """The class of transformers for a model."""
    info = model.info
    family = "DeiT" if info.distillation_token else "ViT"
    if info.num_classes is None:
        return f"{family}Model"
    teacher = "WithTeacher" if info.teacher_num_classes else ""
    return f"{family}ForImageClassification{teacher}"


def find_unsupported(model: GraphParameters, name: str) -> Iterator[Diagnostic]:
    """DS421 and DS422: what transformers does not support, and what is lost."""
    info = model.info
    heads = info.num_classes, info.teacher_num_classes
    both = None not in heads
    patches = info.position_embedding == "patches"
    unequal = both and heads[0] != heads[1]
    position, readout = "variant.position_embedding", "variant.readout"
    for applies, field, setting in (
        (info.layer_scale, "variant.layer_scale", "`variant.layer_scale`"),
        (patches, position, f"`{position}: patches`"),
        (bool(model.ops(ops.MeanOfTokens)), readout, f"`{readout}: mean_tokens`"),
        (unequal, "teacher_num_classes", f"{heads[0]} and {heads[1]} classes"),
    ):
        if applies:
            message = f"transformers does not support {setting}"
            label, helps = model.label(field), ["use `--to timm`"]
            yield finding("DS421", message, name, secondary=label, helps=helps)
    fused = both and not unequal and not model.ops(ops.MeanLogits)
    drop_path = any(op.rate for op in model.ops(ops.DropPath))
    in_mlp = " after the first linear layer of each MLP: transformers has none there"
    for applies, field, reason in (
        (fused, "variant.fusion", ": transformers averages the logits of two heads"),
        (drop_path, "variant.drop_path", ": transformers has no stochastic depth"),
        (_dropout(model) > 0, "dropout", in_mlp),
    ):
        if applies:
            message = f"`{field}` is not converted{reason}"
            yield finding("DS422", message, name, secondary=model.label(field))


def _dropout(model: GraphParameters) -> float:
    return max((op.rate for op in model.ops(ops.Dropout)), default=0.0)


def config(model: GraphParameters, dtype: str) -> dict[str, Any]:
    """The content of `config.json`."""
    info = model.info
    name = class_of(model)
    found: dict[str, Any] = {
        "architectures": [name],
        "attention_probs_dropout_prob": 0.0,
        "encoder_stride": info.patch_size,
        "hidden_act": "gelu",
        "hidden_dropout_prob": _dropout(model),
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
        labels = [f"LABEL_{index}" for index in range(info.num_classes)]
        found["id2label"] = {str(index): label for index, label in enumerate(labels)}
        found["label2id"] = {label: index for index, label in enumerate(labels)}
    return found


def preprocessor(model: GraphParameters) -> dict[str, Any]:
    """The content of `preprocessor_config.json`; other channels than RGB get ±1."""
    info = model.info
    size = info.image_size
    resized = int(size / CROP_RATIO)
    is_rgb = info.in_channels == len(IMAGENET_MEAN)
    half = [0.5] * info.in_channels
    return {
        "crop_size": {"height": size, "width": size},
        "do_center_crop": True,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": IMAGENET_MEAN if is_rgb else half,
        "image_processor_type": "DeiTImageProcessor",
        "image_std": IMAGENET_STD if is_rgb else half,
        "resample": BICUBIC,
        "rescale_factor": 1 / 255,
        "size": {"height": resized, "width": resized},
    }
