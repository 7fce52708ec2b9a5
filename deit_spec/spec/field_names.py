"""Answers about words, each found once; memory stays flat whatever is asked."""

import difflib
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from functools import cached_property, lru_cache, wraps
from types import MappingProxyType
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from deit_spec.spec.model_limits import LARGEST
from deit_spec.spec.nearest import closest, listed
from deit_spec.spec.schema import DeiTSpec, Variant
from deit_spec.yaml_source.document import FILE_BYTES
from deit_spec.yaml_source.scalars import SCALAR

_WORDS: Final = FILE_BYTES // 2
"""More words than one file has, each of which is looked up several times."""
_LETTERS: Final = 64
"""Letters of a word that is remembered: our longest names have half as many."""

K = TypeVar("K", str, tuple[str, ...])
V = TypeVar("V")


def remembered(function: Callable[[K], V]) -> Callable[[K], V]:
    """Let a function of a word, or of a path of words, remember what it said."""
    cached = lru_cache(maxsize=_WORDS)(function)

    @wraps(function)
    def answer(key: K) -> V:
        return cached(key) if _size(key) <= _LETTERS else function(key)

    return answer


def _size(key: str | tuple[str, ...]) -> int:
    return len(key) if isinstance(key, str) else sum(map(len, key))


_NOT_QUITE: Final = frozenset(
    {
        "drop_rate",
        "hidden_dropout_prob",
        "dim",
        "proj_drop_rate",
        "width",
        "num_features",
        "layer",
        "eps",
        "classes",
    }
)
"""Words of other tools that mean nearly, or only mostly, what our field does."""
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z _-]*")
_FIXED: Final = 3
"""Words as short as this have neighbours of another meaning: `in` and `out`."""
_LONG: Final = 8
"""Words from here on take a second mistake."""
_MOST: Final = 2
"""Letters that a slip of the hand, or a plural, adds to a part or takes away."""


def is_misspelt(
    written: str,
    word: str,
    synonyms: Mapping[str, str] = MappingProxyType({}),
    parts: Collection[str] = (),
) -> bool:
    """Whether `written` is `word`, misspelt, or what another tool calls it.

    They are compared part by part: a part more or less makes another word of it,
    as `no_` or `kv_` does, and so does a digit. One of `parts`, those of all words
    that there are, is no misspelling of another.

    >>> is_misspelt("Embed-Dims", "embed_dim"), is_misspelt("depht", "depth")
    (True, True)
    >>> is_misspelt("num_kv_heads", "num_heads")
    False
    """
    plain = _plain(written)
    if not plain or plain in _NOT_QUITE:
        return False
    if synonyms.get(plain) == word or _joined(plain) == _joined(word):
        return True
    # No part is longer or shorter than ours by more than that.
    if plain.count("_") != word.count("_") or abs(len(plain) - len(word)) > _MOST * (
        word.count("_") + 1
    ):
        return False
    return all(
        _is_near(part, our, parts)
        for part, our in zip(plain.split("_"), word.split("_"), strict=True)
    )


@lru_cache(maxsize=64)
def _plain(written: str) -> str:
    """A word as keys are written; what has other characters is none."""
    return re.sub("[ -]", "_", written).lower() if _WORD.fullmatch(written) else ""


def _joined(word: str) -> str:
    return word.replace("_", "")


def _is_near(written: str, part: str, parts: Collection[str]) -> bool:
    """Whether a part is another but for its plural, or a slip of the hand."""
    if written == part or _singular(written) == _singular(part):
        return True
    if len(part) <= _FIXED or written[:1] != part[:1] or written in parts:
        return False
    most = _MOST if len(part) >= _LONG else 1
    # A changed letter is one that the other has not: most words need no more.
    if len(set(written) ^ set(part)) > 2 * most:
        return False
    return _slips(written, part) <= most


def _singular(part: str) -> str:
    return re.sub("(?<=ss)es$|(?<=[a-z]{2}[^s])s$", "", part)


def _slips(written: str, part: str) -> int:
    """How many letters are put in, left out, changed, or swapped with the next."""
    if sorted(written) == sorted(part):
        return sum(map(str.__ne__, written, part)) // 2
    matcher = difflib.SequenceMatcher(None, written, part, autojunk=False)
    return sum(
        max(end - start, other_end - other_start)
        for kind, start, end, other_start, other_end in matcher.get_opcodes()
        if kind != "equal"
    )


TOP = tuple(DeiTSpec.model_fields)
VARIANT = tuple(Variant.model_fields)
FIELDS = (*TOP, *(f"variant.{name}" for name in VARIANT))
"""Every field as messages call it."""

SYNONYMS = {
    "img_size": "image_size",
    "input_size": "image_size",
    "resolution": "image_size",
    "in_chans": "in_channels",
    "num_channels": "in_channels",
    "hidden_size": "embed_dim",
    "d_model": "embed_dim",
    "dim": "embed_dim",
    "num_features": "embed_dim",
    "width": "embed_dim",
    "layers": "depth",
    "layer": "depth",
    "n_layers": "depth",
    "num_layers": "depth",
    "num_blocks": "depth",
    "num_hidden_layers": "depth",
    "heads": "num_heads",
    "n_heads": "num_heads",
    "num_attention_heads": "num_heads",
    "drop_rate": "dropout",
    "proj_drop_rate": "dropout",
    "hidden_dropout_prob": "dropout",
    "classes": "num_classes",
    "num_labels": "num_classes",
    "distilled": "distillation_token",
    "drop_path_rate": "drop_path",
    "init_values": "layer_scale",
    "eps": "layer_norm_eps",
    "_base_": "extends",
    "base": "extends",
    "inherits": "extends",
    "parent": "extends",
}
"""What timm, transformers and papers call the fields."""

ELSEWHERE = {
    "intermediate_size": "`mlp_ratio` is this divided by `embed_dim`",
    "mlp_dim": "`mlp_ratio` is this divided by `embed_dim`",
    "no_embed_class": "`position_embedding: patches`, under `variant`, is this",
    "pos_drop_rate": "`dropout` is this rate, and that of the projections",
    "attn_drop_rate": "remove it: attention weights have no dropout",
    "attention_probs_dropout_prob": "remove it: attention weights have no dropout",
    "hidden_act": "remove it: the MLP has the exact GELU",
    "global_pool": "`readout`, under `variant`, says what a lone head reads",
    "class_token": "remove it: there always is one",
    "batch_size": "remove it: a recipe has it, and a spec is of the model alone",
    "head_dim": "`embed_dim` is this times `num_heads`",
    "include": "`extends` names what a spec builds on",
    "num_patches": "remove it: `image_size` and `patch_size` make it",
    "version": "remove it: a spec has none",
}
"""What other tools say in a field that has no like of the same meaning here."""

_PAIR = re.compile(rf"([A-Za-z_][\w-]*)(?: *[:=] *| +(?=[\d.]))({SCALAR})")
_OPENED = re.compile(r"([A-Za-z_][\w-]*) *[:=]+ *(\{[^{}]+)")


def pair_in(key: str) -> tuple[str, str] | None:
    """The key and the value that are in a key, as YAML reads `{embed_dim:192}`.

    >>> pair_in("embed_dim:192")
    ('embed_dim', '192')
    """
    found = _PAIR.fullmatch(key)
    return (found[1], found[2]) if found else None


def opened_in(key: str) -> tuple[str, str] | None:
    """The key, and the braces it opens, as YAML reads `variant:{fusion: cls}`.

    >>> opened_in("variant:{fusion")
    ('variant', '{fusion')
    """
    found = _OPENED.fullmatch(key)
    return (found[1], found[2]) if found else None


@remembered
def meant_by(path: tuple[str, ...]) -> tuple[str, ...]:
    """The path of the field that an unknown key was meant to be, or its own.

    >>> meant_by(("drop_path_rate",))
    ('variant', 'drop_path')
    """
    *outer, key = path
    if key in ELSEWHERE:
        return path
    if inner := _field_in(path):
        meant = meant_by(inner)
        return meant if is_known(meant) else path
    here, there = (VARIANT, TOP) if outer else (TOP, VARIANT)
    elsewhere = [] if outer else ["variant"]
    if key in there:
        return *elsewhere, key
    nearness, word = closest(key, here, SYNONYMS)
    nearness_there, word_there = closest(key, there, SYNONYMS)
    if word_there and nearness_there > nearness:
        return *elsewhere, word_there
    return (*outer, word) if word else path


def _field_in(path: tuple[str, ...]) -> tuple[str, ...] | None:
    """The field in a key that is more than one: `depth=3`, or `variant.init`."""
    *outer, key = path
    # Messages call a field so, and a person may write it like that.
    if not outer and key.startswith("variant."):
        return "variant", key.removeprefix("variant.")
    # A `#` begins no comment behind a word.
    if pair := pair_in(key.partition("#")[0].rstrip()):
        return *outer, pair[0]
    if opened := opened_in(key):
        inner = *outer, opened[0]
        return inner if meant_by(inner) == ("variant",) else None
    return None


def is_known(path: tuple[str, ...]) -> bool:
    """Whether there is a field at a path."""
    return path[-1] in model_of(path).model_fields


def model_of(path: tuple[str, ...]) -> type[BaseModel]:
    """The model that holds the field at a path."""
    return Variant if path[0] == "variant" and len(path) > 1 else DeiTSpec


Path = tuple[str, ...]


class Vocabulary(ABC):
    """The fields of a kind of document, by their paths."""

    synonyms: Mapping[str, str] = {}
    """What others call a field and mean the very same; the last key of its path."""
    names: Collection[str] = ()
    """Every key, and what others write in place of one."""

    @abstractmethod
    def model_of(self, path: Path) -> type[BaseModel]:
        """The model that holds the field at a path."""

    @abstractmethod
    def meant_by(self, path: Path) -> Path:
        """The path of the field that an unknown key was meant to be, or its own."""

    @abstractmethod
    def where_it_belongs(self, path: Path) -> str:
        """What to do about an unknown key, in words."""

    @abstractmethod
    def is_mapping(self, path: Path) -> bool:
        """Whether the field at a path holds fields itself."""

    def is_misspelt(self, written: str, word: str) -> bool:
        """Whether a word is a key, or a value, with a slip of the hand in it."""
        return is_misspelt(written, word, self.synonyms, self._parts)

    def is_key(self, written: str) -> bool:
        """Whether a word is a key, misspelt or not."""
        return self._is_key(written)

    @cached_property
    def _is_key(self) -> Callable[[str], bool]:
        # A text may have one word in thousands of lines.
        return remembered(self._looks_like_a_key)

    def _looks_like_a_key(self, written: str) -> bool:
        # The first letter is never the one that is wrong.
        alike = self._by_letter.get(written[:1].lower(), ())
        return written in alike or any(self.is_misspelt(written, w) for w in alike)

    @cached_property
    def _by_letter(self) -> dict[str, list[str]]:
        """The names that begin with each letter."""
        found: dict[str, list[str]] = {}
        for name in self.names:
            found.setdefault(name[0], []).append(name)
        return found

    @cached_property
    def _parts(self) -> frozenset[str]:
        return frozenset(part for name in self.names for part in name.split("_"))

    def is_known(self, path: Path) -> bool:
        """Whether there is a field of this name at this place."""
        return path[-1] in self.model_of(path).model_fields

    def fits(self, path: Path, value: object) -> bool:
        """Whether a field takes a value, whatever else is missing beside it."""
        try:
            self.model_of(path).model_validate({path[-1]: value})
        except ValidationError as error:
            return all(found["loc"][0] != path[-1] for found in error.errors())
        return True

    def default_of(self, path: Path) -> object:
        """The default of the field at a path; `...` where it has to be written."""
        field = self.model_of(path).model_fields[path[-1]]
        return ... if field.is_required() else field.get_default()

    def example_of(self, path: Path) -> object:
        """A value of the field at a path, for one that has no default."""
        return (self.model_of(path).model_fields[path[-1]].examples or [None])[0]


class _SpecWords(Vocabulary):
    """The words of a spec: its fields, and those under `variant`."""

    synonyms = SYNONYMS
    names = (*TOP, *VARIANT, *SYNONYMS, *ELSEWHERE)

    def model_of(self, path: Path) -> type[BaseModel]:
        return model_of(path)

    def meant_by(self, path: Path) -> Path:
        return meant_by(path)

    def is_mapping(self, path: Path) -> bool:
        return path == ("variant",)

    def fits(self, path: Path, value: object) -> bool:
        most = LARGEST.get(path[-1], math.inf) if len(path) == 1 else math.inf
        is_within = not isinstance(value, int | float) or value <= most
        return is_within and super().fits(path, value)

    def where_it_belongs(self, path: Path) -> str:
        *outer, key = path
        *place, name = meant_by(path)
        where = "under `variant`" if place else "at the top level"
        if key in ELSEWHERE:
            return ELSEWHERE[key]
        if key == "variant":
            return "remove it with its keys, or move these a level up"
        if name == key and place != outer:
            return f"`{key}` belongs {where}"
        if name == key:
            known = VARIANT if outer else TOP
            return f"remove it, or use one of {listed([f'`{name}`' for name in known])}"
        moved = "" if place == outer else f", which belongs {where}"
        return f"did you mean `{name}`{moved}?"


SPEC = _SpecWords()
"""The words of a spec."""
