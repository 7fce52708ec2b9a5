"""The JSON of `weights plan` and `weights inspect` is what the documentation says."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from support.checkpoints import DISTILLED, save, state_of
from support.commands import ROOT, run
from typer.testing import CliRunner

from deit_spec.cli.app import app
from deit_spec.diagnostics import json_form

DOCUMENT = (ROOT / "docs" / "weights.md").read_text(encoding="utf-8")
TYPES: dict[str, type] = {
    "integer": int,
    "string": str,
    "boolean": bool,
    "object": dict,
    "list of strings": list,
    "list of objects": list,
}
SPEC = "image_size: 32\npatch_size: 8\nembed_dim: 24\ndepth: 2\nnum_heads: 3\n"
HEADS = "num_classes: 5\nteacher_num_classes: 5\n"


def documented(heading: str) -> dict[str, str]:
    """The fields of the first table below a heading, with their types, in order."""
    section = DOCUMENT.partition(f"### {heading}\n")[2]
    table = section[section.index("| field |") :].partition("\n\n")[0]
    return dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", table, re.MULTILINE))


def sentence(start: str) -> list[str]:
    """The names in the sentence of the documentation that begins so."""
    return re.findall(r"`(\w+)`", DOCUMENT[DOCUMENT.index(start) :].partition(".")[0])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Specs that fit, that need something and that do not fit, and a checkpoint."""
    for name, text in {
        "small": SPEC + HEADS,
        "large": SPEC.replace("32", "48") + "num_classes: 7\n",
        "other": SPEC.replace("depth: 2", "depth: 3") + HEADS,
        "wrong": "depht: 2\n",
    }.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    save({"model": state_of(DISTILLED), "epoch": 3}, tmp_path / "w.pth")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ask(*arguments: str) -> tuple[int, dict[str, Any]]:
    """The exit code of a command, and the one object that it prints."""
    done = CliRunner().invoke(app, ["weights", *arguments, "--output-format", "json"])
    value = json.loads(done.stdout)
    assert isinstance(value, dict)
    return done.exit_code, value


def check(value: dict[str, Any], heading: str) -> None:
    """See that the fields, their order and their types are those of a table."""
    fields = documented(heading)
    assert list(value) == list(fields)
    for field, kind in fields.items():
        assert type(value[field]) is TYPES[kind], field
        inside = {"list of strings": str, "list of objects": dict}.get(kind)
        assert inside is None or all(type(each) is inside for each in value[field])


def check_diagnostics(found: list[dict[str, Any]]) -> None:
    read = json_form.from_json({"version": json_form.VERSION, "diagnostics": found})
    assert json_form.listed(read) == found


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("spec", "options", "code", "codes"),
    [
        ("small", [], 0, []),
        ("large", [], 0, ["DS209"]),
        ("large", ["--strict"], 1, ["DS209", "DS414", "DS414"]),
        ("large", ["--strict", "--allow", "heads"], 1, ["DS209", "DS414"]),
        ("large", ["--allow", "resample", "--allow", "HEADS"], 0, ["DS209"]),
        ("other", [], 1, ["DS411"]),
    ],
)
def test_plan(spec: str, options: list[str], code: int, codes: list[str]) -> None:
    exit_code, value = ask("plan", f"{spec}.yaml", "w.pth", *options)
    assert exit_code == code
    check(value, "Plan output as JSON")
    check_diagnostics(value["diagnostics"])
    assert [each["code"] for each in value["diagnostics"]] == codes
    assert value["version"] == 1
    assert value["reconciles"] == (spec != "other")
    if value["reconciles"]:
        assert (set(value["needs"]) <= set(value["allowed"])) == (code == 0)
    for step in value["steps"]:
        assert list(step) == sentence("A step has")
    for each in value["dropped"]:
        assert list(each) == sentence("A dropped tensor has")


@pytest.mark.usefixtures("folder")
def test_plan_has_every_tensor() -> None:
    _, value = ask("plan", "large.yaml", "w.pth")
    state = state_of(DISTILLED)
    used = {name for step in value["steps"] for name in step["sources"]}
    assert used | {each["tensor"] for each in value["dropped"]} == state.keys()
    (step,) = (s for s in value["steps"] if s["tensor"] == "pos_embed")
    assert step == {
        "tensor": "pos_embed",
        "shape": [1, 38, 24],
        "fate": "resampled",
        "sources": ["pos_embed"],
        "reason": "4×4 → 6×6, bicubic; 2 prefix tokens kept",
        "needs": ["resample"],
    }


@pytest.mark.usefixtures("folder")
def test_a_place_is_that_of_the_spec() -> None:
    _, value = ask("plan", "other.yaml", "w.pth")
    (found,) = value["diagnostics"]
    assert found["span"]["file"] == "w.pth"
    (label,) = found["related"]
    place = {"line": 4, "column": 8, "end_line": 4, "end_column": 9}
    assert label["span"] == {"file": "other.yaml", **place}


@pytest.mark.usefixtures("folder")
def test_inspect() -> None:
    code, value = ask("inspect", "w.pth")
    assert code == 0
    check(value, "Inspect output as JSON")
    check_diagnostics(value["diagnostics"])
    assert value["version"] == 1
    assert (value["path"], value["beside"]) == (["model"], ["epoch"])
    assert value["spec"]["embed_dim"] == 24
    assert [each["code"] for each in value["diagnostics"]] == ["DS423"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["plan", "small.yaml", "nowhere.pth"], "DS401"),
        (["plan", "small.yaml", "small.yaml"], "DS402"),
        (["plan", "wrong.yaml", "w.pth"], "DS101"),
        (["plan", "nowhere.yaml", "w.pth"], "DS009"),
        (["inspect", "nowhere.pth"], "DS401"),
        (["inspect", "w.pth", "--key", "ema"], "DS405"),
    ],
)
def test_what_cannot_be_read_is_one_object_too(arguments: list[str], code: str) -> None:
    exit_code, value = ask(*arguments)
    assert exit_code == 1
    assert list(value) == list(json_form.as_json([]))
    assert value["version"] == json_form.VERSION
    check_diagnostics(value["diagnostics"])
    assert code in [each["code"] for each in value["diagnostics"]]


def test_findings_are_on_stderr_too(folder: Path) -> None:
    done = run(
        "weights", "inspect", "nowhere.pth", "--output-format", "JSON",
        "-o", "found.json", cwd=folder,
    )  # fmt: skip
    assert done.returncode == 1
    assert json.loads(done.stdout)["diagnostics"][0]["code"] == "DS401"
    assert "error[DS401]" in done.stderr
    assert not (folder / "found.json").exists()
