"""What is written is whole, or what was there is as it was."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deit_spec.weights.convert import atomic_path, check_free

MEMBERS = ("a", "b")


def write(path: Path, text: str = "new", *, force: bool = False) -> None:
    """Write a directory with one member."""
    with atomic_path(path, force=force, members=MEMBERS) as place:
        place.mkdir()
        (place / "a").write_text(text)


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_a_directory_is_written_and_replaced(tmp_path: Path) -> None:
    write(tmp_path / "out", "old")
    with pytest.raises(FileExistsError, match="it exists; --force replaces it"):
        write(tmp_path / "out")
    assert (tmp_path / "out" / "a").read_text() == "old"
    write(tmp_path / "out", force=True)
    assert (tmp_path / "out" / "a").read_text() == "new"
    assert names(tmp_path) == ["out"]


def test_an_empty_directory_is_filled(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "link").symlink_to("out")
    write(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "out" / "a").read_text() == "new"
    assert names(tmp_path) == ["link", "out"]


def test_the_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    write(Path())
    assert names(tmp_path) == ["here"]
    assert names(tmp_path / "here") == ["a"]


@pytest.mark.parametrize("force", [True, False])
def test_files_and_directories_differ(force: bool, tmp_path: Path) -> None:  # noqa: FBT001
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(
        FileExistsError, match="is a directory, and this format writes a f"
    ):
        check_free(tmp_path / "folder", force=force)
    with pytest.raises(
        FileExistsError, match="is a file, and this format writes a direct"
    ):
        check_free(tmp_path / "file", force=force, members=MEMBERS)


def test_other_files_stay(tmp_path: Path) -> None:
    write(tmp_path / "out", "old")
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(FileExistsError, match="contains another file, mine"):
        write(tmp_path / "out", force=True)
    assert names(tmp_path / "out") == ["a", "mine"]


def test_a_failure_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path / "out", "old")
    with pytest.raises(TypeError):
        write(tmp_path / "out", 3, force=True)  # type: ignore[arg-type]
    assert (tmp_path / "out" / "a").read_text() == "old"
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("failing", [1, 2])
def test_the_old_directory_is_restored_if_a_rename_fails(
    failing: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "out", "old")
    rename, calls = Path.rename, 0

    def fail(self: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == failing:
            raise PermissionError("no")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(PermissionError):
        write(tmp_path / "out", force=True)
    assert (tmp_path / "out" / "a").read_text() == "old"
    assert names(tmp_path) == ["out"]


def test_a_kill_between_the_renames_leaves_the_old_directory(tmp_path: Path) -> None:
    write(tmp_path / "out", "old")
    program = """
import os
from pathlib import Path
from deit_spec.weights.convert import atomic_path
rename, calls = Path.rename, []
def killed(self, target):
    calls.append(target)
    if len(calls) == 2:
        os._exit(9)
    return rename(self, target)
Path.rename = killed
with atomic_path(Path("out"), force=True, members=("a",)) as place:
    place.mkdir()
    (place / "a").write_text("new")
"""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env=env, check=False)
    assert done.returncode == 9
    (old,) = tmp_path.glob("out.old-*")
    assert (old / "a").read_text() == "old"
