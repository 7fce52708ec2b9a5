"""Where commands write, and what reaches a terminal."""

import os
import stat
from pathlib import Path

import pytest
from support.checkpoints import DISTILLED, save, state_of
from support.commands import run

from deit_spec.cli.output import make_console

COMMANDS = {
    "validate": ["validate", "base.yaml", "child.yaml", "--output-format", "json"],
    "fix": ["validate", "--fix", "child.yaml", "--output-format", "json"],
    "diff": ["validate", "--diff", "child.yaml", "--output-format", "json"],
    "compile": ["compile", "child.yaml"],
    "render": ["render", "child.yaml"],
    "cost": ["cost", "child.yaml"],
    "explain": ["explain", "depth", "--spec", "child.yaml"],
    "new": ["new", "x", "--from", "child.yaml", "--force"],
    "inspect": ["weights", "inspect", "w.pth"],
}
HOSTILE = "a\x1b[31mb\x9b.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A spec, one that extends it, a checkpoint, and links to them."""
    (tmp_path / "base.yaml").write_text("depth: 2\n")
    (tmp_path / "child.yaml").write_text("extends: base.yaml\n")
    save(state_of(DISTILLED), tmp_path / "w.pth")
    (tmp_path / "config.json").write_text("{}")
    for kind, name in (("yaml", "base.yaml"), ("pth", "w.pth")):
        (tmp_path / f"soft.{kind}").symlink_to(name)
        os.link(tmp_path / name, tmp_path / f"hard.{kind}")
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_inputs_are_never_overwritten(command: str, folder: Path) -> None:
    """Not even by another name, nor those that a spec extends."""
    outputs = ["base.yaml", "child.yaml", "soft.yaml", "hard.yaml"]
    if command == "inspect":
        outputs = ["w.pth", "soft.pth", "hard.pth", "config.json"]
    before = {each: each.read_bytes() for each in folder.iterdir()}
    for output in outputs:
        done = run(*COMMANDS[command], "-o", output, cwd=folder)
        assert done.returncode == 2
        assert f"-o {output} would overwrite an input" in done.stderr
        assert {each: each.read_bytes() for each in folder.iterdir()} == before


@pytest.mark.parametrize("command", COMMANDS)
def test_other_files_are_written(command: str, folder: Path) -> None:
    done = run(*COMMANDS[command], "-o", "out", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "out").stat().st_size


def test_permissions_and_links_are_kept(tmp_path: Path) -> None:
    real = tmp_path / "real.py"
    real.write_text("old")
    real.chmod(0o640)
    link = tmp_path / "link.py"
    link.symlink_to(real)
    assert run("compile", "specs/tiny.yaml", "-o", str(link)).returncode == 0
    assert link.is_symlink()
    assert "class DeiT" in real.read_text()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    "arguments",
    [
        ("validate", HOSTILE),
        ("validate", "--diff", HOSTILE),
        ("validate", "--fix", HOSTILE),
        ("validate", HOSTILE, "--output-format", "github"),
        ("validate", HOSTILE, "--output-format", "concise"),
        ("validate", f"{HOSTILE}*"),
        ("validate", f"{HOSTILE}/empty"),
        ("compile", "good.yaml", "-o", f"{HOSTILE}/nowhere"),
        ("compile", "good.yaml", "--check", "-o", HOSTILE),
        ("compile", "good.yaml", "--check", "-o", f"nowhere{HOSTILE}"),
        ("explain", HOSTILE),
        ("explain", "depth", "--spec", HOSTILE, "--output-format", "json"),
    ],
)
def test_control_characters_reach_no_terminal(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / HOSTILE).write_text("deph: 3\n")
    (tmp_path / "good.yaml").write_text("depth: 3\n")
    done = run(*arguments, cwd=tmp_path)
    printed = done.stdout + done.stderr
    assert "31mb" in printed
    assert not {"\x1b", "\x9b"} & set(printed)


def test_there_are_no_escape_sequences_in_a_pipe() -> None:
    for arguments in (
        ("validate", "nowhere.yaml"),
        ("render", "specs/tiny.yaml"),
    ):
        done = run(*arguments)
        assert "\x1b" not in done.stdout + done.stderr


def test_names_are_not_markup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = ":smile:[bold].yaml"
    (tmp_path / name).write_text("depth: 0\n")
    done = run("validate", name, cwd=tmp_path)
    assert f"1 error in {name}\n" in done.stderr
    assert f"--> {name}:1:8\n" in done.stderr
    make_console(width=80).print(f"{name} 12 'x'")
    assert capsys.readouterr().out == f"{name} 12 'x'\n"
