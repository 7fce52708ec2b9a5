"""The names of fields: those of the schema, of other tools, and misspellings."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from pydantic import BaseModel, ValidationError

from deit_spec.spec.nearest import one_of
from deit_spec.spec.schema import DeiTSpec, Variant
from deit_spec.spec.training_names import is_training_setting

Path = tuple[str, ...]


def by_synonym(names: Mapping[str, str]) -> dict[str, str]:
    """The field of each of its other names, which are separated by spaces."""
    return {each: name for name, words in names.items() for each in words.split()}


SYNONYMS: Final = by_synonym(
    {
        "image_size": "img_size input_size resolution",
        "in_channels": "in_chans num_channels",
        "embed_dim": "hidden_size d_model dim num_features width",
        "depth": "layers layer n_layers num_layers num_blocks num_hidden_layers",
        "num_heads": "heads n_heads num_attention_heads",
        "dropout": "drop drop_rate proj_drop_rate hidden_dropout_prob",
        "num_classes": "classes num_labels nb_classes",
        "distillation_token": "distilled",
        "drop_path": "drop_path_rate drop_connect drop_connect_rate",
        "layer_scale": "init_values",
        "layer_norm_eps": "eps",
        "extends": "_base_ base inherits parent model model_name arch architecture "
        "backbone",
    }
)
"""What timm, transformers and papers call the fields."""

_APPROXIMATE: Final = frozenset(
    [
        "arch",
        "architecture",
        "backbone",
        "drop",
        "drop_connect",
        "drop_connect_rate",
        "model",
        "model_name",
        "drop_rate",
        "hidden_dropout_prob",
        "dim",
        "proj_drop_rate",
        "width",
        "num_features",
        "layer",
        "eps",
        "classes",
    ]
)
"""Synonyms that mean nearly what our field does: a help names it, no fix renames it."""

_UNSUPPORTED: Final = {
    "intermediate_size": "`mlp_ratio` is this divided by `embed_dim`",
    "mlp_dim": "`mlp_ratio` is this divided by `embed_dim`",
    "no_embed_class": "use `position_embedding: patches` under `variant`",
    "pos_drop_rate": "`dropout` sets this rate, and that of the projections",
    "attn_drop_rate": "remove it: attention weights have no dropout",
    "attention_probs_dropout_prob": "remove it: attention weights have no dropout",
    "hidden_act": "remove it: the MLP always uses the exact GELU",
    "global_pool": "use `readout` under `variant`",
    "gp": "use `readout` under `variant`",
    "drop_block": "remove it: the model has no such layer",
    "drop_block_rate": "remove it: the model has no such layer",
    "num_patches": "remove it: it follows from `image_size` and `patch_size`",
    "version": "remove it: a spec has no version",
    "head_dim": "`embed_dim` is this multiplied by `num_heads`",
}
"""Fields of other tools that have no counterpart here, with what to do about them."""

_PAIR: Final = re.compile(r"([A-Za-z_][\w-]*)(?:[:=]| +(?=[-+.]*\d))([\w.+~/-]+)")
_SHAPE_LENGTHS: Final = (2, 3)
"""The lengths of `[height, width]` and `[channels, height, width]`."""
_SIMILAR: Final = 0.7
_SIMILAR_ELSEWHERE: Final = 0.8
_MISSPELT: Final = 0.8
"""The similarity, up to 1, from which a word may be, and is, another one misspelt."""


@dataclass(eq=False)
class FieldNames:
    """The fields of one kind of document by path, and the names that mean them.

    `sections` are the mappings with fields, `synonyms` other names of the last key of a
    path, of which `approximate` mean only nearly the same. `unsupported` keys mean no
    field, with a help; `sides` are the sides of squares. `is_model`: training settings
    belong elsewhere, and no section is around the fields.
    """

    model: type[BaseModel]
    sections: Mapping[str, type[BaseModel]]
    synonyms: Mapping[str, str]
    approximate: frozenset[str] = frozenset()
    unsupported: Mapping[str, str] = field(default_factory=dict)
    sides: Mapping[Path, str] = field(default_factory=dict)
    is_model: bool = False

    def model_of(self, path: Path) -> type[BaseModel]:
        """The model that has the field at a path."""
        inner = self.sections.get(path[0]) if len(path) > 1 else None
        return inner or self.model

    def is_known(self, path: Path) -> bool:
        """Whether there is a field at a path."""
        has_fields = len(path) == 1 or self.is_section(path[:-1])
        return has_fields and path[-1] in self.model_of(path).model_fields

    def is_section(self, path: Path) -> bool:
        """Whether the field at a path has fields itself."""
        return len(path) == 1 and path[0] in self.sections

    def fits(self, path: Path, value: object) -> bool:
        """Whether a field takes a value, whatever other fields are missing."""
        try:
            self.model_of(path).model_validate({path[-1]: value})
        except ValidationError as error:
            return all(found["loc"][0] != path[-1] for found in error.errors())
        return True

    def default_of(self, path: Path) -> object:
        """The default of the field at a path; `...` for a required field."""
        info = self.model_of(path).model_fields[path[-1]]
        return ... if info.is_required() else info.get_default()

    def example_of(self, path: Path) -> object:
        """A value of the field at a path, for a field without a default."""
        return (self.model_of(path).model_fields[path[-1]].examples or [None])[0]

    def resolve(self, path: Path) -> Path:
        """The field that an unknown key most likely means; the path itself if none.

        >>> SPEC.resolve(("drop_path_rate",))
        ('variant', 'drop_path')
        """
        found = self._candidates(path)
        return found[0] if len(found) == 1 else path

    def is_training(self, path: Path) -> bool:
        """Whether an unknown key is a training setting, which belongs in a recipe.

        >>> SPEC.is_training(("num_epochs",)), SPEC.is_training(("depht",))
        (True, False)
        """
        key = path[-1]
        if not self.is_model or not is_training_setting(key):
            return False
        return key not in self.unsupported and not self.is_key(key)

    def fields_in(self, path: Path, value: object) -> list[Path]:
        """The fields that an unknown key at the top level holds, such as `model`.

        >>> SPEC.fields_in(("model",), {"hidden_size": 192, "type": "deit"})
        [('embed_dim',)]
        """
        if not self.is_model or len(path) > 1 or not isinstance(value, Mapping):
            return []
        if self.is_training(path) or self.is_section(self.resolve(path)):
            return []
        keys = [_plain(key) for key in value if isinstance(key, str)]
        known = [(key,) for key in keys if key in self.names]
        found = [key if self.is_known(key) else self.resolve(key) for key in known]
        return [each for each in found if self.is_known(each) and each != ("name",)]

    def suggestion(self, path: Path, value: object = None) -> str:
        """The help for an unknown key.

        >>> SPEC.suggestion(("depht",))
        'did you mean `depth`?'
        """
        if path[-1] in self.unsupported:
            return self.unsupported[path[-1]]
        if self.fields_in(path, value):
            return "write its keys at the top level"
        found = self._candidates(path)
        if len(found) == 1:
            return self._in_place(found[0], path, value)
        fields = [f"`{'.'.join(each)}`" for each in found]
        if fields:
            return f"did you mean {one_of(fields)}?"
        known = [f"`{name}`" for name in self.model_of(path).model_fields]
        return f"remove it, or use one of {one_of(known)}"

    def _in_place(self, found: Path, path: Path, value: object) -> str:
        """The help to write a field in its place."""
        (*place, name), (*outer, key) = found, path
        if name == "extends" and isinstance(value, str):
            return f"did you mean `extends: {value}`?"
        where = f"under `{place[0]}`" if place else "at the top level"
        if "." in key:
            return f"write `{name}` {where}"
        if name == key and place != outer:
            return f"`{key}` belongs {where}"
        moved = "" if place == outer else f", which belongs {where}"
        return f"did you mean `{name}`{moved}?"

    def is_misspelt(self, written: str, name: str) -> bool:
        """Whether a key or value is certainly this name, misspelt or a synonym."""
        plain = _plain(written)
        if plain in self.approximate:
            return False
        return self.synonyms.get(plain) == name or is_misspelt(
            written, name, self._words
        )

    def is_key(self, written: str) -> bool:
        """Whether a word is a key, possibly misspelt."""
        # A misspelling keeps the first letter.
        first = written[:1].lower()
        alike = [name for name in self.names if name[0] == first]
        return written in alike or any(self.is_misspelt(written, w) for w in alike)

    def _candidates(self, path: Path) -> list[Path]:
        """The most similar fields: one of the same mapping, or those of the others."""
        from difflib import SequenceMatcher, get_close_matches  # noqa: PLC0415

        *outer, key = path
        if key in self.unsupported or self.is_training(path):
            return []
        section, _, name = key.partition(".")
        if section in self.sections and self.is_known((section, name)):
            return [(section, name)]
        if pair := pair_in(key):
            key = pair[0]
        plain, scores = re.sub("[ -]", "_", key).lower(), dict[Path, float]()
        places = [((name,), model) for name, model in self.sections.items()]
        for place, model in ((), self.model), *places:
            words = {
                word: name
                for word, name in self.synonyms.items()
                # What names a base resembles too many other words.
                if name in model.model_fields and (name != "extends" or word == plain)
            }
            words |= {name: name for name in model.model_fields}
            least = _SIMILAR if place == tuple(outer) else _SIMILAR_ELSEWHERE
            for word in get_close_matches(plain, words, 1, least):
                score = SequenceMatcher(None, word, plain).ratio()
                scores[*place, words[word]] = score
        best = max(scores.values(), default=0)
        found = [target for target, score in scores.items() if score == best]
        return [each for each in found if each[:-1] == tuple(outer)] or found

    @cached_property
    def names(self) -> list[str]:
        """The names of all fields, and every other key that is recognised."""
        models = (self.model, *self.sections.values())
        fields = [name for model in models for name in model.model_fields]
        return [*fields, *self.synonyms, *self.unsupported]

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(word for name in self.names for word in name.split("_"))


def side_in(value: object) -> int | None:
    """The side of a square that is written as its shape, such as `[3, 224, 224]`."""
    if not isinstance(value, list | tuple) or len(value) not in _SHAPE_LENGTHS:
        return None
    *_, height, width = value
    return height if height == width and type(height) is type(width) is int else None


def pair_in(key: str) -> tuple[str, str] | None:
    """The key and the value in a key, as YAML reads `{embed_dim:192}`."""
    found = _PAIR.fullmatch(key)
    return (found[1], found[2]) if found else None


def is_misspelt(written: str, name: str, known: Collection[str] = ()) -> bool:
    """Whether `written` is certainly `name`, misspelt.

    They are compared word by word, as `num_kv_heads` is not a misspelling of
    `num_heads`. A word that is one of `known` is not a misspelling of another.

    >>> is_misspelt("Embed-Dims", "embed_dim"), is_misspelt("depht", "depth")
    (True, True)
    """
    words, ours = _plain(written).split("_"), name.split("_")
    if "".join(words) == "".join(ours):
        return True
    return len(words) == len(ours) and all(
        _is_misspelt_word(word, our, known)
        for word, our in zip(words, ours, strict=True)
    )


def _is_misspelt_word(written: str, word: str, known: Collection[str]) -> bool:
    """Whether a word is another but for its plural, or a typing error."""
    if written.removesuffix("s") == word.removesuffix("s"):
        return True
    # Short words have neighbours of another meaning: `in` and `out`.
    if len(word) <= 3 or written[:1] != word[:1] or written in known:  # noqa: PLR2004
        return False
    from difflib import SequenceMatcher  # noqa: PLC0415  -- on errors alone

    return SequenceMatcher(None, written, word).ratio() >= _MISSPELT


def _plain(written: str) -> str:
    """A name in the style of our keys; nothing if it has other characters."""
    plain = re.sub("[ -]", "_", written).lower()
    return plain if re.fullmatch("[a-z_]+", plain) else ""


SPEC: Final = FieldNames(
    DeiTSpec,
    {"variant": Variant},
    SYNONYMS,
    _APPROXIMATE,
    _UNSUPPORTED,
    sides={("image_size",): "images", ("patch_size",): "patches"},
    is_model=True,
)
"""The names of a spec: its fields, and those under `variant`."""
