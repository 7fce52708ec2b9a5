"""The commands on weights as processes: streams, exit codes, files."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import torch
from click.testing import Result
from support import commands
from support.checkpoints import DISTILLED, same, save, state_of
from typer.testing import CliRunner

import deit_spec
from deit_spec.cli.app import app

SPEC = """\
image_size: 32
patch_size: 8
embed_dim: 24
depth: 2
num_heads: 3
num_classes: 5
teacher_num_classes: 5
"""


def ask(*arguments: str) -> Result:
    """Run a command in this process, in the current folder."""
    return CliRunner().invoke(app, ["weights", *arguments])


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return commands.run("weights", *arguments, cwd=folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two specs and a checkpoint of the first."""
    (tmp_path / "small.yaml").write_text(SPEC)
    (tmp_path / "large.yaml").write_text(
        "extends: small.yaml\nimage_size: 48\nnum_classes: 7\nvariant: {fusion: cls}\n"
    )
    save({"model": state_of(DISTILLED)}, tmp_path / "w.pth")
    return tmp_path


def test_plan(folder: Path) -> None:
    done = run(folder, "plan", "large.yaml", "w.pth")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0][:3] == ["large", "from", "w.pth:"]
    assert ["norm.bias", "24", "taken"] in lines
    assert "4×4 → 6×6, bicubic; 2 prefix tokens kept" in done.stdout
    assert done.stdout.splitlines()[-2:] == [
        "32 taken, 1 resampled, 2 re-initialised, 2 dropped",
        "to be allowed: heads, resample",
    ]
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("form", ["text", "json"])
def test_plan_of_another_model_is_exit_1(folder: Path, form: str) -> None:
    (folder / "other.yaml").write_text("extends: small.yaml\ndepth: 3\n")
    done = run(folder, "plan", "other.yaml", "w.pth", "--output-format", form)
    assert done.returncode == 1
    assert "error[DS411]: depth is 2 in the checkpoint and 3 in the spec" in done.stderr
    assert "other.yaml:2:8" in done.stderr
    assert form == "text" or json.loads(done.stdout)["reconciles"] is False


def test_inspect_prints_a_spec_that_fits(folder: Path) -> None:
    done = run(folder, "inspect", "w.pth", "-o", "found.yaml")
    assert (done.returncode, done.stdout) == (0, "")
    assert "note[DS423]: num_heads is assumed to be 1" in done.stderr
    done = run(folder, "plan", "found.yaml", "w.pth")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "35 taken"
    done = run(folder, "inspect", "w.pth", "--output-format", "json")
    assert json.loads(done.stdout)["spec"]["embed_dim"] == 24


def test_convert_there_and_back(folder: Path) -> None:
    steps = (
        ("w.pth", "t.safetensors", "timm"),
        ("t.safetensors", "hf", "hf"),
        ("hf", "back.pth", "deit"),
    )
    for source, out, to in steps:
        done = run(folder, "convert", "small.yaml", source, "-o", out, "--to", to)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    found = torch.load(folder / "back.pth", weights_only=True)["model"]
    assert same(found, state_of(DISTILLED))


@pytest.mark.parametrize(
    ("options", "refused"),
    [
        ([], []),
        (["--no-strict"], []),
        (["--strict"], ["heads", "resample"]),
        (["--allow", "heads"], ["resample"]),
        (["--no-strict", "--allow", "heads"], ["resample"]),
        (["--strict", "--allow", "heads", "--allow", "Resample"], []),
    ],
)
def test_a_plan_says_what_loading_would(
    folder: Path,
    options: list[str],
    refused: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The findings are those of `load` with the same words."""
    monkeypatch.chdir(folder)
    done = ask("plan", "large.yaml", "w.pth", *options)
    assert done.exit_code == bool(refused)
    assert re.findall(r"error.DS414.*need `(\w+)`", done.stderr) == refused
    if refused:
        words = {o.lower() for o in options if not o.startswith("--")}
        with pytest.raises(deit_spec.WeightsError) as caught:
            deit_spec.load(
                folder / "large.yaml",
                weights=folder / "w.pth",
                allow=words or None,  # type: ignore[arg-type]
            )
        for found in caught.value.diagnostics:
            assert f"error[DS414]: {found.message}" in done.stderr
            assert all(note in done.stderr for note in found.notes)


def test_words_are_read_in_any_case(folder: Path) -> None:
    out = ("-o", "o.safetensors", "--to", "Timm", "--dtype", "Float64")
    done = run(folder, "convert", "small.yaml", "w.pth", *out)
    assert (done.returncode, done.stderr) == (0, "")
    model = deit_spec.load(folder / "small.yaml", weights=folder / "o.safetensors")
    assert model.pos_embed.dtype is torch.float64
    done = run(folder, "convert", "small.yaml", "w.pth", "-o", "hf", "--to", "HF")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("option", "choices"),
    [
        (("--dtype", "int8"), ["float64", "float32", "float16", "bfloat16"]),
        (("--to", "jax"), ["deit", "timm", "hf"]),
        (
            ("--allow", "all"),
            ["resample", "heads", "channels", "distillation", "drop"],
        ),
    ],
)
def test_a_word_that_is_unknown_is_answered_with_those_that_are(
    folder: Path,
    option: tuple[str, str],
    choices: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)
    out = ("-o", "o.pth", "--to", "timm")
    done = ask("convert", "small.yaml", "w.pth", *out, *option)
    assert done.exit_code == 2
    assert all(f"'{choice}'" in done.stderr for choice in choices)


@pytest.mark.parametrize("out", ["w.pth", "link.pth"])
def test_convert_does_not_write_what_it_reads(folder: Path, out: str) -> None:
    (folder / "link.pth").symlink_to("w.pth")
    before = (folder / "w.pth").read_bytes()
    to = ("-o", out, "--to", "timm", "--force")
    done = run(folder, "convert", "small.yaml", "w.pth", *to)
    assert done.returncode == 2
    assert (
        done.stderr
        == f"error: cannot write {out}: this is the checkpoint w.pth itself\n"
    )
    assert (folder / "w.pth").read_bytes() == before
    assert (folder / "link.pth").is_symlink()


def test_convert_does_what_is_allowed_alone(folder: Path) -> None:
    command = ("convert", "large.yaml", "w.pth", "-o", "o.safetensors", "--to", "timm")
    done = run(folder, *command)
    assert done.returncode == 1
    assert done.stderr.count("error[DS414]") == 2
    done = run(folder, *command, "--allow", "resample")
    assert done.returncode == 1
    assert not (folder / "o.safetensors").exists()
    done = run(folder, *command, "--allow", "resample", "--allow", "heads")
    assert done.returncode == 0
    assert run(folder, *command).returncode == 1
    done = run(folder, *command, "--no-strict")
    assert done.returncode == 2
    assert "it exists; --force replaces it" in done.stderr
    done = run(folder, *command, "--no-strict", "--force", "--dtype", "bfloat16")
    assert done.returncode == 0
    model = deit_spec.load(folder / "large.yaml", weights=folder / "o.safetensors")
    assert model.pos_embed.dtype is torch.bfloat16


def test_names_of_tensors_reach_no_terminal(folder: Path) -> None:
    """Nor do they leave the comment that they stand in."""
    evil = "pooler\x1b[31m\ndepth: 9"
    save(
        {"model": {**state_of(DISTILLED), evil: torch.zeros(1)}, evil: {"x": 1}},
        folder / "e.pth",
    )
    plan = ["plan", "small.yaml", "e.pth"]
    commands = (
        ["inspect", "e.pth"],
        plan,
        [*plan, "--key", evil],
        [*plan, "--key", "x"],
    )
    for command, code in zip(commands, (0, 1, 1, 1), strict=True):
        done = run(folder, *command)
        assert done.returncode == code
        assert "\x1b" not in done.stdout + done.stderr
        assert "\ndepth: 9" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["hf.safetensors", "hf.pth", "hf.pt", "hf.bin"])
def test_a_directory_is_not_called_as_a_file(folder: Path, name: str) -> None:
    done = run(folder, "convert", "small.yaml", "w.pth", "-o", name, "--to", "hf")
    assert done.returncode == 2
    words = "`--to hf` writes a directory, and this is a file name; try hf"
    assert done.stderr == f"error: cannot write {name}: {words}\n"
    assert not (folder / name).exists()


def test_names_that_lead_nowhere(folder: Path) -> None:
    (folder / "loop").symlink_to("loop")
    done = run(folder, "inspect", "loop")
    assert done.returncode == 1
    assert "cannot be read: too many levels of symbolic links" in done.stderr
    with pytest.raises(deit_spec.WeightsError, match="the name is empty"):
        deit_spec.load(folder / "small.yaml", weights="")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["plan", "small.yaml", "-"], "a checkpoint cannot be standard input"),
        (["inspect", "-"], "a checkpoint cannot be standard input"),
        (["inspect", "w.pth", "-o", ""], "the name is empty"),
        (["convert", "small.yaml", "w.pth", "-o", "", "--to", "hf"], "name is empty"),
    ],
)
def test_names_that_are_none(
    folder: Path, arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    done = ask(*arguments)
    assert done.exit_code == 2
    assert said in done.stderr


def test_arguments_that_are_swapped(folder: Path) -> None:
    done = run(folder, "plan", "w.pth", "small.yaml")
    assert done.returncode == 1
    assert "error[DS002]: the file is a zip archive" in done.stderr
    assert "SPEC comes first" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 2),
        (["plan"], 2),
        (["plan", "small.yaml"], 2),
        (["plan", "nowhere.yaml", "w.pth"], 1),
        (["plan", "small.yaml", "nowhere.pth"], 1),
        (["plan", "small.yaml", "small.yaml"], 1),
        (["plan", "small.yaml", "."], 1),
        (["plan", "small.yaml", "w.pth", "--key", "ema"], 1),
        (["inspect", "a\x1b[31mb"], 1),
        (["inspect", "w.pth", "-o", "nowhere/found.yaml"], 2),
        (["convert", "small.yaml", "w.pth", "--to", "timm"], 2),
        (["convert", "small.yaml", "w.pth", "-o", "w.pth", "--to", "timm"], 2),
        (["convert", "small.yaml", "w.pth", "-o", "o.yaml", "--to", "timm"], 2),
        (["convert", "small.yaml", "w.pth", "-o", "no/o.pth", "--to", "timm"], 2),
        (["convert", "small.yaml", "w.pth", "-o", "o", "--to", "jax"], 2),
        (["convert", "nowhere.yaml", "w.pth", "-o", "o", "--to", "hf"], 1),
    ],
)
def test_exit_codes_without_traceback(
    folder: Path, arguments: list[str], code: int
) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    done = run(folder, *arguments)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
