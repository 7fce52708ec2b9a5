"""Files, folders, globs and standard input as arguments."""

import json
import os
from pathlib import Path

import pytest
from support.commands import run

from deit_spec.cli import validate

GOOD, BAD = "depth: 3\n", "embed_dim: 770\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two good specs, a bad one, and files that are not specs."""
    (tmp_path / "b").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "empty").mkdir()
    for name in ("good.yaml", "b/good.yml"):
        (tmp_path / name).write_text(GOOD)
    for name in ("b/bad.yaml", ".hidden/bad.yaml", ".bad.yaml", "notes.txt"):
        (tmp_path / name).write_text(BAD)
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [["."], ["good.yaml", "b"], ["**/*.y*ml"], [".", "b/bad.yaml", "b/*.yml"], ["**"]],
)
def test_folders_and_globs(folder: Path, arguments: list[str]) -> None:
    (folder / "notes.txt").unlink()
    done = run("validate", *arguments, cwd=folder)
    assert done.returncode == 1
    assert done.stdout == "3 specs: 1 with errors\n"
    assert done.stderr.count("error[") == 1
    assert "--> b/bad.yaml:1:12" in done.stderr


@pytest.mark.parametrize("argument", ["empty", "*.nothing", "[a]*", "e*"])
def test_no_files_are_wrong_usage(folder: Path, argument: str) -> None:
    done = run("validate", argument, cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert argument in done.stderr


def test_a_file_whose_name_looks_like_a_glob(folder: Path) -> None:
    (folder / "[a].yaml").write_text(GOOD)
    done = run("validate", "[a].yaml", cwd=folder)
    assert done.stdout.startswith("[a].yaml: ")


@pytest.mark.parametrize("pattern", ["b*", "b*/", "*b", "**/b"])
def test_a_glob_of_folders_is_what_the_shell_would_expand(
    folder: Path, pattern: str
) -> None:
    done = run("validate", pattern, cwd=folder)
    assert done.stdout == "2 specs: 1 with errors\n"


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [(".h*/*.yaml", [".hidden/bad.yaml"]), ("**/.b*.yaml", [".bad.yaml"])],
)
def test_a_glob_of_hidden_files(
    folder: Path, pattern: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert validate.expand([pattern]) == expected


@pytest.mark.parametrize(
    "pattern", ["**", "**/*.yaml", "./**/[ab].yaml", "b/../**/*.yaml"]
)
def test_globs_follow_no_circle_of_links(pattern: str, tmp_path: Path) -> None:
    """Two links back to their folder lead along 2ⁿ paths of n folders."""
    (tmp_path / "b").mkdir()
    for name in ("a.yaml", "b/b.yaml"):
        (tmp_path / name).write_text(GOOD)
    for name in ("one", "two", "b/three"):
        (tmp_path / name).symlink_to(tmp_path, target_is_directory=True)
    done = run("validate", pattern, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "2 specs, all valid\n")


@pytest.mark.parametrize("options", [(), ("--diff",), ("--fix",)])
@pytest.mark.parametrize("name", ["loop.yaml", "../a/loop.yaml", "extending.yaml"])
def test_a_link_to_itself_cannot_be_read(
    tmp_path: Path, name: str, options: tuple[str, ...]
) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "loop.yaml").symlink_to("loop.yaml")
    (folder / "extending.yaml").write_text("extends: ../a/loop.yaml\n")
    (folder / "good.yaml").write_text(GOOD)
    done = run("validate", *options, "good.yaml", name, cwd=folder)
    assert done.returncode == 1
    assert "error[DS009]: the file cannot be read: too many" in done.stderr


def test_an_unreadable_folder_is_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is listed as a file, so that reading it reports the reason."""
    locked, scandir = folder / "b", os.scandir

    def refuse(path: str) -> object:
        if Path(path) == locked:
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert validate.expand([str(folder)]) == [str(locked), str(folder / "good.yaml")]
    assert validate.expand([str(locked)]) == [str(locked)]


def test_a_folder_in_place_of_a_spec(tmp_path: Path) -> None:
    done = run("--message-format", "json", "compile", ".", cwd=tmp_path)
    assert done.returncode == 1
    (found,) = json.loads(done.stderr)["diagnostics"]
    assert found["code"] == "DS426"
