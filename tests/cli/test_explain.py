"""`deit-spec explain` on the command line."""

import json
from pathlib import Path

import pytest
from pytest_regressions.file_regression import FileRegressionFixture
from support.commands import run

from deit_spec.cli.explain import complete
from deit_spec.diagnostics import CATALOGUE
from deit_spec.explain import FIELDS


@pytest.mark.parametrize("word", ["DS203", "DS106", "DS404"])
def test_code(word: str, file_regression: FileRegressionFixture) -> None:
    done = run("explain", word)
    assert (done.returncode, done.stderr) == (0, "")
    file_regression.check(done.stdout, extension=".txt")


@pytest.mark.parametrize("word", ["embed_dim", "position_embedding", "name"])
def test_field(word: str, file_regression: FileRegressionFixture) -> None:
    done = run("explain", word)
    assert (done.returncode, done.stderr) == (0, "")
    file_regression.check(done.stdout, extension=".txt")


def test_field_in_a_spec(tmp_path: Path) -> None:
    (tmp_path / "wide.yaml").write_text("extends: deit_tiny_patch16_224\ndepth: 4\n")

    def value(field: str) -> str:
        done = run("explain", field, "--spec", "wide.yaml", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.split("## Its value here\n\n")[1].partition("\n")[0]

    assert value("depth") == "`depth: 4`, from wide.yaml:2:8"
    assert value("num_heads") == (
        "`num_heads: 3`, from published:deit_tiny_patch16_224:4:12 "
        "through `extends` at wide.yaml:1:10"
    )
    assert value("drop_path") == "`variant.drop_path: 0.0`, by default"
    assert value("name") == "`name: wide`, by default"


def test_field_in_a_spec_with_errors() -> None:
    done = run("explain", "depth", "--spec", "-", stdin="depth: 0\n")
    assert done.returncode == 1
    assert "error[DS103]" in done.stderr
    assert "`depth: 0`, from <stdin>:1:8" in done.stdout


def test_field_in_a_spec_that_is_not_there() -> None:
    done = run("explain", "depth", "--spec", "nowhere.yaml")
    assert done.returncode == 1
    assert "error[DS009]" in done.stderr
    assert "Its value here" not in done.stdout


def test_every_code_is_listed() -> None:
    lines = run("explain").stdout.splitlines()[2:]
    assert [line.split(" | ")[0] for line in lines] == [f"| {c}" for c in CATALOGUE]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["unknwon-key"], "did you mean `unknown-key`?"),
        (["DS999"], "is neither a code nor a field"),
        (["DS203", "--spec", "specs/tiny.yaml"], "--spec works only with spec fields"),
        (["--spec", "specs/tiny.yaml"], "--spec needs a field"),
        (["DS203", "--all"], "--all cannot be combined with"),
    ],
)
def test_wrong_usage(arguments: list[str], words: str) -> None:
    done = run("explain", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_code_as_json(tmp_path: Path) -> None:
    path = tmp_path / "code.json"
    done = run("explain", "ds203", "--output-format", "json", "-o", str(path))
    assert done.stdout == ""
    data = json.loads(path.read_text(encoding="utf-8"))
    assert (data["version"], data["code"], data["severity"]) == (2, "DS203", "error")
    (part,) = data["example"]
    mark = {"line": 1, "column": 12, "end_line": 1, "end_column": 15}
    assert (part["file"], part["mark"]) == ("spec.yaml", mark)
    assert data["prints"].startswith("error[DS203]: ")


def test_every_code_as_json() -> None:
    data = json.loads(run("explain", "--output-format", "json").stdout)
    assert [each["code"] for each in data["codes"]] == list(CATALOGUE)


def test_field_as_json() -> None:
    arguments = ["explain", "embed_dim", "--spec", "specs/tiny.yaml"]
    data = json.loads(run(*arguments, "--output-format", "json").stdout)
    assert data["symbol"] == "C"
    assert data["provenance"]["value"] == 48
    assert data["provenance"]["from"]["file"] == "specs/tiny.yaml"
    assert data["layers"][1]["path"] == "cls_token"
    missing = run("explain", "embed_dim", "--output-format", "json").stdout
    assert json.loads(missing)["provenance"] is None


def test_completion() -> None:
    assert [word for word, _ in complete("ds20")][:2] == ["DS201", "DS203"]
    assert [word for word, _ in complete("variant.q")] == ["variant.qkv_bias"]
    assert {word for word, _ in complete("")} >= {*CATALOGUE, *FIELDS}
