"""The explanation of a code, and the page of all codes."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import chdir
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

from deit_spec.diagnostics import CATALOGUE, Diagnostic
from deit_spec.diagnostics.explanation import Explanation, Part, explanation
from deit_spec.recipe.documents import check_any

Block: TypeAlias = str | tuple[Diagnostic, ...]
"""Markdown, or diagnostics that a terminal shows in color."""

_INTRODUCTION = """\
<!--- `make docs` writes this page from the files of deit_spec/diagnostics/codes/. -->

# Diagnostics

All codes that deit-spec reports. [Messages](messages.md) describes the format of a
message. `deit-spec explain CODE` prints an entry of this page.

| codes | subject |
|---|---|
| DS0xx | YAML syntax |
| DS1xx | a single field |
| DS2xx | several fields |
| DS3xx | the graph and its shapes |
| DS4xx | weights |
| DS5xx | recipes and training |
| DS9xx | internal errors |

An error rejects the spec, the recipe or the weights. Warnings and notes do not.
"""


def code_page(code: str, level: int = 1) -> Iterator[Block]:
    """Explain a code: its meaning, why it matters, an example, and how to fix it.

    A YAML example is validated, and the diagnostics follow it.
    """
    found = explanation(code)
    entry, title, section = found.entry, "#" * level, "#" * (level + 1)
    yield f"{title} {code}: {entry.name}\n"
    yield f"{found.meaning}\n"
    yield f"Severity: {entry.severity.value}.\n"
    yield f"{section} Why it matters\n\n{found.why}\n"
    yield f"{section} Example\n"
    yield from map(_fence, found.example)
    if findings := _live(found):
        yield findings
    yield f"{section} How to fix it\n\n{found.advice}\n"
    yield from map(_fence, found.fixed)


def catalogue_page() -> Iterator[Block]:
    """Explain every code, after a table of all."""
    yield _INTRODUCTION
    yield code_table(links=True)
    for code in CATALOGUE:
        yield from code_page(code, level=2)


def code_table(*, links: bool = False) -> str:
    """Write a table of all codes, with links to their explanations if requested."""
    rows = [
        f"| {_link(entry.code) if links else entry.code} | {entry.severity.value} "
        f"| {entry.name} | {entry.summary} |\n"
        for entry in CATALOGUE.values()
    ]
    head = "| code | severity | name | meaning |\n|---|---|---|---|\n"
    return "".join([head, *rows])


def code_json(code: str) -> dict[str, Any]:
    """Explain a code as JSON."""
    from deit_spec.diagnostics.text import render  # noqa: PLC0415  -- imports rich

    found = explanation(code)
    entry = found.entry
    findings = _live(found)
    return {
        "code": entry.code,
        "name": entry.name,
        "severity": entry.severity.value,
        "summary": entry.summary,
        "meaning": found.meaning,
        "why": found.why,
        "example": [_part_json(part) for part in found.example],
        "prints": render(findings).plain if findings else None,
        "advice": found.advice,
        "fixed": [_part_json(part) for part in found.fixed],
    }


def joined(blocks: Iterable[Block]) -> Iterator[Block]:
    """Join the Markdown between diagnostics into one block."""
    for is_text, group in groupby(blocks, lambda block: isinstance(block, str)):
        if is_text:
            yield "\n".join(map(str, group))
        else:
            yield from group


def as_markdown(blocks: Iterable[Block]) -> str:
    """Write a page as Markdown, with diagnostics as text blocks."""
    from deit_spec.diagnostics.text import render  # noqa: PLC0415  -- imports rich

    texts = [
        block if isinstance(block, str) else _fence(Part("text", f"{render(block)}\n"))
        for block in blocks
    ]
    return "\n".join(texts)


def _fence(part: Part) -> str:
    return f"```{part.language}\n{part.text}```\n"


def _live(found: Explanation) -> tuple[Diagnostic, ...]:
    """Validate a YAML example. Scripts are not run."""
    if found.example[0].language != "yaml":
        return ()
    return findings_of(found.example)


def _link(code: str) -> str:
    return f"[{code}](#{code}-{CATALOGUE[code].name})".replace("#DS", "#ds")


def _part_json(part: Part) -> dict[str, Any]:
    found = asdict(part)
    found["mark"] = part.mark._asdict() if part.mark else None
    if part.language == "yaml":
        found["file"] = part.name
    return found


def findings_of(parts: Sequence[Part]) -> tuple[Diagnostic, ...]:
    """Validate the first file of a YAML example, with the others next to it."""
    with TemporaryDirectory() as folder, chdir(folder):
        for part in parts:
            Path(part.name).write_text(part.text, encoding="utf-8")
        return check_any(Path(parts[0].name)).diagnostics
