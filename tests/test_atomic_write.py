"""A file is written completely, or what was there stays."""

import errno
import os
import stat
from pathlib import Path

import pytest

from deit_spec import atomic_write as module
from deit_spec.atomic_write import atomic_write, write_file


def test_text_and_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_file(path, "é")
    assert path.read_bytes() == b"\xc3\xa9"
    write_file(path, b"\0")
    assert path.read_bytes() == b"\0"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_file(path, "first")

    def fail() -> None:
        with atomic_write(path) as file:
            file.write(b"sec")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        fail()
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    def fill(self: Path, *arguments: str) -> object:
        if self.suffix == module.UNFINISHED:
            raise OSError(errno.ENOSPC, "No space left on device", str(self))
        return opened(self, *arguments)

    monkeypatch.setattr(Path, "open", fill)
    with pytest.raises(OSError, match="No space") as caught:
        write_file(tmp_path / "a.txt", "text")
    assert caught.value.filename == str(tmp_path / "a.txt")
    assert list(tmp_path.iterdir()) == []


def test_it_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, events = tmp_path / "a.txt", []
    replace = Path.replace

    def renamed(self: Path, target: Path) -> Path:
        assert self.parent == target.parent == tmp_path
        events.append("rename")
        return replace(self, target)

    monkeypatch.setattr(module.os, "fsync", lambda _: events.append("sync"))
    monkeypatch.setattr(Path, "replace", renamed)
    write_file(path, "text")
    assert events == ["sync", "rename", "sync"]


@pytest.mark.skipif(os.name == "nt", reason="modes and links of Unix")
def test_modes_and_links_stay(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_file(tmp_path / "new", "text")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    target, link = tmp_path / "target", tmp_path / "link"
    target.touch()
    target.chmod(0o604)
    link.symlink_to(target)
    write_file(link, "text")
    assert link.is_symlink()
    assert target.read_text() == "text"
    assert stat.S_IMODE(target.stat().st_mode) == 0o604


@pytest.mark.skipif(os.name == "nt", reason="devices of Unix")
def test_a_device_is_written_directly() -> None:
    write_file(Path(os.devnull), "text")
    assert not Path(os.devnull).is_file()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write")
def test_a_read_only_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("first")
    path.chmod(0o444)
    with pytest.raises(PermissionError):
        write_file(path, "second")
    assert path.read_text() == "first"
