"""The long form of the catalogue: `codes/` has a file a code, read when asked for.

A file is a title, what the code means, and the sections `Why it matters`,
`Example` and `Mended`, in that order. The example is YAML with the place of the
finding between `«` and `»`, or a script with what is then printed.
"""

import re
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import pairwise
from typing import NamedTuple

from deit_spec.diagnostics.catalogue import CATALOGUE, Entry

SECTIONS = ("Why it matters", "Example", "Mended")
LANGUAGES = ("yaml", "python", "console", "text")
FILE = "spec.yaml"
"""What the file of an example is called where its first line does not say."""

_TITLE = re.compile(r"# (\w+): (\S+)\n")
_HEADING = re.compile(r"^## (.*)\n", re.MULTILINE)
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = re.compile("«(.*?)»", re.DOTALL)
_NAME = re.compile(r"# ([\w.-]+\.yaml)\n")


class MalformedError(ValueError):
    """A file of `codes/` is not laid out as all of them are."""


class Mark(NamedTuple):
    """A place in an example. Lines and columns count from 1; the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Part:
    """A fenced block: a file, a script, or what is printed."""

    language: str
    text: str
    mark: Mark | None = None

    @property
    def name(self) -> str:
        """The file that YAML is written to."""
        found = _NAME.match(self.text)
        return found.group(1) if found else FILE


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a code means, why that matters, and an example before and after."""

    entry: Entry
    meaning: str
    why: str
    example: tuple[Part, ...]
    advice: str
    mended: tuple[Part, ...]


def explanation(code: str) -> Explanation:
    """Read the file of a code.

    Raises:
        KeyError: There is no such code.
        MalformedError: The file is not laid out as it should be.
    """
    text = folder().joinpath(f"{CATALOGUE[code].code}.md").read_text(encoding="utf-8")
    return parse(text)


def folder() -> Traversable:
    """Where the files are."""
    return files("deit_spec.diagnostics").joinpath("codes")


def parse(text: str) -> Explanation:
    """Read the text of a file.

    Raises:
        MalformedError: It is not laid out as it should be.
    """
    title = _TITLE.match(text)
    if title is None:
        raise MalformedError("the first line is not `# CODE: name`")
    entry = CATALOGUE.get(title.group(1))
    if entry is None or entry.name != title.group(2):
        raise MalformedError(f"{title.group().strip()!r} is not in the catalogue")
    meaning, why, example, mended = _sections(text[title.end() :])
    shown = _parts(example)
    if _FENCE.sub("", example).strip():
        raise MalformedError(f"{entry.code}: an example has no words around it")
    _require_layout(entry.code, shown)
    return Explanation(
        entry,
        _prose(entry.code, meaning),
        _prose(entry.code, why),
        shown,
        _prose(entry.code, _FENCE.sub("", mended)),
        _unmarked(entry.code, _parts(mended)),
    )


def _sections(body: str) -> list[str]:
    headings = [*_HEADING.finditer(body)]
    titles = tuple(found.group(1) for found in headings)
    if titles != SECTIONS:
        raise MalformedError(f"the sections are {titles}, not {SECTIONS}")
    ends = [(0, 0), *(found.span() for found in headings), (len(body), len(body))]
    return [body[start:end] for (_, start), (end, _) in pairwise(ends)]


def _prose(code: str, text: str) -> str:
    if not text.strip() or "```" in text:
        raise MalformedError(f"{code}: a section has no words, or an open fence")
    return text.strip()


def _parts(text: str) -> tuple[Part, ...]:
    return tuple(_part(*found.groups()) for found in _FENCE.finditer(text))


def _part(language: str, text: str) -> Part:
    if language not in LANGUAGES:
        raise MalformedError(f"a block of {language!r} is none of {LANGUAGES}")
    found = _MARK.search(text)
    if found is None:
        return Part(language, text)
    plain = text[: found.start()] + found.group(1) + text[found.end() :]
    end = found.start() + len(found.group(1))
    mark = Mark(*_place(plain, found.start()), *_place(plain, end))
    return Part(language, plain, mark)


def _place(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _require_layout(code: str, parts: tuple[Part, ...]) -> None:
    """See that an example is marked YAML, or a script and what it prints."""
    marks = sum(part.mark is not None for part in parts)
    match [part.language for part in parts]:
        case ["yaml", *more] if set(more) <= {"yaml"} and marks == 1:
            return
        case ["python", "text"] | ["text"] if marks == 0:
            return
    raise MalformedError(f"{code}: the example is neither marked YAML nor a script")


def _unmarked(code: str, parts: tuple[Part, ...]) -> tuple[Part, ...]:
    if not parts or any(part.mark for part in parts):
        raise MalformedError(f"{code}: what is mended is not there, or is marked")
    return parts
