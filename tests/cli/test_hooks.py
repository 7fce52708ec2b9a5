"""The hooks for pre-commit, run on a repository's specs as pre-commit runs them."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import commands

HOOKS: list[dict[str, Any]] = yaml.safe_load(
    (commands.ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
)
BY_ID = {hook["id"]: hook for hook in HOOKS}
FIXABLE = "deph: 2  # blocks\n"


@pytest.mark.parametrize("hook", HOOKS, ids=list(BY_ID))
def test_a_hook_has_what_pre_commit_requires(hook: dict[str, Any]) -> None:
    assert {"id", "name", "entry", "language"} <= hook.keys()
    assert hook["language"] == "python"
    assert hook["types"] == ["yaml"]


@pytest.mark.parametrize("hook", HOOKS, ids=list(BY_ID))
@pytest.mark.parametrize(
    ("path", "is_spec"),
    [
        ("specs/tiny.yaml", True),
        ("spec/tiny.yml", True),
        ("models/specs/small/tiny.yaml", True),
        (".github/workflows/ci.yaml", False),
        ("myspecs/tiny.yaml", False),
        ("specs/notes.txt", False),
    ],
)
def test_which_files_are_handed_to_a_hook(
    hook: dict[str, Any], path: str, *, is_spec: bool
) -> None:
    assert bool(re.search(hook["files"], path)) == is_spec


@pytest.mark.parametrize("hook", HOOKS, ids=list(BY_ID))
def test_good_specs_pass(hook: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("depth: 2\n")
    (tmp_path / "b.yaml").write_text("extends: a.yaml\n")
    code, text = _run(hook, tmp_path, "a.yaml", "b.yaml")
    assert (code, text) == (0, "2 specs, all valid\n")


@pytest.mark.parametrize("hook", HOOKS, ids=list(BY_ID))
def test_a_wrong_spec_fails(hook: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("depth: 2\n")
    (tmp_path / "b.yaml").write_text("depth: 0\n")
    code, text = _run(hook, tmp_path, "a.yaml", "b.yaml")
    assert code == 1
    assert "error[DS103]" in text
    assert "b.yaml:1:8" in text


def test_one_hook_checks_and_the_other_fixes(tmp_path: Path) -> None:
    spec = tmp_path / "a.yaml"
    spec.write_text(FIXABLE)
    code, text = _run(BY_ID["deit-spec-validate"], tmp_path, "a.yaml")
    assert (code, spec.read_text()) == (1, FIXABLE)
    assert "did you mean `depth`?" in text
    # pre-commit fails by itself where a hook has changed a file.
    code, text = _run(BY_ID["deit-spec-fix"], tmp_path, "a.yaml")
    assert (code, spec.read_text()) == (0, "depth: 2  # blocks\n")
    assert "fixed a.yaml: rename `deph` to `depth`" in text


def _run(hook: dict[str, Any], folder: Path, *names: str) -> tuple[int, str]:
    """Run a hook's entry on some files, and give its exit code and all it prints."""
    program, *arguments = shlex.split(hook["entry"])
    assert program == "deit-spec"
    done = commands.run(*arguments, *hook.get("args", ()), *names, cwd=folder)
    return done.returncode, done.stdout + done.stderr
