"""`--fix` and `--diff`: over several specs, in pipes, and for `patch`."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from support import commands

CHILD = "extends: base.yaml\nembed_dim: 192\nnum_heads: 3\n"
LAYOUTS = {
    "plain": "deph: 3\n",
    "Windows": 'deph: "12"  # blocks\r\nnum_heads: 12.0\r\n',
    "no last break": "deph: 3\nnum_heads: 12.0",
    "Windows, no last break": "deph: 3\r\nnum_heads: 12.0",
    "breaks that are none": "# a\u2028deph: 4\x85\n# b\u2029\ndeph: 3\n",
    "lone returns": "# a\rdepth: 12.0\r# b\rnum_heads: 12.0\n",
    "byte order mark": "\ufeffdeph: 3\n# b\n",
}


@pytest.mark.parametrize("names", [["child.yaml", "base.yaml"], ["."]])
def test_a_spec_is_checked_with_the_fixed_spec_that_it_extends(
    tmp_path: Path, names: list[str]
) -> None:
    (tmp_path / "base.yaml").write_text("deph: 3\n")
    (tmp_path / "child.yaml").write_text(CHILD)
    done = commands.run("validate", "--fix", *names, cwd=tmp_path)
    assert done.stdout == "2 specs, all valid\n"
    assert done.stderr == "fixed base.yaml: rename `deph` to `depth`\n"
    assert done.returncode == 0


@pytest.mark.parametrize("names", [["sub/child.yaml", "base.yaml"], ["."]])
def test_diff_checks_specs_as_if_it_were_applied(
    tmp_path: Path, names: list[str]
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "base.yaml").write_text("deph: 3\n")
    child = CHILD.replace("base", "../base")
    (tmp_path / "sub" / "child.yaml").write_text(child)
    done = commands.run("validate", "--diff", *names, cwd=tmp_path)
    assert done.stderr == "2 specs: 1 would be fixed\n"
    assert done.stdout.count("-deph: 3") == 1
    assert done.returncode == 1
    assert (tmp_path / "base.yaml").read_text() == "deph: 3\n"


def test_standard_input_is_checked_with_the_fixed_files(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("deph: 3\n")
    arguments = ("validate", "--fix", "-", "base.yaml")
    done = commands.run(*arguments, cwd=tmp_path, stdin=f"{CHILD}mlp_ratios: 4\n")
    assert done.stdout == f"{CHILD}mlp_ratio: 4\n"
    assert done.stderr.splitlines()[-1] == "2 specs, all valid"
    assert done.returncode == 0


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "tool",
    [
        pytest.param(("patch", "--batch", "-p0"), id="patch"),
        pytest.param(("git", "apply", "-p0", "-"), id="git"),
    ],
)
def test_the_difference_is_applied_by(
    tool: tuple[str, ...], layout: str, tmp_path: Path
) -> None:
    """And what it makes of the file is what `--fix` does."""
    if shutil.which(tool[0]) is None:
        pytest.skip(f"there is no {tool[0]}")
    spec = tmp_path / "a b.yaml"
    spec.write_bytes(LAYOUTS[layout].encode())
    diff = subprocess.run(
        [*commands.COMMAND, "validate", "--diff", spec.name],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    subprocess.run(tool, cwd=tmp_path, input=diff.stdout, check=True)
    applied = spec.read_bytes()
    spec.write_bytes(LAYOUTS[layout].encode())
    commands.run("validate", "--fix", spec.name, cwd=tmp_path)
    assert spec.read_bytes() == applied != LAYOUTS[layout].encode()


def test_only_the_diff_goes_to_stdout(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text("deph: 3\n")
    done = commands.run("validate", "--diff", ".", cwd=tmp_path)
    heads = ("---", "+++", "@@ ", "-de", "+de")
    assert [line[:3] for line in done.stdout.splitlines()] == [*heads, *heads]
    assert done.stderr == "2 specs: 2 would be fixed\n"
    assert done.returncode == 1


@pytest.mark.parametrize(
    "arguments", [("--diff", "a.yaml"), ("--fix", "-"), ("--fix", "a.yaml", "-")]
)
@pytest.mark.parametrize("form", ["concise", "json", "github", "sarif"])
def test_one_thing_goes_to_stdout(
    arguments: tuple[str, ...], form: str, tmp_path: Path
) -> None:
    spec = tmp_path / "a.yaml"
    spec.write_text("deph: 3\n")
    run = ("validate", *arguments, "--output-format", form)
    for more in ((), ("-o", "-")):
        done = commands.run(*run, *more, cwd=tmp_path, stdin="depht: 3\n")
        assert (done.returncode, done.stdout) == (2, "")
        assert f"diagnostics in {form} need -o FILE" in done.stderr
        assert spec.read_text() == "deph: 3\n"
    done = commands.run(*run, "-o", "found", cwd=tmp_path, stdin="depht: 3\n")
    assert "depth: 3\n" in done.stdout
    assert (tmp_path / "found").exists()


def test_a_file_is_fixed_while_findings_go_to_stdout(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("deph: 3\nembed_dim: 770\n")
    arguments = ("validate", "--fix", "a.yaml", "--output-format", "json")
    done = commands.run(*arguments, cwd=tmp_path)
    (found,) = json.loads(done.stdout)["diagnostics"]
    assert found["code"] == "DS203"
    assert done.stderr == "fixed a.yaml: rename `deph` to `depth`\n"


def test_fixes_of_what_is_extended_are_not_counted(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "base.yaml").write_text("depth: 3.0\n")
    (tmp_path / "sub" / "a.yaml").write_text("extends: base.yaml\nembed_dims: 768\n")
    done = commands.run("validate", "sub/a.yaml", cwd=tmp_path)
    assert done.stderr.endswith("--fix` can fix 1\n")


@pytest.mark.parametrize("command", ["validate", "compile", "render"])
def test_standard_input_and_every_command_count(command: str) -> None:
    text = "embed_dims: 192\nnum_heads: 3.0\nlayer_scale: 0.1\n"
    done = commands.run(command, "-", stdin=text)
    assert done.stderr.endswith(
        "3 errors in <stdin>; `deit-spec validate --fix` can fix 3\n"
    )


def test_a_truncated_input_is_not_written(tmp_path: Path) -> None:
    """Its end has not been read, and would be lost."""
    text = f"# {'x' * 70_000}\ndepth: 12.0\n"
    done = commands.run("validate", "--fix", "-", cwd=tmp_path, stdin=text)
    assert (done.returncode, done.stdout) == (1, "")
    assert "DS008" in done.stderr
