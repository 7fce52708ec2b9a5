"""The explanation of each code, from the file `codes/CODE.md`.

A file is a title, the meaning of the code, and the sections `Why it matters`,
`Example` and `How to fix it`. The example is one of:

- YAML files, with the location of the finding between `«` and `»`,
- a Python script and what it prints,
- only what is printed.
"""

import re
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final, NamedTuple

from deit_spec.diagnostics.catalogue import CATALOGUE, Entry

FILE: Final = "spec.yaml"
"""The file name of an example whose first line is not a comment with its name."""

_TITLE: Final = re.compile(r"# (\w+): (\S+)\n")
_SECTION: Final = re.compile(r"^## (.*)\n", re.MULTILINE)
_SECTIONS: Final = ["Why it matters", "Example", "How to fix it"]
_BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LANGUAGES: Final = ("yaml", "python", "console", "text")
_MARK: Final = re.compile("«(.*?)»", re.DOTALL)
_NAME: Final = re.compile(r"# ([\w.-]+\.yaml)\n")


class MalformedError(ValueError):
    """A file does not have the layout of an explanation."""


class Mark(NamedTuple):
    """A range of an example. Lines and columns are 1-based; the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Part:
    """A fenced block of an example: a file, a script, or what is printed."""

    language: str
    text: str
    mark: Mark | None = None

    @property
    def name(self) -> str:
        """The name of the YAML file."""
        found = _NAME.match(self.text)
        return found[1] if found else FILE


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a code means, why it matters, an example, and how to fix it."""

    entry: Entry
    meaning: str
    why: str
    example: tuple[Part, ...]
    advice: str
    fixed: tuple[Part, ...]


def explanation(code: str) -> Explanation:
    """Read the explanation of a code.

    Raises:
        KeyError: The code does not exist.
        MalformedError: The file is malformed.
    """
    text = folder().joinpath(f"{CATALOGUE[code].code}.md").read_text(encoding="utf-8")
    return parse(text)


def folder() -> Traversable:
    """Return the folder with the explanations."""
    return files("deit_spec.diagnostics").joinpath("codes")


def parse(text: str) -> Explanation:
    """Parse an explanation.

    Raises:
        MalformedError: The text does not have the layout of an explanation.
    """
    title, (head, *rest) = _TITLE.match(text), _SECTION.split(text)
    if title is None or rest[::2] != _SECTIONS:
        raise MalformedError(f"the title or the sections are wrong: {rest[::2]}")
    code, name = title.groups()
    entry = CATALOGUE.get(code)
    if entry is None or entry.name != name:
        raise MalformedError(f"`{code}: {name}` is not in the catalogue")
    meaning, (why, example, fix) = head[title.end() :], rest[1::2]
    shown, fixed = _parts(example), _parts(fix)
    languages = [part.language for part in shown]
    is_yaml = set(languages) == {"yaml"}
    if not is_yaml and languages not in (["python", "text"], ["text"]):
        raise MalformedError(f"{code}: the example is not YAML, a script or a text")
    marks = sum(part.mark is not None for part in shown)
    if marks != is_yaml or not fixed or any(part.mark for part in fixed):
        raise MalformedError(f"{code}: {marks} marks in the example, or one in the fix")
    if _BLOCK.sub("", example).strip():
        raise MalformedError(f"{code}: the example contains prose")
    advice = _BLOCK.sub("", fix)
    return Explanation(
        entry, _prose(meaning), _prose(why), shown, _prose(advice), fixed
    )


def _prose(text: str) -> str:
    if not text.strip() or "```" in text:
        raise MalformedError("a section has no prose, or an unclosed block")
    return text.strip()


def _parts(text: str) -> tuple[Part, ...]:
    return tuple(_part(*found.groups()) for found in _BLOCK.finditer(text))


def _part(language: str, text: str) -> Part:
    if language not in _LANGUAGES:
        raise MalformedError(f"unknown language: {language}")
    found = _MARK.search(text)
    if found is None:
        return Part(language, text)
    plain = text[: found.start()] + found[1] + text[found.end() :]
    end = found.start() + len(found[1])
    return Part(
        language, plain, Mark(*_position(plain, found.start()), *_position(plain, end))
    )


def _position(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
