"""The explanation of a code, and the page of all codes."""

from collections.abc import Iterator, Sequence
from contextlib import chdir
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deit_spec.diagnostics import CATALOGUE, Diagnostic
from deit_spec.diagnostics.explanation import Explanation, Part, explanation
from deit_spec.recipe.documents import check_any

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
| DS6xx | export |
| DS9xx | internal errors |

An error rejects the spec, the recipe or the weights. Warnings and notes do not.
"""


def code_page(code: str, level: int = 1) -> str:
    """Explain a code as Markdown, with the diagnostics of its example."""
    return "\n".join(_blocks(explanation(code), level))


def _blocks(found: Explanation, level: int) -> Iterator[str]:
    entry, title, section = found.entry, "#" * level, "#" * (level + 1)
    yield f"{title} {entry.code}: {entry.name}\n"
    yield f"{found.meaning}\n"
    yield f"Severity: {entry.severity.value}.\n"
    yield f"{section} Why it matters\n\n{found.why}\n"
    yield f"{section} Example\n"
    yield from map(_fence, found.example)
    if printed := _printed(found):
        yield _fence(Part("text", f"{printed}\n"))
    yield f"{section} How to fix it\n\n{found.advice}\n"
    yield from map(_fence, found.fixed)


def catalogue_page() -> str:
    """Explain every code, after a table of all."""
    pages = (code_page(code, level=2) for code in CATALOGUE)
    return "\n".join([_INTRODUCTION, code_table(links=True), *pages])


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
    found = explanation(code)
    entry = found.entry
    return {
        "code": entry.code,
        "name": entry.name,
        "severity": entry.severity.value,
        "summary": entry.summary,
        "meaning": found.meaning,
        "why": found.why,
        "example": [_part_json(part) for part in found.example],
        "prints": _printed(found),
        "advice": found.advice,
        "fixed": [_part_json(part) for part in found.fixed],
    }


def findings_of(parts: Sequence[Part]) -> tuple[Diagnostic, ...]:
    """Validate the first file of a YAML example, with the others next to it."""
    with TemporaryDirectory() as folder, chdir(folder):
        for part in parts:
            Path(part.name).write_text(part.text, encoding="utf-8")
        return check_any(Path(parts[0].name)).diagnostics


def _printed(found: Explanation) -> str | None:
    """Return what `validate` prints for a YAML example. Scripts are not run."""
    from deit_spec.diagnostics.text import render  # noqa: PLC0415  -- imports rich

    if found.example[0].language != "yaml":
        return None
    return render(findings_of(found.example)).plain


def _fence(part: Part) -> str:
    return f"```{part.language}\n{part.text}```\n"


def _link(code: str) -> str:
    return f"[{code}](#{code}-{CATALOGUE[code].name})".replace("#DS", "#ds")


def _part_json(part: Part) -> dict[str, Any]:
    found = asdict(part)
    found["mark"] = part.mark._asdict() if part.mark else None
    if part.language == "yaml":
        found["file"] = part.name
    return found
