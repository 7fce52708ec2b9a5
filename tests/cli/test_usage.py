"""Arguments and options, help, exit codes, and errors of the usage."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.commands import run

import deit_spec
from deit_spec.cli import app, inputs, validate
from deit_spec.diagnostics import json_form

TINY = "specs/tiny.yaml"


def walk(group: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if hasattr(command, "commands"):
            yield from walk(command, *path, name)
        else:
            yield (*path, name), command


ALL = list(walk(app.command()))
OPTIONS = [
    pytest.param([*path, option.opts[-1]], id=" ".join([*path, option.opts[-1]]))
    for path, command in ALL
    for option in command.params
    if option.opts[-1].startswith("--") and not option.is_flag
]


def test_every_command_is_tested() -> None:
    assert {path[0] for path, _ in ALL} == app.COMMANDS.keys()


@pytest.mark.parametrize("width", ["60", "80", "120"])
def test_help_is_plain_and_wraps_between_words(width: str) -> None:
    for path, _ in [((), None), (("weights",), None), *ALL]:
        done = run(*path, "--help", env={"COLUMNS": width})
        assert (done.returncode, done.stderr) == (0, "")
        lines = done.stdout.splitlines()
        assert lines[0].startswith(" ".join(["Usage: deit-spec", *path]))
        for word in ("<str>", "<bool>", "list[", "range>", "{", "╭"):
            assert word not in done.stdout
        options = [line for line in lines if not line.startswith("  -")]
        assert max(map(len, options)) <= int(width)


def test_short_help_is_not_truncated() -> None:
    for arguments in (("--help",), ("weights", "--help")):
        assert "..." not in run(*arguments).stdout.partition("Commands:")[2]


def test_an_error_in_a_global_option_is_in_our_words() -> None:
    done = run("--message-format", "xml", "validate", TINY)
    assert done.returncode == 2
    assert ": 'xml' is not one of 'text', 'concise'," in done.stderr


def test_an_error_of_the_system_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run("train", "recipes/digits.yaml", "-o", tmp_path / "file")
    assert done.returncode == 2
    assert done.stderr == f"error: {tmp_path / 'file'}: not a directory\n"


@pytest.mark.parametrize("option", OPTIONS)
def test_errors_do_not_use_the_words_of_pydantic(
    option: list[str], tmp_path: Path
) -> None:
    for value in ("§", "-1"):
        done = run(*option, value, cwd=tmp_path)
        assert done.returncode in {0, 2}
        for words in ("Value error", "Input should", "Traceback"):
            assert words not in done.stderr


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
def test_messages(option: str, value: str, words: str) -> None:
    done = run("cost", TINY, option, value)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"Error: Invalid value for '{option}': {words}" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 2),
        (["--nope"], 2),
        (["validat", TINY], 2),
        (["validate"], 2),
        (["validate", TINY, "--nope"], 2),
        (["validate", "nowhere.yaml"], 1),
        (["validate", "specs/published/.."], 0),
        (["validate", "a\x01b.yaml"], 1),
        (["compile", TINY, "--target", "both"], 2),
        (["render", TINY, "--width", "10"], 2),
        (["render", "nowhere.yaml"], 1),
        (["--version"], 0),
    ],
)
def test_exit_codes(arguments: list[str], code: int) -> None:
    done = run(*arguments)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


def test_version() -> None:
    assert run("--version").stdout == f"deit-spec {deit_spec.__version__}\n"


def test_a_misspelt_command_is_suggested() -> None:
    assert "Did you mean 'validate'" in run("validat", TINY).stderr


@pytest.mark.parametrize("command", ["validate", "compile", "render", "cost"])
def test_empty_names(command: str) -> None:
    done = run(command, "")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: the name is empty\n"
    options = ("--output-format", "json") if command == "validate" else ()
    done = run(command, TINY, *options, "-o", "")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: cannot write .: it is a directory\n"


@pytest.mark.parametrize("command", ["compile", "render", "cost"])
@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("digits.yaml", "a recipe, not a spec; its student.spec names one"),
        ("digits-study.yaml", "a study, not a spec"),
    ],
)
def test_a_recipe_is_not_a_spec(command: str, file: str, kind: str) -> None:
    """The error is one line, not one for each unknown section."""
    done = run(command, f"recipes/{file}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: recipes/{file} is {kind}\n"


@pytest.mark.parametrize("option", ["--output-format", "--format"])
def test_both_names_of_the_format_of_render(option: str) -> None:
    """The second is the former name."""
    done = run("render", TINY, option, "json")
    assert json.loads(done.stdout)
    assert "--format" not in run("render", "--help").stdout


def fail(*_: object) -> None:
    raise AssertionError("impossible\x1b")


@pytest.mark.parametrize(
    ("arguments", "form"),
    [
        (["validate"], "text"),
        (["compile"], "text"),
        (["--message-format", "json", "validate"], "json"),
        (["--message-format", "json", "compile"], "json"),
        (["--message-format", "github", "compile"], "github"),
        (["validate", "--output-format", "json"], "json"),
        (["validate", "--output-format", "sarif"], "sarif"),
    ],
)
def test_a_defect_is_reported_in_the_format_of_diagnostics(
    arguments: list[str], form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With exit code 3, without a traceback, and with a request to report it."""
    monkeypatch.setattr(inputs, "check_spec_or_model", fail)
    monkeypatch.setattr(validate.documents, "check_any", fail)
    done = run(*arguments, "x.yaml")
    assert (done.returncode, done.stdout) == (3, "")
    message = "internal error: AssertionError: impossible"
    if form == "json":
        (found,) = json_form.from_json(json.loads(done.stderr))
        assert (found.code, found.message) == ("DS901", f"{message}\x1b")
        assert "DEIT_SPEC_TRACEBACK" in found.helps[0]
    elif form == "sarif":
        (only,) = json.loads(done.stderr)["runs"]
        assert [each["ruleId"] for each in only["results"]] == ["DS901"]
    else:
        start = "::error file=" if form == "github" else "error[DS901]: "
        assert done.stderr.startswith(start)
        assert f"{message}␛" in done.stderr


def test_a_traceback_is_shown_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "check_spec_or_model", fail)
    done = run("compile", "x.yaml", env={"DEIT_SPEC_TRACEBACK": "1"})
    assert done.returncode == 3
    assert done.stderr.startswith("Traceback")
