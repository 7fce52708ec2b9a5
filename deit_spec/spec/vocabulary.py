"""What may be written in a kind of document, and what others call it.

A spec has its words here; a recipe, which is checked the same way, brings its own.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from functools import cached_property

from pydantic import BaseModel, ValidationError

from deit_spec.spec.fields import (
    ELSEWHERE,
    SYNONYMS,
    TOP,
    VARIANT,
    meant_by,
    model_of,
)
from deit_spec.spec.limits import LARGEST
from deit_spec.spec.misspelling import is_misspelt
from deit_spec.spec.remembering import remembered
from deit_spec.spec.suggest import listed

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
