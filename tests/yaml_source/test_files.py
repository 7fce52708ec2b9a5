"""Reading files neither hangs nor raises, whatever the path is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deit_spec.yaml_source import read_file
from deit_spec.yaml_source.document import FILE_BYTES


def refusal(path: Path) -> str:
    document, [problem] = read_file(path, "a.yaml")
    assert document is None
    assert problem.code in {"DS008", "DS009"}
    assert str(problem.primary.span) == "a.yaml:1:1"
    assert problem.primary.span.source.text == ""
    return problem.message


def test_a_file_is_read_under_its_given_name(tmp_path: Path) -> None:
    path = tmp_path / "b.yaml"
    path.write_bytes("é: 1\n".encode())
    document, problems = read_file(path, "a.yaml")
    assert problems == []
    assert document is not None
    assert document.value == {"é": 1}
    assert document.source.name == "a.yaml"


def test_what_is_not_a_file_is_refused(tmp_path: Path) -> None:
    missing = refusal(tmp_path / "none.yaml")
    assert missing == "the file cannot be read: no such file or directory"
    assert refusal(tmp_path) == "the file cannot be read: it is a directory"
    assert refusal(tmp_path / "a\0b") == (
        "the file cannot be read: the name has an invalid character"
    )
    assert "cannot be read" in refusal(tmp_path / "\ud800")
    assert refusal(tmp_path / ("x" * 300)).endswith("file name too long")


@pytest.mark.skipif(sys.platform == "win32", reason="no FIFOs on Windows")
def test_a_fifo_without_a_writer_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert refusal(tmp_path / "fifo").endswith("is not a regular file")


@pytest.mark.skipif(sys.platform == "win32", reason="no devices on Windows")
def test_a_device_is_refused() -> None:
    assert refusal(Path("/dev/zero")).endswith("is not a regular file")


def test_a_file_without_permission_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal is simulated, for root may read everything."""

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    assert refusal(tmp_path / "a") == "the file cannot be read: permission denied"


def test_a_large_file_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    assert str(FILE_BYTES) in refusal(path)


@pytest.mark.parametrize(
    "data", [b"PK\x03\x04", b"\x80\x02\x8a\nl", b"\x10\n\0\0\0\0\0\0{"]
)
@pytest.mark.parametrize("more", [0, FILE_BYTES])
def test_a_checkpoint_is_recognised(data: bytes, more: int, tmp_path: Path) -> None:
    """Of any size."""
    path = tmp_path / "w"
    path.write_bytes(data + bytes(more))
    document, [problem] = read_file(path, "a.yaml")
    assert document is None
    assert problem.code == "DS002"
    assert problem.message == "the file is a checkpoint or another archive, not YAML"
    assert "SPEC comes first" in problem.helps[0]


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no /dev/fd here")
@pytest.mark.parametrize("name", ["/dev/stdin", "/dev/fd/0"])
def test_what_the_shell_opened_is_read(name: str) -> None:
    code = (
        "from pathlib import Path; from deit_spec.yaml_source import read_file;"
        f"print(read_file(Path({name!r}), 'x')[0].value)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input="a: 1\n",
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout == "{'a': 1}\n"
