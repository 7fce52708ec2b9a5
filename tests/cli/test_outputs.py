"""No command writes over what it reads, whatever it is called."""

import os
from pathlib import Path

import pytest
from support import commands
from support.checkpoints import DISTILLED, save, state_of

SPEC = "depth: 2\n"
COMMANDS = {
    "validate": ["validate", "base.yaml", "child.yaml", "--output-format", "json"],
    "compile": ["compile", "child.yaml"],
    "render": ["render", "child.yaml"],
    "cost": ["cost", "child.yaml"],
    "explain": ["explain", "depth", "--spec", "child.yaml"],
    "new": ["new", "x", "--from", "child.yaml", "--force"],
    "inspect": ["weights", "inspect", "w.pth"],
}
READ = {
    "inspect": ["w.pth", "soft.pth", "hard.pth", "config.json"],
    **{
        command: ["base.yaml", "child.yaml", "soft.yaml", "hard.yaml"]
        for command in COMMANDS
        if command != "inspect"
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "base.yaml").write_text(SPEC)
    (tmp_path / "child.yaml").write_text("extends: base.yaml\n")
    save(state_of(DISTILLED), tmp_path / "w.pth")
    (tmp_path / "config.json").write_text("{}")
    for kind, name in (("yaml", "base.yaml"), ("pth", "w.pth")):
        (tmp_path / f"soft.{kind}").symlink_to(name)
        os.link(tmp_path / name, tmp_path / f"hard.{kind}")
    return tmp_path


@pytest.mark.parametrize(
    ("command", "output"),
    [(command, output) for command, outputs in READ.items() for output in outputs],
)
def test_what_is_read_is_not_written_over(
    command: str, output: str, folder: Path
) -> None:
    before = {each: each.read_bytes() for each in folder.iterdir()}
    done = commands.run(*COMMANDS[command], "-o", output, cwd=folder)
    assert done.returncode == 2
    assert f"-o {output} would overwrite an input" in done.stderr
    assert {each: each.read_bytes() for each in folder.iterdir()} == before


@pytest.mark.parametrize("command", COMMANDS)
def test_another_file_is_written(command: str, folder: Path) -> None:
    done = commands.run(*COMMANDS[command], "-o", "out", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "out").stat().st_size
