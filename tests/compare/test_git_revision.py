"""Specs of a revision, in a temporary repository."""

import shutil
import subprocess
from pathlib import Path

import pytest
from support.commands import run

from deit_spec.compare.git_revision import NotInGitError, check_at_revision


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A commit with a base of depth 3, which has depth 4 in the working folder."""
    monkeypatch.chdir(tmp_path)
    git("init", "-q", "-b", "main")
    (tmp_path / "specs").mkdir()
    (tmp_path / "base.yaml").write_text("depth: 3\n")
    (tmp_path / "specs/wide.yaml").write_text("extends: ../base.yaml\nembed_dim: 96\n")
    git("add", ".")
    git("commit", "-q", "-m", "Add specs")
    (tmp_path / "base.yaml").write_text("depth: 4\n")
    return tmp_path


def git(*arguments: str) -> None:
    user = ("-c", "user.name=me", "-c", "user.email=me@example.org")
    subprocess.run(["git", *user, *arguments], check=True)  # noqa: S607


@pytest.mark.parametrize(
    ("folder", "reference"),
    [
        (".", "git:HEAD:specs/wide.yaml"),
        ("specs", "git:main:specs/wide.yaml"),
        ("specs", "git:HEAD:./wide.yaml"),
        ("specs", "git:HEAD:../specs/wide.yaml"),
    ],
)
def test_what_a_spec_extends_is_read_from_the_same_revision(
    folder: str, reference: str, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository / folder)
    checked = check_at_revision(reference)
    assert checked.spec is not None, checked.diagnostics
    assert (checked.spec.depth, checked.spec.embed_dim) == (3, 96)
    assert checked.spec.name == "wide"


@pytest.mark.usefixtures("repository")
def test_a_file_that_was_removed_can_be_compared() -> None:
    Path("specs/wide.yaml").unlink()
    assert check_at_revision("git:HEAD:specs/wide.yaml").spec is not None


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("git:HEAD~1:base.yaml", "`HEAD~1` is not a revision of the repository"),
        ("git:--all:base.yaml", "`--all` is not a revision of the repository"),
        ("git::base.yaml", "`` is not a revision of the repository"),
        ("git:HEAD:none.yaml", "`HEAD` has no file none.yaml"),
        ("git:HEAD:specs", "the folder specs has no spec.yaml in `HEAD`"),
        (
            "git:HEAD:./a.onnx",
            "a.onnx is a model in one file, whose spec is not read from git",
        ),
        ("git:HEAD:../out.yaml", "`HEAD` has no file ../out.yaml"),
        ("git:HEAD", "the path is missing"),
    ],
)
def test_what_git_does_not_have(reference: str, message: str) -> None:
    with pytest.raises(NotInGitError) as caught:
        check_at_revision(reference)
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == ("DS313", message)


def test_the_spec_of_a_run(repository: Path) -> None:
    run = repository / "runs/a"
    run.mkdir(parents=True)
    (run / "spec.yaml").write_text("extends: ../../base.yaml\nnum_classes: 7\n")
    git("add", "runs")
    git("commit", "-q", "-m", "Add a run")
    shutil.rmtree(repository / "runs")
    for reference in ("git:HEAD:runs/a", "git:HEAD:./runs/a", "git:HEAD:runs/a/"):
        checked = check_at_revision(reference)
        assert checked.spec is not None, checked.diagnostics
        assert (checked.spec.depth, checked.spec.num_classes) == (3, 7)


@pytest.mark.usefixtures("repository")
def test_a_base_that_the_revision_lacks_is_not_read_from_the_folder() -> None:
    Path("new.yaml").write_text("depth: 5\n")
    Path("specs/wide.yaml").write_text("extends: ../new.yaml\n")
    git("commit", "-q", "-m", "Extend a file that is not added", "specs/wide.yaml")
    with pytest.raises(NotInGitError, match=r"`HEAD` has no file new\.yaml"):
        check_at_revision("git:HEAD:specs/wide.yaml")


@pytest.mark.usefixtures("repository")
def test_errors_point_into_the_revision() -> None:
    Path("base.yaml").write_text("num_heads: 7\n")
    git("commit", "-q", "-m", "Break the base", "base.yaml")
    Path("base.yaml").write_text("num_heads: 12\n")
    (found,) = check_at_revision("git:HEAD:base.yaml").diagnostics
    assert (found.code, str(found.primary.span)) == ("DS203", "git:HEAD:base.yaml:1:12")


def test_without_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotInGitError, match="not in a git repository"):
        check_at_revision("git:HEAD:base.yaml")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NotInGitError, match="git is not installed"):
        check_at_revision("git:HEAD:base.yaml")


def test_commands_that_take_a_spec_take_a_revision(repository: Path) -> None:
    (repository / "base.yaml").unlink()
    command = ("render", "git:HEAD:base.yaml", "--output-format", "tree")
    done = run(*command, cwd=repository)
    assert (done.returncode, done.stderr) == (0, "")
    assert "blocks.0 … blocks.2 ×3" in done.stdout
    assert run("validate", "git:HEAD:base.yaml", cwd=repository).returncode == 0
    done = run("new", "mine", "--from", "git:HEAD:base.yaml", cwd=repository)
    assert done.returncode == 2
    assert "a spec cannot extend one" in done.stderr
