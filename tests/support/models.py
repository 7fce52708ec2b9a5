"""Model folders as transformers and timm write them, with random weights."""

import json
import random
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import nn

from deit_spec.distill.optional_packages import import_package

NAMES = ("cat", "dog", "kea", "owl", "yak")
SIZE = 32


def save_images(folder: Path, count: int = 4) -> list[Path]:
    """Save random images of several sizes, one of them grey."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(count):
        size = (40 + 11 * number, 77 - 7 * number)
        mode = "L" if number == 1 else "RGB"
        pixels = random.Random(number).randbytes(len(mode) * size[0] * size[1])
        if mode == "L":
            pixels = pixels[: size[0] * size[1]]
        paths.append(folder / f"{number}.png")
        Image.frombytes(mode, size, pixels).save(paths[-1])
    return paths


def _randomise(model: nn.Module) -> None:
    torch.manual_seed(0)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.2)


def hf_folder(folder: Path, kind: str, **changes: Any) -> nn.Module:
    """Save a model of transformers with its image processor, and return the model.

    `kind` is the name of its class; `changes` are laid over its config.
    """
    import_package("transformers")
    import transformers  # noqa: PLC0415  -- takes seconds

    family = "DeiT" if kind.startswith("DeiT") else "ViT"
    config = getattr(transformers, f"{family}Config")(
        **{
            "image_size": SIZE,
            "patch_size": 8,
            "hidden_size": 24,
            "num_hidden_layers": 2,
            "num_attention_heads": 6,
            "intermediate_size": 48,
            "id2label": dict(enumerate(NAMES)),
            "label2id": {name: index for index, name in enumerate(NAMES)},
            **changes,
        }
    )
    model: nn.Module = getattr(transformers, kind)(config).eval()
    _randomise(model)
    sizes: dict[str, Any] = {"size": {"height": SIZE, "width": SIZE}}
    if family == "DeiT":
        sizes = {"size": {"height": 36, "width": 36}}
        sizes["crop_size"] = {"height": SIZE, "width": SIZE}
    getattr(transformers, f"{family}ImageProcessorPil")(**sizes).save_pretrained(folder)
    model.save_pretrained(folder)
    return model


def timm_folder(folder: Path, name: str, **data: Any) -> nn.Module:
    """Save a model of timm as for the hub, and return the model."""
    import_package("timm")
    import timm  # noqa: PLC0415  -- takes seconds
    from timm.models import save_for_hf  # noqa: PLC0415

    options = {"img_size": SIZE, "patch_size": 8, "embed_dim": 24, "depth": 2}
    model: nn.Module = timm.create_model(
        name, num_heads=6, num_classes=len(NAMES), **options
    ).eval()
    _randomise(model)
    save_for_hf(
        model,
        folder,
        model_config={"label_names": list(NAMES)},
        model_args={**options, "num_heads": 6},
        data_config=data or None,
        safe_serialization=True,
    )
    return model


def edit_json(path: Path, **changes: Any) -> None:
    """Lay changes over a JSON mapping; None removes a key."""
    value = {**json.loads(path.read_text()), **changes}
    kept = {key: item for key, item in value.items() if item is not None}
    path.write_text(json.dumps(kept))
