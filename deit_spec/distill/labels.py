"""What classes are called."""

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from deit_spec.diagnostics.printable import reason_of

CLASSES = "classes.json"
"""Where a run keeps what its classes are called."""
IMAGENET = 1000
"""Classes of ImageNet-1k, in the order of their WordNet numbers."""


class LabelsError(ValueError):
    """A file of labels cannot be used; the text says why."""


def read_labels(path: Path) -> tuple[str, ...]:
    """Read the labels of classes from a file.

    Either a line for each class, or JSON: a list, or a mapping from index to label
    or from label to index. In place of a label a list may stand, such as WordNet's
    number and the label; its last part is taken.

    Raises:
        LabelsError: The file cannot be read, or has not this form.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = reason_of(error)
        raise LabelsError(f"cannot read {path}: {reason}") from None
    except UnicodeDecodeError:
        raise LabelsError(f"cannot read {path}: it is not UTF-8") from None
    if path.suffix.lower() != ".json":
        return tuple(line.strip() for line in text.rstrip().splitlines())
    try:
        return tuple(map(_label, _in_order(json.loads(text))))
    except (ValueError, TypeError, KeyError, IndexError):
        raise LabelsError(
            f"{path} is neither a list of labels nor a mapping of them and all "
            "indices from 0"
        ) from None


def imagenet_labels() -> tuple[str, ...] | None:
    """The labels of ImageNet-1k from timm's files; None where it has none.

    They are read without timm, which needs seconds and a torchvision that fits.
    """
    spec = find_spec("timm")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "data" / "_info"
    try:
        synsets = (folder / "imagenet_synsets.txt").read_text(encoding="utf-8")
        lemmas = (folder / "imagenet_synset_to_lemma.txt").read_text(encoding="utf-8")
        names = dict(line.split("\t", 1) for line in lemmas.splitlines())
        labels = tuple(names[synset] for synset in synsets.split())
    except (OSError, ValueError, KeyError):
        return None
    return labels if len(labels) == IMAGENET else None


def _in_order(value: Any) -> Sequence[Any]:
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        raise TypeError(type(value))
    count, by_index = len(value), value
    if all(isinstance(index, int) for index in value.values()):
        by_index = {str(index): label for label, index in value.items()}
    return [by_index[str(index)] for index in range(count)]


def _label(value: Any) -> str:
    last = value[-1] if isinstance(value, list) else value
    if not isinstance(last, str):
        raise TypeError(type(last))
    return last
