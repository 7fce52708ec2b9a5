"""What the commands do to terminals, pipes, disks and encodings."""

import contextlib
import functools
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from support import commands
from support.commands import SPECS

run = functools.partial(commands.run, cwd=SPECS)


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "base.yaml"
    path.write_text("embed_dim: 770\nnum_heads: 12\n")
    return path


def test_no_escape_sequences_in_a_pipe(bad: Path) -> None:
    for arguments in (("validate", str(bad)), ("render", "tiny.yaml")):
        done = run(*arguments)
        assert "\x1b" not in done.stdout + done.stderr


def test_hostile_names_reach_no_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[31mb.yaml"
    path.write_text("depth: 0\n")
    done = run("validate", str(path))
    assert done.returncode == 1
    assert "\x1b" not in done.stderr + done.stdout


@pytest.mark.parametrize("command", ["validate", "render", "compile"])
def test_full_disk_is_no_defect(command: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "deit_spec", command, "tiny.yaml"],
            cwd=SPECS,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == "error: no space left on device\n"


def test_device_as_output() -> None:
    command = ("compile", "tiny.yaml", "-o", "/dev/stdout")
    done = commands.run_process(*command, cwd=SPECS)
    assert done.stdout == run("compile", "tiny.yaml").stdout


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize(
    "arguments", [["validate"], ["render"], ["render", "--format", "json"], ["compile"]]
)
def test_any_encoding(tmp_path: Path, encoding: str, arguments: list[str]) -> None:
    """Names and boxes that stdout cannot encode end no command."""
    (tmp_path / "тест.yaml").write_text("depth: 1\nnum_classes: 3\n")
    done = subprocess.run(
        [sys.executable, "-m", "deit_spec", *arguments, "тест.yaml"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["validate", "render"])
@pytest.mark.parametrize("how", ["terminal", "NO_COLOR", "--no-color"])
def test_colour_on_a_terminal_alone(command: str, how: str, bad: Path) -> None:
    if command == "validate" and how == "--no-color":
        how = "NO_COLOR"
    spec = str(bad) if command == "validate" else str(SPECS / "tiny.yaml")
    shown = on_terminal(command, spec, how)
    assert ("\x1b[" in shown) == (how == "terminal")


def on_terminal(command: str, spec: str, how: str) -> str:
    """What a command writes to a terminal."""
    env = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "CI"}}
    env |= {
        "TERM": "xterm-256color",
        **({"NO_COLOR": "1"} if how == "NO_COLOR" else {}),
    }
    ours, theirs = pty.openpty()
    more = [how] if how == "--no-color" else []
    process = subprocess.Popen(
        [sys.executable, "-m", "deit_spec", command, spec, *more],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=env,
    )
    os.close(theirs)
    shown = bytearray()
    with contextlib.suppress(OSError):  # a closed terminal reads as an error
        while part := os.read(ours, 4096):
            shown += part
    os.close(ours)
    process.wait()
    return shown.decode()
