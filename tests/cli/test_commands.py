"""The commands as processes: streams, exit codes, files."""

import functools
import json
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_regressions.file_regression import FileRegressionFixture
from support import commands
from support.commands import SPECS

import deit_spec
from deit_spec.cli import inputs, validate
from deit_spec.diagnostics import json_form

run = functools.partial(commands.run, cwd=SPECS)
BAD = """\
image_size: 224
patch_size: 16
embed_dim: 770
depth: 12
dropout: 0.1
num_heads: 12
"""


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "base.yaml"
    path.write_text(BAD)
    return path


def test_validate_sums_up_a_good_spec() -> None:
    done = run("validate", "base.yaml")
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout == (
        "base.yaml: base, 198 tokens, 87,338,192 parameters, 17.66 G MACs, "
        "cls [B, K=1000], dist [B, T=1000]\n"
    )


def test_validate_finds_errors(
    bad: Path, file_regression: FileRegressionFixture
) -> None:
    done = run("validate", "base.yaml", cwd=bad.parent)
    assert done.returncode == 1
    assert done.stdout == ""
    file_regression.check(done.stderr, basename="validate_error")


def test_one_bad_spec_of_several(bad: Path) -> None:
    done = run("validate", "tiny.yaml", str(bad), "base.yaml")
    assert done.returncode == 1
    assert done.stdout == "3 specs, 1 with errors\n"
    assert "DS203" in done.stderr


def test_warnings_are_allowed() -> None:
    done = run("validate", "-", stdin="teacher_num_classes: 5\n")
    assert done.returncode == 0
    assert "warning[DS208]" in done.stderr
    assert "--> <stdin>:1:22" in done.stderr
    assert done.stdout.startswith("<stdin>: deit, 198 tokens")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 2),
        (["--nope"], 2),
        (["validate"], 2),
        (["validate", "nowhere.yaml"], 1),
        (["validate", "published/.."], 0),
        (["validate", ""], 2),
        (["validate", "a\x01b.yaml"], 1),
        (["compile", "base.yaml", "--check"], 2),
        (["compile", "base.yaml", "--target", "both"], 2),
        (["compile", "base.yaml", "-o", "nowhere/model.py"], 2),
        (["compile", "base.yaml", "-o", "."], 2),
        (["compile", "base.yaml", "-o", "base.yaml"], 2),
        (["render", "base.yaml", "-o", "base.yaml"], 2),
        (["render", "base.yaml", "--width", "10"], 2),
    ],
)
def test_exit_codes_without_traceback(arguments: list[str], code: int) -> None:
    done = run(*arguments)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


def test_version() -> None:
    assert run("--version").stdout == f"deit-spec {deit_spec.__version__}\n"


def test_completion_is_offered() -> None:
    done = run("--show-completion", "bash")
    assert done.returncode == 0
    assert "complete" in done.stdout


@pytest.mark.parametrize("command", ["validate", "render"])
@pytest.mark.parametrize("kind", ["good", "bad"])
def test_torch_is_not_imported(command: str, kind: str, bad: Path) -> None:
    spec = SPECS / "base.yaml" if kind == "good" else bad
    code = (
        "import sys\n"
        "from deit_spec.cli import main\n"
        f"sys.argv = ['deit-spec', {command!r}, {str(spec)!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    code = end.code\n"
        "assert 'torch' not in sys.modules\n"
        f"assert code == {int(kind == 'bad')}, code\n"
        "if sys.argv[1] == 'validate' and not code: assert 'rich' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_compile_writes_whole_files(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    assert run("compile", "tiny.yaml", "-o", str(path)).returncode == 0
    assert path.read_text() == deit_spec.compile(SPECS / "tiny.yaml").source
    assert run("compile", "tiny.yaml").stdout == path.read_text()
    assert run("compile", "tiny.yaml", "-o", "-").stdout == path.read_text()
    assert [p.name for p in tmp_path.iterdir()] == ["model.py"]


def test_compile_keeps_permissions_and_links(tmp_path: Path) -> None:
    real = tmp_path / "real.py"
    real.write_text("old")
    real.chmod(0o640)
    link = tmp_path / "link.py"
    link.symlink_to(real)
    assert run("compile", "tiny.yaml", "-o", str(link)).returncode == 0
    assert link.is_symlink()
    assert "class DeiT" in real.read_text()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_bad_spec_leaves_files_alone(bad: Path) -> None:
    path = bad.parent / "model.py"
    path.write_text("mine")
    done = run("compile", str(bad), "-o", str(path))
    assert done.returncode == 1
    assert path.read_text() == "mine"
    assert sorted(p.name for p in bad.parent.iterdir()) == ["base.yaml", "model.py"]


def test_check(tmp_path: Path) -> None:
    spec = tmp_path / "tiny.yaml"
    shutil.copy(SPECS / "tiny.yaml", spec)
    path = tmp_path / "model.py"
    check = ("compile", str(spec), "-o", str(path), "--check")
    missing = run(*check)
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "is missing" in missing.stderr
    run("compile", str(spec), "-o", str(path))
    assert run(*check).returncode == 0
    spec.write_text(spec.read_text().replace("depth: 3", "depth: 4"))
    before = path.read_bytes()
    done = run(*check)
    assert done.returncode == 1
    assert "-DEPTH = 3\n+DEPTH = 4\n" in done.stdout
    assert path.read_bytes() == before


def test_target_inference() -> None:
    done = run("compile", "tiny.yaml", "--target", "inference")
    assert "def forward(self, images: Tensor) -> Tensor:" in done.stdout


def fail(*_: object) -> None:
    raise AssertionError("impossible\x1b")


@pytest.mark.parametrize(
    ("arguments", "form"),
    [
        (["validate"], "text"),
        (["compile"], "text"),
        (["--message-format", "json", "validate"], "json"),
        (["--message-format", "json", "compile"], "json"),
        (["--message-format", "github", "compile"], "github"),
        (["validate", "--output-format", "json"], "json"),
        (["validate", "--output-format", "sarif"], "sarif"),
    ],
)
def test_a_defect_is_reported_in_the_format_of_diagnostics(
    arguments: list[str], form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With exit code 3, without a traceback, and with a request to report it."""
    monkeypatch.setattr(inputs, "check_spec", fail)
    monkeypatch.setattr(validate, "check_any", fail)
    done = commands.run(*arguments, "x.yaml")
    assert (done.returncode, done.stdout) == (3, "")
    message = "a defect of deit-spec: AssertionError: impossible"
    if form == "json":
        (found,) = json_form.from_json(json.loads(done.stderr))
        assert (found.code, found.message) == ("DS901", f"{message}\x1b")
        assert "DEIT_SPEC_TRACEBACK" in found.helps[0]
    elif form == "sarif":
        (run,) = json.loads(done.stderr)["runs"]
        assert [each["ruleId"] for each in run["results"]] == ["DS901"]
    else:
        start = "::error file=" if form == "github" else "error[DS901]: "
        assert done.stderr.startswith(start)
        assert f"{message}␛" in done.stderr


def test_specs_are_never_overwritten(tmp_path: Path) -> None:
    """Neither the spec nor one that it extends."""
    base = tmp_path / "base.yaml"
    base.write_text("depth: 3\n")
    (tmp_path / "mine.yaml").write_text("extends: base.yaml\n")
    for command in ("compile", "render"):
        for output in ("base.yaml", "mine.yaml"):
            done = run(command, "mine.yaml", "-o", output, cwd=tmp_path)
            assert done.returncode == 2
            assert "would overwrite an input" in done.stderr
    assert base.read_text() == "depth: 3\n"


def test_check_compares_bytes(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    run("compile", "tiny.yaml", "-o", str(path))
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert run("compile", "tiny.yaml", "-o", str(path), "--check").returncode == 1
    path.write_bytes(b"\xff")
    assert run("compile", "tiny.yaml", "-o", str(path), "--check").returncode == 1


TEXTS = st.sampled_from(
    [
        "depth: 0",
        "dept: 3",
        "num_heads: x",
        "image_size: 225",
        "a: [",
        "a: 1\na: 2",
        "- 1",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(TEXTS, min_size=1, max_size=3), st.text(max_size=20))
def test_invalid_specs_exit_1(tmp_path: Path, texts: list[str], comment: str) -> None:
    """Always diagnostics with code and position, and never a traceback."""
    path = tmp_path / "drawn.yaml"
    text = "\n".join([*texts, f"# {comment}"])
    path.write_bytes(text.encode("utf-8", "replace"))
    done = commands.run("validate", "drawn.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.search(r"error\[DS\d{3}\]: ", done.stderr)
    assert re.search(r"--> .*drawn\.yaml:\d+:\d+", done.stderr)
    assert "DS901" not in done.stderr
