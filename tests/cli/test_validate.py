"""`validate` over many specs, in every form, and with fixes."""

import errno
import functools
import json
import stat
from pathlib import Path

import pytest
from support import commands

from deit_spec import atomic_write
from deit_spec.diagnostics import json_form

BAD = "embed_dim: 770\n"
FIXABLE = 'deph: "12"  # blocks\r\nnum_heads: 12.0'
FIXED = "depth: 12  # blocks\r\nnum_heads: 12"


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


@pytest.mark.parametrize(
    "arguments",
    [["."], ["good.yaml", "b"], ["**/*.y*ml"], [".", "b/bad.yaml", "b/*.yml"]],
)
def test_folders_and_globs(specs: Path, arguments: list[str]) -> None:
    done = commands.run("validate", *arguments, cwd=specs)
    assert done.returncode == 1
    assert done.stdout == "3 specs, 1 with errors\n"
    assert done.stderr.count("error[") == 1
    assert "--> b/bad.yaml:1:12" in done.stderr


@pytest.mark.parametrize("form", ["text", "concise", "json", "github", "sarif"])
def test_a_finding_is_told_once_however_many_extend_its_file(
    tmp_path: Path, form: str
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "base.yaml").write_text("deph: 3\n")
    (tmp_path / "child.yaml").write_text("extends: base.yaml\n")
    for name in ("one", "two"):
        (tmp_path / "sub" / f"{name}.yaml").write_text("extends: ../child.yaml\n")
    done = commands.run("validate", "--output-format", form, ".", cwd=tmp_path)
    told = done.stderr if form == "text" else done.stdout
    assert told.count("unknown key `deph`") == 1
    assert "base.yaml" in told
    assert ".." not in told
    assert done.returncode == 1
    if form == "text":
        assert done.stdout == "4 specs, 4 with errors\n"


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


def test_a_circle_of_links_gives_a_file_once(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "good.yaml").write_text("depth: 3\n")
    (tmp_path / "a" / "again").symlink_to("../a")
    done = commands.run("validate", "**/*.yaml", cwd=tmp_path)
    assert done.stdout.startswith("a/b/good.yaml: ")


@pytest.mark.parametrize("options", [(), ("--diff",), ("--fix",)])
@pytest.mark.parametrize("name", ["loop.yaml", "../a/loop.yaml", "extending.yaml"])
def test_a_link_to_itself_cannot_be_read(
    tmp_path: Path, name: str, options: tuple[str, ...]
) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "loop.yaml").symlink_to("loop.yaml")
    (folder / "extending.yaml").write_text("extends: ../a/loop.yaml\n")
    (folder / "good.yaml").write_text("depth: 3\n")
    done = commands.run("validate", *options, "good.yaml", name, cwd=folder)
    assert done.returncode == 1
    assert "error[DS009]: the file cannot be read: too many" in done.stderr


def test_all_valid(specs: Path) -> None:
    done = commands.run("validate", "good.yaml", "b/good.yml", cwd=specs)
    assert (done.returncode, done.stdout) == (0, "2 specs, all valid\n")
    assert done.stderr == ""


@pytest.mark.parametrize("argument", ["empty", "*.nothing", "[a]*"])
def test_nothing_to_check_is_wrong_usage(specs: Path, argument: str) -> None:
    (specs / "empty").mkdir()
    done = commands.run("validate", argument, cwd=specs)
    assert done.returncode == 2
    assert argument in done.stderr


def test_a_file_whose_name_looks_like_a_glob(specs: Path) -> None:
    (specs / "[a].yaml").write_text("depth: 2\n")
    done = commands.run("validate", "[a].yaml", cwd=specs)
    assert done.returncode == 0
    assert done.stdout.startswith("[a].yaml: ")


@pytest.mark.parametrize("form", ["concise", "json", "github", "sarif"])
def test_forms_go_to_stdout_as_one(specs: Path, form: str) -> None:
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


def test_a_clean_run_is_a_document_too(specs: Path) -> None:
    done = commands.run("validate", "good.yaml", "--output-format", "json", cwd=specs)
    assert done.returncode == 0
    assert json.loads(done.stdout)["diagnostics"] == []


def test_text_takes_no_file(specs: Path) -> None:
    assert commands.run("validate", ".", "-o", "x", cwd=specs).returncode == 2


@pytest.mark.parametrize("command", ["compile", "render", "cost"])
def test_every_command_has_the_forms(specs: Path, command: str) -> None:
    arguments = ("--message-format", "json", command, "b/bad.yaml")
    done = commands.run(*arguments, cwd=specs)
    assert done.returncode == 1
    assert done.stdout == ""
    assert json.loads(done.stderr)["diagnostics"][0]["code"] == "DS203"


def test_the_environment_chooses_a_form(
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


def test_all_that_is_mended_is_counted(tmp_path: Path) -> None:
    """Three strays move under `variant`, of which the first has to open it."""
    (tmp_path / "a.yaml").write_text("qkv_bias: true\ninit: deit\nlayer_scale: 0.1\n")
    found = commands.run("validate", "a.yaml", cwd=tmp_path).stderr.splitlines()[-1]
    assert found == "3 errors in a.yaml; `deit-spec validate --fix` fixes 3"
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
