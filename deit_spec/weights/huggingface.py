"""The files that transformers reads besides weights, and what they cannot express.

`preprocessor_config.json` prepares images as the original repository does for
evaluation: both sides are resized to image_size / 0.875, bicubic, the centre is
cropped (facebookresearch/deit, `main.py --eval-crop-ratio` and `datasets.py`), and
ImageNet's mean and standard deviation are used.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from deit_spec.diagnostics import Diagnostic
from deit_spec.weights.graph_parameters import GraphParameters
from deit_spec.weights.weight_findings import finding

CONFIG = "config.json"
PREPROCESSOR = "preprocessor_config.json"
MODEL = "model.safetensors"
MEMBERS = (CONFIG, PREPROCESSOR, MODEL)

IMAGENET_MEAN = [0.485, 0.456, 0.406]
IMAGENET_STD = [0.229, 0.224, 0.225]
CROP_RATIO = 0.875
BICUBIC = 3

_DROPOUT = (
    "hidden_dropout_prob applies after the position embedding, the attention "
    "projection and the second linear layer of each MLP"
)


def class_of(model: GraphParameters) -> str:
    """The class of transformers for a model."""
    info = model.info
    family = "DeiT" if info.distillation_token else "ViT"
    if info.num_classes is None:
        return f"{family}Model"
    teacher = "WithTeacher" if info.teacher_num_classes else ""
    return f"{family}ForImageClassification{teacher}"


def find_unsupported(model: GraphParameters, name: str) -> Iterator[Diagnostic]:
    """Find what the classes of transformers cannot express."""
    info = model.info

    def obstacle(reason: str, field: str, setting: str) -> Diagnostic:
        return finding(
            "DS421",
            f"transformers has no class for {setting}: {reason}",
            name,
            secondary=model.label(field),
            helps=["use `--to timm`"],
        )

    def loss(reason: str, field: str, setting: str) -> Diagnostic:
        message = f"`{setting}` is not converted{reason}"
        return finding("DS422", message, name, secondary=model.label(field))

    if info.layer_scale:
        field = "variant.layer_scale"
        yield obstacle("it has no layer scale", field, f"`{field}`")
    if info.position_embedding == "patches":
        field, reason = "variant.position_embedding", "its table covers every token"
        yield obstacle(reason, field, f"`{field}: patches`")
    if model.reads_mean:
        field, reason = "variant.readout", "its head reads the class token"
        yield obstacle(reason, field, f"`{field}: mean_tokens`")
    heads = info.num_classes, info.teacher_num_classes
    if None not in heads and heads[0] != heads[1]:
        reason = "its two heads have the same number of classes"
        counts = f"{heads[0]} and {heads[1]} classes"
        yield obstacle(reason, "teacher_num_classes", counts)
    elif None not in heads and not model.joins_by_mean_logits:
        reason = ": transformers joins two heads by the mean of their logits"
        yield loss(reason, "variant.fusion", "variant.fusion")
    if model.drop_path:
        reason = ": transformers has no stochastic depth"
        yield loss(reason, "variant.drop_path", "variant.drop_path")
    if model.dropout:
        reason = (
            " after the first linear layer of each MLP: transformers has none there"
        )
        found = loss(reason, "dropout", f"dropout: {model.dropout}")
        yield replace(found, notes=(_DROPOUT,))


def config(model: GraphParameters, dtype: str) -> dict[str, Any]:
    """The content of `config.json`."""
    info = model.info
    name = class_of(model)
    found: dict[str, Any] = {
        "architectures": [name],
        "attention_probs_dropout_prob": 0.0,
        "encoder_stride": info.patch_size,
        "hidden_act": "gelu",
        "hidden_dropout_prob": model.dropout,
        "hidden_size": info.embed_dim,
        "image_size": info.image_size,
        "initializer_range": 0.02,
        "intermediate_size": info.mlp_dim,
        "layer_norm_eps": model.eps,
        "model_type": "deit" if info.distillation_token else "vit",
        "num_attention_heads": model.num_heads,
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
    """The content of `preprocessor_config.json`.

    ImageNet's mean and deviation are for red, green and blue; images of other channels
    are scaled to between -1 and 1.
    """
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
