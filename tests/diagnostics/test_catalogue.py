"""Every code is explained, and its examples are run."""

import ast
import re
from pathlib import Path

import pytest
import torch
from support.commands import run

from deit_spec import cli
from deit_spec.cli import validate
from deit_spec.diagnostics import CATALOGUE, DiagnosedError, Diagnostic
from deit_spec.diagnostics.explanation import (
    Explanation,
    Mark,
    Part,
    explanation,
    folder,
    part_of,
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
    except (DiagnosedError, ShapeInferenceError) as error:
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

    monkeypatch.setattr(validate.documents, "check_any", fail)
    done = run("validate", "specs/tiny.yaml")
    assert done.returncode == cli.DEFECT
    assert done.stderr == explanation(DEFECT).example[0].text


def test_every_code_has_a_file_and_every_file_a_code() -> None:
    files = {path.name for path in folder().iterdir()}
    assert files == {f"{code}.md" for code in CATALOGUE}


@pytest.mark.parametrize("code", CATALOGUE)
def test_the_file_explains_its_code(code: str) -> None:
    """It has prose in three sections, and an example of one of three kinds."""
    said = explanation(code)
    assert said.entry is CATALOGUE[code]
    for prose in (said.meaning, said.why, said.advice):
        assert prose
        assert "```" not in prose
    languages = [part.language for part in said.example]
    is_yaml = set(languages) == {"yaml"}
    assert is_yaml or languages in (["python", "text"], ["text"])
    assert [part.mark is not None for part in said.example].count(True) == is_yaml
    assert said.fixed
    assert not any(part.mark for part in said.fixed)


@pytest.mark.parametrize("code", CATALOGUE)
def test_the_example_has_no_prose(code: str) -> None:
    text = folder().joinpath(f"{code}.md").read_text(encoding="utf-8")
    example = text.split("## Example\n")[1].split("## How to fix it")[0]
    assert not re.sub(
        r"^```\w+\n.*?^```$", "", example, flags=re.MULTILINE | re.DOTALL
    ).strip()


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


def test_a_mark_is_removed_from_the_text() -> None:
    found = part_of("yaml", "depth: 3\nembed_dim: «770»\n")
    text = "depth: 3\nembed_dim: 770\n"
    assert found == Part("yaml", text, Mark(2, 12, 2, 15))
    assert part_of("yaml", "a: «»1\n").mark == Mark(1, 4, 1, 4)
    assert part_of("yaml", "a: «b:\n  c»\n").mark == Mark(1, 4, 2, 4)
