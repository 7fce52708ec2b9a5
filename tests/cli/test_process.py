"""`deit-spec` as a process: what a call in this process cannot show."""

import contextlib
import functools
import os
import pty
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.checkpoints import DISTILLED, save, state_of
from support.commands import COMMAND, ROOT, SPECS, run, run_process

slow = functools.partial(pytest.param, marks=pytest.mark.slow)
HEAVY = {"torch", "rich", "timm", "accelerate", "sklearn", "networkx"}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["validate", "tiny.yaml"], 0),
        (["validate", "nowhere.yaml"], 1),
        (["validate", "--nope"], 2),
    ],
)
def test_a_process_is_as_a_call(arguments: list[str], code: int) -> None:
    """With the same output and exit code, so that other tests can make calls."""
    done = run_process(*arguments, cwd=SPECS)
    called = run(*arguments, cwd=SPECS)
    assert done.returncode == called.returncode == code
    assert (done.stdout, done.stderr) == (called.stdout, called.stderr)


def test_a_process_reads_standard_input() -> None:
    done = run_process("validate", "-", "--fix", stdin="deph: 3\n")
    assert (done.returncode, done.stdout) == (0, "depth: 3\n")


@pytest.mark.parametrize(
    ("arguments", "code", "allowed"),
    [
        (["validate", "specs/tiny.yaml"], 0, ["networkx"]),
        (["validate", "recipes/digits.yaml"], 0, []),
        slow(["validate", "nowhere.yaml"], 1, ["rich"]),
        (["validate", "tests/spec/invalid/unknown_field.yaml"], 1, ["rich"]),
        (["render", "specs/tiny.yaml"], 0, ["rich", "networkx"]),
        (["compile", "specs/tiny.yaml"], 0, ["networkx"]),
        (["explain", "embed_dim"], 0, ["rich", "networkx"]),
        (["diff", "specs/tiny.yaml", "specs/base.yaml"], 0, ["rich", "networkx"]),
        slow(["explain", "DS404"], 0, ["rich", "networkx"]),
        (["list", "--output-format", "json"], 0, ["networkx"]),
        slow(["new", "x", "-o", "-"], 0, ["networkx"]),
    ],
)
def test_heavy_packages_are_imported_where_needed(
    arguments: list[str], code: int, allowed: list[str]
) -> None:
    script = (
        "import sys; from deit_spec import cli\n"
        "for name in ('explain', 'diagnostics.explanation', 'cost', 'distill'):\n"
        "    assert f'deit_spec.{name}' not in sys.modules, name\n"
        f"code = cli.execute({arguments!r})\n"
        f"assert code == {code}, code\n"
        f"heavy = {HEAVY - set(allowed)!r} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_completion_is_offered() -> None:
    # The tests may run without a shell, or under one that typer does not support.
    named = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = run_process("--show-completion", "bash", env=named)
    assert done.returncode == 0
    assert "_DEIT_SPEC_COMPLETE" in done.stdout
    done = run_process(
        env={
            "_DEIT_SPEC_COMPLETE": "complete_bash",
            "COMP_WORDS": "deit-spec explain DS20",
            "COMP_CWORD": "2",
        }
    )
    assert done.stdout.split()[:2] == ["DS201", "DS203"]


def test_a_full_disk_is_not_a_defect() -> None:
    with Path("/dev/full").open("w") as full:
        for command in ("validate", "render", "compile"):
            done = subprocess.run(
                [*COMMAND, command, "specs/tiny.yaml"],
                cwd=ROOT,
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
            assert done.returncode == 2
            assert done.stderr == "error: no space left on device\n"


SWALLOWED = """
import signal
from deit_spec import cli
from deit_spec.cli import app

def fail(**_):
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        raise ValueError("an error of compiled code")

app.command = lambda: fail
cli.main()
"""


def test_an_interrupt_that_becomes_another_error_is_not_a_defect() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SWALLOWED], capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (130, b"")


@pytest.mark.skipif(not hasattr(signal, "SIGPIPE"), reason="a signal of Unix")
def test_a_closed_pipe_ends_the_process() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*COMMAND, "compile", "specs/tiny.yaml"],
        cwd=ROOT,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, "")


@pytest.mark.parametrize(
    "encoding", ["ascii", pytest.param("latin-1", marks=pytest.mark.slow)]
)
def test_standard_output_of_any_encoding(tmp_path: Path, encoding: str) -> None:
    """Characters that it cannot encode are escaped or replaced."""
    (tmp_path / "тест.yaml").write_text("depth: 1\n")
    for command in ("validate", "render", "compile"):
        done = subprocess.run(
            [*COMMAND, command, "тест.yaml"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": encoding},
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("arguments", "env", "colored"),
    [
        (["validate", "bad.yaml"], {}, True),
        (["validate", "bad.yaml"], {"NO_COLOR": "1"}, False),
        (["render", "good.yaml"], {}, True),
        (["render", "good.yaml"], {"NO_COLOR": "1"}, False),
        (["render", "good.yaml", "--no-color"], {}, False),
    ],
)
def test_color_on_a_terminal(
    tmp_path: Path, arguments: list[str], env: dict[str, str], *, colored: bool
) -> None:
    (tmp_path / "bad.yaml").write_text("embed_dim: 770\n")
    (tmp_path / "good.yaml").write_text("depth: 1\n")
    kept = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "CI"}}
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=tmp_path,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**kept, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **env},
    )
    os.close(theirs)
    shown = bytearray()
    with contextlib.suppress(OSError):  # a closed terminal reads as an error
        while part := os.read(ours, 4096):
            shown += part
    os.close(ours)
    process.wait()
    assert (b"\x1b[" in shown) == colored


def test_devices_are_read_and_written() -> None:
    done = run_process("validate", "--diff", "/dev/stdin", stdin="deph: 3\n")
    assert done.returncode == 1
    assert "+depth: 3\n" in done.stdout
    done = run_process("compile", "specs/tiny.yaml", "-o", "/dev/stdout")
    assert done.stdout == run("compile", "specs/tiny.yaml").stdout


@pytest.mark.parametrize("name", ["/dev/stdin", "/dev/fd/0", "/dev/null"])
def test_devices_are_not_fixed(name: str, tmp_path: Path) -> None:
    """Not even if the shell's `<` makes one of them a file."""
    spec, other = tmp_path / "a.yaml", tmp_path / "b.yaml"
    spec.write_text("deph: 3\n")
    other.write_text("deph: 3\n")
    with spec.open() as stdin:
        done = subprocess.run(
            [*COMMAND, "validate", "--fix", "b.yaml", name],
            stdin=stdin,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stdout) == (2, "")
    assert f"cannot fix {name}, which is not a regular file" in done.stderr
    assert spec.read_text() == other.read_text() == "deph: 3\n"


def test_processes_side_by_side_leave_whole_files(tmp_path: Path) -> None:
    """They also print the same as one process alone."""
    paths = [tmp_path / f"{number:03}.yaml" for number in range(200)]
    for number, path in enumerate(paths):
        path.write_text(f"{'deph' if number % 2 else 'depth'}: {number + 1}\n")
    with ThreadPoolExecutor(4) as pool:
        arguments = ("validate", "--fix", ".")
        runs = [pool.submit(run_process, *arguments, cwd=tmp_path) for _ in range(4)]
    for each in runs:
        assert each.result().returncode == 0, each.result().stderr
        assert each.result().stdout == "200 specs, all valid\n"
    for number, path in enumerate(paths):
        assert path.read_text() == f"depth: {number + 1}\n"
    assert sorted(tmp_path.iterdir()) == paths


LIMITED = """\
import resource
from deit_spec.cli import execute
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
for out, to in (("o.pth", "deit"), ("o.safetensors", "timm"), ("hf", "hf")):
    command = ["weights", "convert", "s.yaml", "w.pth", "-o", out, "--to", to]
    assert execute(command) == 2
weights = ["--weights", "w.pth", "--no-check"]
assert execute(["export", "s.yaml", *weights, "-o", "m.pt2"]) == 2
"""


@pytest.mark.slow
def test_weights_that_do_not_fit_on_the_disk(tmp_path: Path) -> None:
    """By a limit on file sizes, which torch reports as poorly as a full disk."""
    (tmp_path / "s.yaml").write_text(
        "image_size: 32\npatch_size: 8\nembed_dim: 24\ndepth: 2\nnum_heads: 3\n"
        "num_classes: 5\nteacher_num_classes: 5\n"
    )
    save({"model": state_of(DISTILLED)}, tmp_path / "w.pth")
    before = sorted(tmp_path.iterdir())
    done = subprocess.run(
        [sys.executable, "-c", LIMITED],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert [line for line in lines if line.startswith("error")] == [
        f"error: cannot write {out}: file too large"
        for out in ("o.pth", "o.safetensors", "hf", "m.pt2")
    ]
    assert sorted(tmp_path.iterdir()) == before
