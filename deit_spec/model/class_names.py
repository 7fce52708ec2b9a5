"""The names of classes: read from files in the usual forms, and those of ImageNet."""

import ast
import json
import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from deit_spec.diagnostics.printable import counted, reason_of
from deit_spec.recipe.class_matching import ClassMatch, Relation, match_classes
from deit_spec.recipe.run_files import CLASSES, CONFIG, WEIGHTS
from deit_spec.recipe.run_records import read_classes

IMAGENET_CLASSES: Final = 1000
"""Classes of ImageNet-1k, in the order of their WordNet numbers."""
MOST_BYTES: Final = 10_000_000
"""The maximum size of a file of class names."""
LONGEST_LITERAL: Final = 1_000_000
"""The maximum size of Python literals, which need much more memory than JSON."""

NOT_NAMES: Final = (ValueError, TypeError, KeyError, IndexError, RecursionError)
"""What parsing and reading names from something else may raise."""
_WORDNET: Final = re.compile(r"n\d{8}")
_SAME_WORDS: Final = 0.9
"""The share of names by which a list is recognised as ImageNet's; lists vary."""


class ClassNamesError(ValueError):
    """Class names cannot be read or used; the text says why."""


def read_class_names(path: Path, count: int | None = None) -> tuple[str, ...]:
    """Read the names of classes from a file, as many as `count`.

    The file has one name a line, or is JSON: a list of names, or a mapping from index
    to name or from name to index, which may be the `id2label` of a config. In place of
    a name there may be a list that ends with it. Python literals are read as JSON is.

    Raises ClassNamesError if that fails.
    """
    names = _read_names(path)
    if count is not None and len(names) != count:
        labels = f"{path} has {counted(len(names), 'label')}"
        raise ClassNamesError(f"{labels}, but the model has {count:,} classes")
    return names


def _read_names(path: Path) -> tuple[str, ...]:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ClassNamesError(f"cannot read {path}: {reason_of(error)}") from None
    except ValueError as error:  # a null character in the name
        raise ClassNamesError(f"cannot read {path}: {error}") from None
    if len(data) > MOST_BYTES:
        limit = f"the limit is {MOST_BYTES // 1_000_000} MB"
        raise ClassNamesError(f"{path} is too large for class names: {limit}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ClassNamesError(f"cannot read {path}: it is not UTF-8") from None
    is_text, first = path.suffix.lower() != ".json", text.lstrip()[:1]
    lines = tuple(line.strip() for line in text.rstrip().splitlines())
    if is_text and first not in {"{", "["}:
        return lines
    try:
        return names_in(_parse(text))
    except NOT_NAMES:
        if is_text and first == "[":  # a name may start with a bracket
            return lines
        raise ClassNamesError(
            f"{path} is not a list of labels or a mapping between labels and the "
            "indices from 0"
        ) from None


def names_in(value: Any) -> tuple[str, ...]:
    """The names in a list or a mapping; raises one of NOT_NAMES for others."""
    if isinstance(value, dict) and isinstance(value.get("id2label"), dict):
        value = value["id2label"]
    if isinstance(value, dict):
        count = len(value)
        if all(isinstance(index, int) for index in value.values()):
            value = {str(index): name for name, index in value.items()}
        else:
            value = {str(index): name for index, name in value.items()}
        value = [value[str(index)] for index in range(count)]
    names = tuple(each[-1] if isinstance(each, list) else each for each in value)
    if not isinstance(value, list) or not all(isinstance(name, str) for name in names):
        raise TypeError(names)
    return names


def class_names_of_weights(path: Path) -> tuple[str, ...] | None:
    """The class names of a file or a folder of weights; None if they are not known."""
    try:
        return read_model_names(source_of_names(path))
    except ClassNamesError:
        return None


def source_of_names(path: Path) -> Path:
    """The file with the class names of a model: `classes.json`, weights or a config.

    A config is used if the weights beside it have none in their metadata.
    """
    folder = path if path.is_dir() else path.parent
    file = folder / WEIGHTS if path.is_dir() else path
    if file.name == WEIGHTS and (folder / CLASSES).is_file():
        return folder / CLASSES
    if _metadata_names(file) is None and (folder / CONFIG).is_file():
        return folder / CONFIG
    return file


def read_model_names(file: Path) -> tuple[str, ...] | None:
    """Read the class names in the file of `source_of_names`; None for `LABEL_0`, ….

    Raises RunFileError or ClassNamesError if they are damaged.
    """
    if file.name == CLASSES:
        return read_classes(file)
    if file.suffix == ".json":
        return _names_in_config(file)
    text = _metadata_names(file)
    try:
        return None if text is None else names_in(json.loads(text))
    except NOT_NAMES:
        raise ClassNamesError("the class names in the metadata are damaged") from None


def _metadata_names(file: Path) -> str | None:
    # A run's spec is read without torch.
    from deit_spec.weights import safetensors_file, spec_metadata  # noqa: PLC0415

    return safetensors_file.metadata_of(file).get(spec_metadata.CLASSES)


def _names_in_config(path: Path) -> tuple[str, ...] | None:
    try:
        config = json.loads(path.read_bytes()[:MOST_BYTES])
    except (OSError, *NOT_NAMES):
        return None
    value = None
    if isinstance(config, dict):
        value = config.get("label_names") or config.get("id2label")
    if value is None:
        return None
    try:
        names = names_in(value)
    except NOT_NAMES:
        message = "`id2label` must map every index, starting at 0, to a name"
        raise ClassNamesError(message) from None
    unnamed = tuple(f"LABEL_{index}" for index in range(len(names)))
    return None if names == unnamed else names


def imagenet_class_names() -> tuple[str, ...] | None:
    """The names of ImageNet's classes in the files of timm, which is not imported."""
    found = _imagenet()
    return None if found is None else tuple(found.values())


def match_model_classes(data: Sequence[str], model: Sequence[str]) -> ClassMatch:
    """Match the class names of data with those of a model or of a teacher.

    The classes of ImageNet are the same by their WordNet numbers, as its folders are
    named, and by their words, as in most models.
    """
    match = match_classes(data, model)
    if match.relation is not Relation.DIFFERENT:
        return match
    numbers = _wordnet_numbers(data), _wordnet_numbers(model)
    if None in numbers:
        return match
    return match_classes(*(each or () for each in numbers))


def _wordnet_numbers(names: Sequence[str]) -> Sequence[str] | None:
    """The WordNet numbers of classes of ImageNet; None for other classes."""
    if all(_WORDNET.fullmatch(name) for name in names):
        return names
    known = _imagenet()
    if known is None or len(names) != len(known):
        return None
    pairs = zip(names, known.values(), strict=True)
    same = sum(not _words(name).isdisjoint(_words(other)) for name, other in pairs)
    return tuple(known) if same >= _SAME_WORDS * len(names) else None


def _words(name: str) -> set[str]:
    """The synonyms in a name such as `tench, Tinca tinca`."""
    return {word.strip() for word in name.lower().replace("_", " ").split(",")}


def _imagenet() -> dict[str, str] | None:
    """The names of ImageNet's classes by their WordNet numbers, in order."""
    spec = find_spec("timm")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "data" / "_info"
    try:
        synsets = (folder / "imagenet_synsets.txt").read_text(encoding="utf-8")
        lemmas = (folder / "imagenet_synset_to_lemma.txt").read_text(encoding="utf-8")
        names = dict(line.split("\t", 1) for line in lemmas.splitlines())
        return {synset: names[synset] for synset in synsets.split()}
    except (OSError, ValueError, KeyError):
        return None


def _parse(text: str) -> Any:
    """The value of JSON, or of a Python literal, of which nothing is executed."""
    try:
        return json.loads(text)
    except ValueError:
        if len(text) > LONGEST_LITERAL:
            raise
    try:
        return ast.literal_eval(text.strip())
    except (SyntaxError, MemoryError) as error:
        raise ValueError(str(error)) from None
