"""`deit-spec compile`."""

import shutil
from pathlib import Path

import pytest
from support.commands import SPECS, run

import deit_spec

TINY = str(SPECS / "tiny.yaml")


def test_the_module_is_printed_or_written(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    assert run("compile", TINY, "-o", str(path)).returncode == 0
    assert path.read_text() == deit_spec.compile(TINY).source
    assert run("compile", TINY).stdout == path.read_text()
    assert run("compile", TINY, "-o", "-").stdout == path.read_text()
    assert [each.name for each in tmp_path.iterdir()] == ["model.py"]


def test_an_invalid_spec_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("mine")
    done = run("compile", "-", "-o", "model.py", cwd=tmp_path, stdin="depth: 0\n")
    assert (done.returncode, done.stdout) == (1, "")
    assert (tmp_path / "model.py").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 1


def test_target() -> None:
    done = run("compile", TINY, "--target", "inference")
    assert "def forward(self, images: Tensor) -> Tensor:" in done.stdout


def test_check(tmp_path: Path) -> None:
    spec = tmp_path / "tiny.yaml"
    shutil.copy(TINY, spec)
    path = tmp_path / "model.py"
    write = ("compile", str(spec), "-o", str(path))
    done = run(*write, "--check")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{path} is missing\n"
    run(*write)
    done = run(*write, "--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    spec.write_text(spec.read_text().replace("depth: 3", "depth: 4"))
    before = path.read_bytes()
    done = run(*write, "--check")
    assert done.returncode == 1
    assert "-DEPTH = 3\n+DEPTH = 4\n" in done.stdout
    assert done.stderr == f"{path} is out of date\n"
    assert path.read_bytes() == before


@pytest.mark.parametrize("change", [(b"\n", b"\r\n"), (b"DeiT", b"\xff")])
def test_check_compares_bytes(tmp_path: Path, change: tuple[bytes, bytes]) -> None:
    write = ("compile", TINY, "-o", str(tmp_path / "model.py"))
    run(*write)
    path = tmp_path / "model.py"
    path.write_bytes(path.read_bytes().replace(*change))
    assert run(*write, "--check").returncode == 1


@pytest.mark.parametrize(
    "arguments",
    [["--check"], ["--check", "-o", "-"], ["-o", "nowhere/model.py"], ["-o", "."]],
)
def test_wrong_usage(arguments: list[str]) -> None:
    done = run("compile", TINY, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")


def test_unread_tokens_are_dropped_on_request_and_for_inference() -> None:
    """In the source, in the picture and in the cost alike."""
    inference = ("--target", "inference")
    for options, dropped in {
        (): False,
        ("--drop-unread",): True,
        inference: True,
        (*inference, "--no-drop-unread"): False,
    }.items():
        source = run("compile", TINY, *options).stdout
        assert ("x[:, :2] + self.attn" in source) == dropped
        assert ("[B, R=2, C=48]" in run("render", TINY, *options).stdout) == dropped
        macs = run("cost", TINY, *options, "--by", "layer").stdout
        assert ("blocks.2.take" in macs) == dropped
