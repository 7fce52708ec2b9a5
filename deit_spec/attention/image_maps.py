"""`deit_spec.attribute`: maps of images for a model with its preprocessing."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from deit_spec.attention.attention_maps import AttentionReader, Heads, Method, Token
from deit_spec.classifier import Classifier, is_image, load_model

if TYPE_CHECKING:
    import os

    from deit_spec.model.image_transform import ImageLike

BATCH = 8
"""The number of images in a batch; all weights of a base model take 22 MB an image."""


def attribute(  # noqa: PLR0913  -- one argument per option
    model: "Classifier | str | os.PathLike[str]",
    images: "Tensor | ImageLike | Iterable[ImageLike]",
    *,
    method: Method = "attention",
    token: Token = "cls",  # noqa: S107  -- not a secret
    category: int | str | None = None,
    block: int | None = -1,
    heads: Heads = "mean",
    batch_size: int = BATCH,
) -> Tensor:
    """Show what a model looks at: maps `[B, h, w]` over the patches of images.

    With `heads="all"` the maps are `[B, H, h, w]`, and with `block=None` they are those
    of all blocks, `[B, L, h, w]` or `[B, L, H, h, w]`. The values of `attention` and
    `rollout` are shares of the weight of a token, which add up to less than 1, because
    the other tokens have a share too.

    Args:
        model: What `load_model` takes or returns.
        images: An image or several, as `Classifier.transform` takes them, or inputs
            `[B, C, S, S]` of the model.
        method: `attention`, the weights of a block; `rollout` (Abnar and Zuidema 2020),
            the weights of all blocks up to it multiplied; or `gradient-attention`
            (Chefer et al. 2021), the relevance of the patches to a class.
        token: `cls` or `dist`, the token whose row is the map.
        category: The name or the index of the class that `gradient-attention` explains;
            by default the class that the head of the token predicts.
        block: The block of `attention`, or the last of the other methods; None is all
            blocks of `attention`.
        heads: `mean`, `max` or `all`. `rollout` takes `mean` and `max`,
            `gradient-attention` only `mean`.
        batch_size: The number of images that are computed at a time.

    Raises:
        ModelFolderError: The model is not a known kind of model.
        WeightsError: Its weights cannot be read, or it is an exported file.
        SpecError: Its spec has errors.
        OSError: An image cannot be read.
        ValueError: The model has no such token, block or class, or the method takes no
            class or does not join heads so, or an array cannot be used.
    """
    classifier = model
    if not isinstance(classifier, Classifier):
        classifier = load_model(classifier, target="train")
    spec = classifier.spec
    if category is not None and method != "gradient-attention":
        raise ValueError(f"category needs gradient-attention, not {method}")
    if isinstance(category, str):
        category = class_index(category, classifier.classes, spec.num_classes or 0)
    reader = AttentionReader(
        spec, classifier.model, method=method, block=block, heads=heads
    )
    parameter = next(classifier.model.parameters())
    inputs: Tensor | list[ImageLike]
    if isinstance(images, Tensor):
        inputs = images
    elif not isinstance(images, Iterable) or is_image(images):
        inputs = [images]  # type: ignore[list-item]
    else:
        inputs = list(images)
    maps = []
    for start in range(0, len(inputs), batch_size):
        part = inputs[start : start + batch_size]
        if not isinstance(part, Tensor):
            part = torch.stack([classifier.transform(each) for each in part])
        batch = part.to(parameter.device, parameter.dtype)
        maps.append(reader.read(batch, [token], category).maps[token])
    if not maps:
        raise ValueError("there are no images")
    return torch.cat(maps)


def class_index(name: str, names: Sequence[str] | None, count: int) -> int:
    """The index of a class by its name, one of its synonyms, or its index.

    >>> class_index("Tench", ["tench, Tinca tinca", "shark"], 2)
    0
    >>> class_index("1", ["tench, Tinca tinca", "shark"], 2)
    1

    Raises:
        ValueError: There is no such class.
    """
    from difflib import get_close_matches  # noqa: PLC0415  -- on errors alone

    forms: dict[str, int] = {}
    for index, each in enumerate(names or ()):
        for form in (each, *each.split(", ")):
            forms.setdefault(form.lower(), index)
    if name.lower() in forms:
        return forms[name.lower()]
    if name.isdecimal() and int(name) < count:
        return int(name)
    close = get_close_matches(name.lower(), forms, 3)
    nearest = [(names or ())[forms[form]] for form in close]
    near = f"; similar names are {', '.join(nearest)}" if nearest else ""
    known = f"{count:,} classes" if names else f"{count:,} classes without names"
    raise ValueError(f"there is no class {name}: the model has {known}{near}")
