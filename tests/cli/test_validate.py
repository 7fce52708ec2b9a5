"""`deit-spec validate`: one spec and many, in each format, and with fixes."""

import errno
import functools
import json
import re
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_regressions.file_regression import FileRegressionFixture
from support import commands

from deit_spec import atomic_write
from deit_spec.diagnostics import json_form

BAD = "embed_dim: 770\n"
FIXABLE = 'deph: "12"  # blocks\r\nnum_heads: 12.0'
FIXED = "depth: 12  # blocks\r\nnum_heads: 12"


def test_validate_sums_up_a_good_spec() -> None:
    done = commands.run("validate", "base.yaml", cwd=commands.SPECS)
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout == (
        "base.yaml: base, 198 tokens, 87,338,192 parameters, 17.66 G MACs, "
        "cls [B, K=1000], dist [B, T=1000]\n"
    )


def test_validate_finds_errors(
    tmp_path: Path, file_regression: FileRegressionFixture
) -> None:
    (tmp_path / "base.yaml").write_text(
        "image_size: 224\npatch_size: 16\nembed_dim: 770\ndepth: 12\ndropout: 0.1\n"
        "num_heads: 12\n"
    )
    done = commands.run("validate", "base.yaml", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    file_regression.check(done.stderr, basename="validate_error")


def test_warnings_are_allowed() -> None:
    done = commands.run("validate", "-", stdin="teacher_num_classes: 5\n")
    assert done.returncode == 0
    assert "warning[DS208]" in done.stderr
    assert "--> <stdin>:1:22" in done.stderr
    assert done.stdout.startswith("<stdin>: deit, 198 tokens")


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """A folder with two good specs, a bad one, and files that are none."""
    (tmp_path / "b").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "good.yaml").write_text("depth: 2\n")
    (tmp_path / "b" / "good.yml").write_text("depth: 3\n")
    (tmp_path / "b" / "bad.yaml").write_text(BAD)
    (tmp_path / "notes.txt").write_text("no spec")
    (tmp_path / ".hidden" / "bad.yaml").write_text(BAD)
    (tmp_path / ".bad.yaml").write_text(BAD)
    return tmp_path


@pytest.mark.parametrize("form", ["text", "concise", "json", "github", "sarif"])
def test_a_diagnostic_of_a_base_is_reported_once(tmp_path: Path, form: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "base.yaml").write_text("deph: 3\n")
    (tmp_path / "child.yaml").write_text("extends: base.yaml\n")
    for name in ("one", "two"):
        (tmp_path / "sub" / f"{name}.yaml").write_text("extends: ../child.yaml\n")
    done = commands.run("validate", "--output-format", form, ".", cwd=tmp_path)
    printed = done.stderr if form == "text" else done.stdout
    assert printed.count("unknown key `deph`") == 1
    assert "base.yaml" in printed
    assert ".." not in printed
    assert done.returncode == 1
    if form == "text":
        assert done.stdout == "4 specs: 4 with errors\n"


@pytest.mark.parametrize("form", ["text", "concise", "json", "github", "sarif"])
def test_an_unknown_tap_is_reported_in_every_format(tmp_path: Path, form: str) -> None:
    (tmp_path / "good.yaml").write_text("depth: 2\ntaps: [blocks.1]\n")
    (tmp_path / "bad.yaml").write_text("depth: 2\ntaps:\n- blocks.1\n- blocks.9\n")
    for names in (("bad.yaml",), ("good.yaml", "bad.yaml")):
        done = commands.run("validate", "--output-format", form, *names, cwd=tmp_path)
        printed = done.stderr if form == "text" else done.stdout
        assert (done.returncode, printed.count("the tap is `blocks.9`")) == (1, 1)
        assert "DS302" in printed


def test_a_base_is_called_by_its_shortest_path(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("deph: 3\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "child.yaml").write_text("extends: ../base.yaml\n")
    done = commands.run("validate", "sub/child.yaml", cwd=tmp_path)
    assert "--> base.yaml:1:1\n" in done.stderr
    # Where a link leads elsewhere, `..` is not what it seems.
    (tmp_path / "far" / "below").mkdir(parents=True)
    (tmp_path / "far" / "base.yaml").write_text("depht: 3\n")
    (tmp_path / "far" / "below" / "child.yaml").write_text("extends: ../base.yaml\n")
    (tmp_path / "link").symlink_to("far/below")
    done = commands.run("validate", "link/child.yaml", cwd=tmp_path)
    assert "--> link/../base.yaml:1:1\n" in done.stderr


def test_all_valid(specs: Path) -> None:
    done = commands.run("validate", "good.yaml", "b/good.yml", cwd=specs)
    assert (done.returncode, done.stdout) == (0, "2 specs, all valid\n")
    assert done.stderr == ""


@pytest.mark.parametrize("form", ["concise", "json", "github", "sarif"])
def test_formats_are_written_to_stdout_as_one_document(specs: Path, form: str) -> None:
    run = functools.partial(commands.run, "validate", ".", "--output-format", form)
    done = run(cwd=specs)
    assert done.returncode == 1
    assert done.stderr == ""
    assert done.stdout.count("DS203") >= 1
    assert "b/bad.yaml" in done.stdout
    if form in {"json", "sarif"}:
        json.loads(done.stdout)
    to_file = run("-o", "findings", cwd=specs)
    assert to_file.returncode == 1
    assert to_file.stdout == ""
    assert (specs / "findings").read_text() == done.stdout


def test_json_can_be_read_back(specs: Path) -> None:
    done = commands.run("validate", "b", "--output-format", "json", cwd=specs)
    (found,) = json_form.from_json(json.loads(done.stdout))
    assert (found.code, str(found.primary.span)) == ("DS203", "b/bad.yaml:1:12")


def test_a_run_without_findings_writes_a_document(specs: Path) -> None:
    done = commands.run("validate", "good.yaml", "--output-format", "json", cwd=specs)
    assert done.returncode == 0
    assert json.loads(done.stdout)["diagnostics"] == []


def test_text_takes_no_file(specs: Path) -> None:
    assert commands.run("validate", ".", "-o", "x", cwd=specs).returncode == 2


@pytest.mark.parametrize("command", ["compile", "render", "cost"])
def test_every_command_has_the_message_formats(specs: Path, command: str) -> None:
    arguments = ("--message-format", "json", command, "b/bad.yaml")
    done = commands.run(*arguments, cwd=specs)
    assert done.returncode == 1
    assert done.stdout == ""
    assert json.loads(done.stderr)["diagnostics"][0]["code"] == "DS203"


def test_the_environment_chooses_a_format(
    specs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEIT_SPEC_MESSAGE_FORMAT", "concise")
    done = commands.run("compile", "b/bad.yaml", cwd=specs)
    assert done.stderr.startswith("b/bad.yaml:1:12: error[DS203]: embed_dim")
    done = commands.run("validate", "b/bad.yaml", cwd=specs)
    assert done.stdout.startswith("b/bad.yaml:1:12: error[DS203]: embed_dim")


def test_fix(tmp_path: Path) -> None:
    spec = tmp_path / "a.yaml"
    spec.write_bytes(FIXABLE.encode())
    spec.chmod(0o640)
    done = commands.run("validate", "--fix", "a.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert spec.read_bytes() == FIXED.encode()
    assert stat.S_IMODE(spec.stat().st_mode) == 0o640
    assert done.stderr.splitlines() == [
        "fixed a.yaml: rename `deph` to `depth`",
        "fixed a.yaml: write `num_heads: 12`",
        "fixed a.yaml: write `depth: 12`",
    ]
    assert [each.name for each in tmp_path.iterdir()] == ["a.yaml"]


def test_fix_leaves_what_is_uncertain(specs: Path) -> None:
    before = (specs / "b" / "bad.yaml").stat().st_mtime_ns
    done = commands.run("validate", "--fix", ".", cwd=specs)
    assert done.returncode == 1
    assert "DS203" in done.stderr
    assert (specs / "b" / "bad.yaml").stat().st_mtime_ns == before


def test_fixes_that_depend_on_others_are_applied(tmp_path: Path) -> None:
    """Three keys move under `variant`, which the first of them adds."""
    (tmp_path / "a.yaml").write_text("qkv_bias: true\ninit: deit\nlayer_scale: 0.1\n")
    done = commands.run("validate", "--fix", "a.yaml", cwd=tmp_path)
    assert done.stderr.count("fixed a.yaml") == 3


def test_diff_changes_nothing(tmp_path: Path) -> None:
    spec = tmp_path / "a.yaml"
    spec.write_bytes(FIXABLE.encode())
    done = commands.run("validate", "--diff", "a.yaml", cwd=tmp_path)
    assert done.returncode == 1
    assert spec.read_bytes() == FIXABLE.encode()
    assert done.stdout.splitlines() == [
        "--- a.yaml",
        "+++ a.yaml\t(fixed)",
        "@@ -1,2 +1,2 @@",
        '-deph: "12"  # blocks',
        "-num_heads: 12.0",
        "\\ No newline at end of file",
        "+depth: 12  # blocks",
        "+num_heads: 12",
        "\\ No newline at end of file",
    ]


def test_diff_of_a_good_spec(specs: Path) -> None:
    done = commands.run("validate", "--diff", "good.yaml", cwd=specs)
    assert (done.returncode, done.stdout) == (0, "")


def test_fix_from_standard_input() -> None:
    done = commands.run("validate", "--fix", "-", stdin="deph: 12\n")
    assert (done.returncode, done.stdout) == (0, "depth: 12\n")


def test_fix_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path, _data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    spec = tmp_path / "a.yaml"
    spec.write_text("deph: 12\n")
    monkeypatch.setattr(atomic_write, "write_file", full)
    done = commands.run("validate", "--fix", "a.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "error: cannot write a.yaml: no space left on device\n"
    assert spec.read_text() == "deph: 12\n"


def test_many_specs(tmp_path: Path) -> None:
    """Findings come in the order of the names, and once for what several extend."""
    (tmp_path / "base.yaml").write_text("mlp_ratio: 0\n")
    for number in range(300):
        text = f"depth: {-number if number % 100 == 99 else number + 1}\n"
        (tmp_path / f"{number:03}.yaml").write_text(text)
    done = commands.run("validate", ".", "--output-format", "json", cwd=tmp_path)
    assert done.returncode == 1
    found = json.loads(done.stdout)["diagnostics"]
    wrong = ["099.yaml", "199.yaml", "299.yaml", "base.yaml"]
    assert [each["span"]["file"] for each in found] == wrong
    assert {each["code"] for each in found} == {"DS103"}
    for number in range(300):
        (tmp_path / f"{number:03}.yaml").write_text("extends: base.yaml\n")
    done = commands.run("validate", ".", cwd=tmp_path)
    assert done.stdout == "301 specs: 301 with errors\n"
    assert done.stderr.count("error[DS103]") == 1


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
