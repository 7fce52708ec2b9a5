"""What Hugging Face needs to know of a model, and what it cannot say.

`config.json` and `preprocessor_config.json` as transformers reads them. The images
are prepared as the original repository evaluates: the side is resized to
image_size / 0.875, bicubic, and the middle is cut out (facebookresearch/deit,
`main.py --eval-crop-ratio` and `datasets.py`), with ImageNet's mean and deviation.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from deit_spec.diagnostics import Diagnostic
from deit_spec.weights.graph_parameters import Target
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
    "hidden_dropout_prob keeps it after the position embedding, the attention "
    "projection and the MLP's second linear"
)


def class_of(target: Target) -> str:
    """The class of transformers that holds the model."""
    facts = target.facts
    family = "DeiT" if facts.distillation_token else "ViT"
    if facts.num_classes is None:
        return f"{family}Model"
    teacher = "WithTeacher" if facts.teacher_num_classes else ""
    return f"{family}ForImageClassification{teacher}"


def find_obstacles(target: Target, name: str) -> Iterator[Diagnostic]:
    """What transformers' classes cannot say of a model, or say otherwise."""
    facts = target.facts

    def obstacle(reason: str, field: str, setting: str) -> Diagnostic:
        return finding(
            "DS421",
            f"transformers has no class for {setting}: {reason}",
            name,
            secondary=target.place(field),
            helps=["`--to timm` keeps it"],
        )

    def loss(reason: str, field: str, setting: str) -> Diagnostic:
        message = f"`{setting}` is lost{reason}"
        return finding("DS422", message, name, secondary=target.place(field))

    if facts.layer_scale:
        field = "variant.layer_scale"
        yield obstacle("it has no layer scale", field, f"`{field}`")
    if facts.position_embedding == "patches":
        field, reason = "variant.position_embedding", "its table covers every token"
        yield obstacle(reason, field, f"`{field}: patches`")
    if target.reads_mean:
        field, reason = "variant.readout", "its head reads the class token"
        yield obstacle(reason, field, f"`{field}: mean_tokens`")
    heads = (facts.num_classes, facts.teacher_num_classes)
    if None not in heads and heads[0] != heads[1]:
        reason = "its two heads have the same classes"
        said = f"{heads[0]} and {heads[1]} classes"
        yield obstacle(reason, "teacher_num_classes", said)
    elif None not in heads and not target.joins_by_mean_logits:
        reason = ": transformers joins two heads by the mean of their logits"
        yield loss(reason, "variant.fusion", "variant.fusion")
    if target.drop_path:
        reason = ": transformers has no stochastic depth"
        yield loss(reason, "variant.drop_path", "variant.drop_path")
    if target.dropout:
        reason = " after the first linear of each MLP: transformers has none there"
        found = loss(reason, "dropout", f"dropout: {target.dropout}")
        yield replace(found, notes=(_DROPOUT,))


def config(target: Target, dtype: str) -> dict[str, Any]:
    """What `config.json` holds."""
    facts = target.facts
    name = class_of(target)
    found: dict[str, Any] = {
        "architectures": [name],
        "attention_probs_dropout_prob": 0.0,
        "encoder_stride": facts.patch_size,
        "hidden_act": "gelu",
        "hidden_dropout_prob": target.dropout,
        "hidden_size": facts.embed_dim,
        "image_size": facts.image_size,
        "initializer_range": 0.02,
        "intermediate_size": facts.mlp_dim,
        "layer_norm_eps": target.eps,
        "model_type": "deit" if facts.distillation_token else "vit",
        "num_attention_heads": target.num_heads,
        "num_channels": facts.in_channels,
        "num_hidden_layers": facts.depth,
        "patch_size": facts.patch_size,
        "qkv_bias": facts.qkv_bias,
        "torch_dtype": dtype,
    }
    if facts.num_classes is not None:
        labels = [f"LABEL_{index}" for index in range(facts.num_classes)]
        found["id2label"] = {str(index): label for index, label in enumerate(labels)}
        found["label2id"] = {label: index for index, label in enumerate(labels)}
    return found


def preprocessor(target: Target) -> dict[str, Any]:
    """What `preprocessor_config.json` holds.

    ImageNet's numbers are for red, green and blue; other images are brought to
    between -1 and 1.
    """
    facts = target.facts
    size = facts.image_size
    resized = int(size / CROP_RATIO)
    colours = facts.in_channels == len(IMAGENET_MEAN)
    half = [0.5] * facts.in_channels
    return {
        "crop_size": {"height": size, "width": size},
        "do_center_crop": True,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": IMAGENET_MEAN if colours else half,
        "image_processor_type": "DeiTImageProcessor",
        "image_std": IMAGENET_STD if colours else half,
        "resample": BICUBIC,
        "rescale_factor": 1 / 255,
        "size": {"height": resized, "width": resized},
    }
