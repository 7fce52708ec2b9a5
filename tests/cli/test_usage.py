"""What a wrong argument is told, and in whose words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from support.commands import run
from typer.testing import CliRunner

from deit_spec.cli.app import app

TINY = "specs/tiny.yaml"


def commands(group: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if hasattr(command, "commands"):
            yield from commands(command, *path, name)
        else:
            yield (*path, name), command


OPTIONS = [
    pytest.param([*path, option.opts[-1]], id=" ".join([*path, option.opts[-1]]))
    for path, command in commands(typer.main.get_command(app))
    for option in command.params
    if option.opts[-1].startswith("--") and not option.is_flag
]


def test_every_command_is_walked() -> None:
    walked = {id_.split()[0] for each in OPTIONS if (id_ := each.id)}
    assert walked >= {"validate", "cost", "render", "weights"}


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("value", ["§", "-1"])
def test_no_option_answers_in_a_librarys_words(
    option: list[str], value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, [*option, value])
    said = " ".join(result.output.split())
    assert result.exit_code in {0, 2}
    assert "Value error" not in said
    assert "Input should" not in said


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--by", "foo", "'foo' is not one of 'stage', 'layer', 'node'."),
        ("--dtype", "int8", "'int8' is not one of 'float32', 'float16',"),
        ("--batch", "x", "'x' is not an integer."),
        ("--batch", "1.5", "'1.5' is not an integer."),
        ("--batch", "0", "0 is not at least 1."),
        ("--batch", "2000000000", "2000000000 is not at most 1,000,000,000."),
    ],
)
def test_words(option: str, value: str, words: str) -> None:
    done = run("cost", TINY, option, value)
    said = " ".join(done.stderr.replace("│", " ").split())
    assert (done.returncode, done.stdout) == (2, "")
    assert f"Invalid value for '{option}': {words}" in said


@pytest.mark.parametrize("command", ["compile", "render", "cost"])
@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("digits.yaml", "a recipe, not a spec; its student.spec names one"),
        ("digits-study.yaml", "a study, not a spec"),
    ],
)
def test_a_recipe_is_no_spec(command: str, file: str, kind: str) -> None:
    """In one line, not in one for every section."""
    done = run(command, f"recipes/{file}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: recipes/{file} is {kind}\n"
