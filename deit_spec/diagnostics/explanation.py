"""The explanation of each code, from the file `codes/CODE.md`.

A file is a title, the meaning of the code, and the sections `Why it matters`,
`Example` and `How to fix it`. The example is YAML files, with the location of the
finding between `«` and `»`, or what a Python script prints, with or without the script.
"""

import re
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final, NamedTuple

from deit_spec.diagnostics.catalogue import CATALOGUE, Entry

FILE: Final = "spec.yaml"
"""The file name of an example whose first line is not a comment with its name."""

_LAYOUT: Final = re.compile(
    r"# (DS\d{3}: \S+)\n(.*)^## Why it matters\n(.*)"
    r"^## Example\n(.*)^## How to fix it\n(.*)",
    re.MULTILINE | re.DOTALL,
)
_BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK: Final = re.compile("«(.*?)»", re.DOTALL)
_NAME: Final = re.compile(r"# ([\w.-]+\.yaml)\n")


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


def folder() -> Traversable:
    """Return the folder with the explanations."""
    return files("deit_spec.diagnostics").joinpath("codes")


def explanation(code: str) -> Explanation:
    """Read the explanation of a code, or raise a KeyError."""
    entry = CATALOGUE[code]
    text = folder().joinpath(f"{entry.code}.md").read_text(encoding="utf-8")
    found = _LAYOUT.fullmatch(text)
    if found is None or found[1] != f"{entry.code}: {entry.name}":
        raise AssertionError(f"{entry.code}.md is malformed")
    _, meaning, why, example, fix = found.groups()
    rest = _parts(example), _BLOCK.sub("", fix).strip(), _parts(fix)
    return Explanation(entry, meaning.strip(), why.strip(), *rest)


def _parts(text: str) -> tuple[Part, ...]:
    return tuple(part_of(*found.groups()) for found in _BLOCK.finditer(text))


def part_of(language: str, text: str) -> Part:
    """Remove the mark from the text of a block."""
    found = _MARK.search(text)
    if found is None:
        return Part(language, text)
    plain = text[: found.start()] + found[1] + text[found.end() :]
    start, end = found.start(), found.start() + len(found[1])
    mark = Mark(*_position(plain, start), *_position(plain, end))
    return Part(language, plain, mark)


def _position(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
