"""Names of specs and files, whatever characters are in them, and where they lead."""

import json
import os
from pathlib import Path

import pytest
from support import commands

from deit_spec.cli import inputs
from deit_spec.cli.messages import make_console

HOSTILE = "a\x1b[31mb\x9b.yaml"


@pytest.mark.parametrize(
    "arguments",
    [
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
    ],
)
def test_hostile_names_reach_no_terminal(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / HOSTILE).write_text("deph: 3\n")
    (tmp_path / "good.yaml").write_text("depth: 3\n")
    done = commands.run(*arguments, cwd=tmp_path)
    said = done.stdout + done.stderr
    assert "31mb" in said
    assert not {"\x1b", "\x9b"} & set(said)


def test_names_are_no_markup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = ":smile:[bold].yaml"
    (tmp_path / name).write_text("depth: 0\n")
    done = commands.run("validate", name, cwd=tmp_path)
    assert f"1 error in {name}\n" in done.stderr
    assert f"--> {name}:1:8\n" in done.stderr
    make_console(width=80).print(f"{name} 12 'x'")
    assert capsys.readouterr().out == f"{name} 12 'x'\n"


@pytest.mark.parametrize("command", ["validate", "compile", "render", "cost"])
def test_an_empty_name(command: str) -> None:
    done = commands.run(command, "")
    assert (done.returncode, done.stdout) == (2, "")
    assert "the name is empty" in done.stderr


@pytest.mark.parametrize("pattern", ["f*", "f*/", "*der", "**/f*"])
def test_a_glob_stands_for_what_it_does_in_a_shell(
    pattern: str, tmp_path: Path
) -> None:
    """Unquoted, the shell would have named the folder."""
    (tmp_path / "folder").mkdir()
    for name in ("a.yaml", "b.yml", "notes.txt", ".hidden.yaml"):
        (tmp_path / "folder" / name).write_text("depth: 3\n")
    done = commands.run("validate", pattern, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "2 specs, all valid\n")


@pytest.mark.parametrize(
    "pattern", ["**", "**/*.yaml", "./**/[ab].yaml", "b/../**/*.yaml"]
)
def test_a_glob_does_not_walk_in_circles(pattern: str, tmp_path: Path) -> None:
    """Two links back to where they are lead along 2ⁿ paths of n folders."""
    (tmp_path / "b").mkdir()
    for name in ("a.yaml", "b/b.yaml"):
        (tmp_path / name).write_text("depth: 3\n")
    for name in ("one", "two", "b/three"):
        (tmp_path / name).symlink_to(tmp_path, target_is_directory=True)
    done = commands.run("validate", pattern, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "2 specs, all valid\n")


@pytest.mark.parametrize("pattern", [".h*/*.yaml", "*/.b.yaml", "**/.b.yaml"])
def test_a_glob_matches_a_hidden_file_where_it_says_so(
    pattern: str, tmp_path: Path
) -> None:
    for folder in (".h", "g"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.yaml").write_text("deph: 3\n")
    (tmp_path / "g" / ".b.yaml").write_text("depth: 3\n")
    (tmp_path / ".h" / "a.yaml").write_text("depth: 3\n")
    done = commands.run("validate", pattern, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_glob_that_ends_in_a_slash_takes_folders_alone(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.yaml").write_text("depth: 3\n")
    (tmp_path / "file.yaml").write_text("deph: 3\n")
    done = commands.run("validate", "f*/", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_glob_of_a_folder_without_specs(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    done = commands.run("validate", "f*", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: no file matches f*\n"


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that cannot be looked into, nor opened, by whoever runs the tests."""
    folder = tmp_path / "specs" / "locked"
    folder.mkdir(parents=True)
    (tmp_path / "specs" / "good.yaml").write_text("depth: 3\n")
    own = os.scandir

    def scandir(path: str) -> object:
        if Path(path) == folder:
            raise PermissionError(13, "Permission denied", path)
        return own(path)

    monkeypatch.setattr(os, "scandir", scandir)
    return folder


def test_a_folder_that_cannot_be_read_is_not_passed_over(locked: Path) -> None:
    """It is named as a spec, and what is told of that is why it cannot be read."""
    good = locked.parent / "good.yaml"
    assert inputs.expand([str(locked.parent)]) == [str(good), str(locked)]
    assert inputs.expand([str(locked)]) == [str(locked)]


def test_a_folder_in_the_place_of_a_spec(tmp_path: Path) -> None:
    arguments = ("--message-format", "json", "compile", ".")
    done = commands.run(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    (found,) = json.loads(done.stderr)["diagnostics"]
    assert found["code"] == "DS009"
