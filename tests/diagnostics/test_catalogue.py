"""Every code is explained, and its examples are run."""

import ast
import re
from pathlib import Path

import pytest
import torch
from support.commands import run

from deit_spec import SpecError, WeightsError, cli
from deit_spec.cli import validate
from deit_spec.diagnostics import CATALOGUE, Diagnostic
from deit_spec.diagnostics.explanation import (
    Explanation,
    MalformedError,
    Mark,
    Part,
    explanation,
    folder,
    parse,
)
from deit_spec.diagnostics.text import render
from deit_spec.explain.code_page import findings_of
from deit_spec.passes import ShapeInferenceError

ROOT = Path(__file__).parents[2]
DEFECT = "DS901"
# Runtime errors of recipes have only text; tests of the recipes check them.
REPORTED = [
    code for code in CATALOGUE if explanation(code).example[0].language != "text"
]


def language_of(parts: tuple[Part, ...]) -> str:
    return parts[0].language


def findings_of_script(text: str) -> tuple[Diagnostic, ...]:
    """Run a script; return the diagnostics that it raises, or its last line gives."""
    body = ast.parse(text).body
    last = body.pop()
    assert isinstance(last, ast.Expr), "the last line is not an expression"
    names: dict[str, object] = {}
    try:
        exec(compile(ast.Module(body, []), "<script>", "exec"), names)  # noqa: S102
        value = eval(compile(ast.Expression(last.value), "<script>", "eval"), names)  # noqa: S307
    except (SpecError, WeightsError, ShapeInferenceError) as error:
        return tuple(error.diagnostics)
    found = getattr(value, "diagnostics", value)
    values: tuple[object, ...] = found if isinstance(found, tuple) else ()
    return tuple(each for each in values if isinstance(each, Diagnostic))


def found_in(
    parts: tuple[Part, ...], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Diagnostic, ...]:
    if language_of(parts) == "yaml":
        return findings_of(parts)
    monkeypatch.chdir(folder)
    # An example can set another version of torch.
    monkeypatch.setattr(torch, "__version__", torch.__version__)
    return findings_of_script(parts[0].text)


def location_of(found: Diagnostic) -> tuple[str, Mark]:
    span = found.primary.span
    location = Mark(span.line, span.column, span.end_line, span.end_column)
    return span.source.name, location


def printed(said: Explanation) -> str:
    """The output of the script, according to the explanation."""
    return said.example[1].text


@pytest.mark.parametrize("code", REPORTED)
def test_the_example_has_exactly_this_finding(
    code: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pytestconfig: pytest.Config,
) -> None:
    said = explanation(code)
    found = found_in(said.example, tmp_path, monkeypatch)
    assert [each.code for each in found] == [code]
    if language_of(said.example) == "yaml":
        (marked,) = (part for part in said.example if part.mark)
        assert location_of(found[0]) == (marked.name, marked.mark)
        return
    shown = f"{render(found).plain}\n"
    if shown != printed(said) and pytestconfig.getoption("force_regen"):
        path = Path(str(folder().joinpath(f"{code}.md")))
        text = path.read_text(encoding="utf-8")
        old = f"```text\n{printed(said)}```"
        path.write_text(text.replace(old, f"```text\n{shown}```"), encoding="utf-8")
    assert shown == printed(said)


@pytest.mark.parametrize("code", REPORTED)
def test_the_fixed_example_is_clean(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = explanation(code)
    assert language_of(said.fixed) == language_of(said.example)
    assert found_in(said.fixed, tmp_path, monkeypatch) == ()


def test_an_internal_error_is_printed_as_explained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("blocks.0.norm1")

    monkeypatch.setattr(validate, "check_any", fail)
    done = run("validate", "specs/tiny.yaml")
    assert done.returncode == cli.DEFECT
    assert done.stderr == explanation(DEFECT).example[0].text


def test_every_code_has_a_file_and_every_file_a_code() -> None:
    files = {path.name for path in folder().iterdir()}
    assert files == {f"{code}.md" for code in CATALOGUE}


@pytest.mark.parametrize("code", CATALOGUE)
def test_the_file_explains_its_code(code: str) -> None:
    assert explanation(code).entry is CATALOGUE[code]


def test_names_are_short_words_and_unique() -> None:
    names = [entry.name for entry in CATALOGUE.values()]
    assert len(set(names)) == len(names)
    for name in names:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)


def test_every_code_is_used_and_no_other() -> None:
    """A code without an entry would only fail when it is reported."""
    catalogue = ROOT / "deit_spec/diagnostics/catalogue.py"
    made = {
        code
        for path in ROOT.glob("deit_spec/**/*.py")
        for code in re.findall(r"\bDS\d{3}\b", path.read_text(encoding="utf-8"))
        if path != catalogue and "explain" not in path.parts
    }
    assert made == set(CATALOGUE)


GOOD = """\
# DS203: heads-do-not-fill-width

Meaning.

## Why it matters

Why.

## Example

```yaml
embed_dim: «770»
```

## How to fix it

Advice.

```yaml
embed_dim: 768
```
"""


def test_parse() -> None:
    said = parse(GOOD)
    assert (said.meaning, said.why, said.advice) == ("Meaning.", "Why.", "Advice.")
    assert said.example == (Part("yaml", "embed_dim: 770\n", Mark(1, 12, 1, 15)),)
    assert said.fixed == (Part("yaml", "embed_dim: 768\n"),)


def test_a_mark_can_be_empty_or_span_lines() -> None:
    empty = parse(GOOD.replace("«770»", "«»770")).example[0]
    assert (empty.text, empty.mark) == ("embed_dim: 770\n", Mark(1, 12, 1, 12))
    long = parse(GOOD.replace("«770»", "«770\n  # more»")).example[0]
    assert long.mark == Mark(1, 12, 2, 9)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# DS203:", "## DS203:"),
        ("DS203", "DS999"),
        ("heads-do", "head-do"),
        ("Meaning.", ""),
        ("Why.", ""),
        ("Advice.", ""),
        ("## Why it matters", "## Why"),
        ("## How to fix it", "## Example"),
        ("«770»", "770"),
        ("768", "«768»"),
        ("```yaml\nembed_dim: «", "Prose.\n\n```yaml\nembed_dim: «"),
        ("```yaml\nembed_dim: «", "```json\nembed_dim: «"),
        ("```yaml\nembed_dim: 768\n```", ""),
        ("```yaml\nembed_dim: 768\n```", "```yaml\nembed_dim: 768"),
    ],
)
def test_a_malformed_explanation_is_rejected(old: str, new: str) -> None:
    assert old in GOOD
    with pytest.raises(MalformedError):
        parse(GOOD.replace(old, new))
