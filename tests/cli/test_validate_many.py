"""`validate` over a thousand specs in one call, and several calls at once."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from support import commands

GOOD, BAD, FIXABLE = "depth: {}\n", "depth: -{}\n", "deph: {}  # blocks\n"
MANY = 1000


def _write(folder: Path, *, bad_every: int = 0, text: str = BAD) -> list[Path]:
    """Write a thousand specs, of which some say something else."""
    paths = [folder / f"{number:04}.yaml" for number in range(1, MANY + 1)]
    for number, path in enumerate(paths, 1):
        is_bad = bad_every and number % bad_every == 0
        path.write_text((text if is_bad else GOOD).format(number % 24 + 1))
    return paths


def test_a_thousand_good_specs(tmp_path: Path) -> None:
    _write(tmp_path)
    done = commands.run("validate", ".", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "1,000 specs, all valid\n"


def test_each_wrong_one_of_a_thousand_is_told_in_order(tmp_path: Path) -> None:
    paths = _write(tmp_path, bad_every=100)
    done = commands.run("validate", ".", "--output-format", "json", cwd=tmp_path)
    found = json.loads(done.stdout)["diagnostics"]
    assert done.returncode == 1
    wrong = [path.name for path in paths[99::100]]
    assert [each["span"]["file"] for each in found] == wrong
    assert {each["code"] for each in found} == {"DS103"}
    done = commands.run("validate", *(path.name for path in paths), cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "1,000 specs, 10 with errors"
    assert done.returncode == 1


def test_a_thousand_that_extend_one(tmp_path: Path) -> None:
    """What the one says wrong is told once."""
    (tmp_path / "base.yaml").write_text("mlp_ratio: 0\n")
    for number in range(MANY):
        (tmp_path / f"{number:04}.yaml").write_text("extends: base.yaml\n")
    done = commands.run("validate", ".", cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "1,001 specs, 1,001 with errors"
    assert done.stderr.count("error[DS103]") == 1


def test_calls_side_by_side_tell_the_same(tmp_path: Path) -> None:
    _write(tmp_path, bad_every=300)
    alone = commands.run("validate", ".", cwd=tmp_path)
    for done in _at_once(tmp_path, "validate", "."):
        assert (done.returncode, done.stdout, done.stderr) == (
            alone.returncode,
            alone.stdout,
            alone.stderr,
        )


def test_fixes_side_by_side_leave_whole_files(tmp_path: Path) -> None:
    paths = _write(tmp_path, bad_every=2, text=FIXABLE)
    for done in _at_once(tmp_path, "validate", "--fix", "."):
        assert done.returncode == 0, done.stderr
        assert done.stdout == "1,000 specs, all valid\n"
    for number, path in enumerate(paths, 1):
        expected = FIXABLE.replace("deph", "depth") if number % 2 == 0 else GOOD
        assert path.read_text() == expected.format(number % 24 + 1)
    assert sorted(tmp_path.iterdir()) == paths


def _at_once(folder: Path, *arguments: str) -> list[subprocess.CompletedProcess[str]]:
    """Run a command four times, all at once."""
    with ThreadPoolExecutor(4) as pool:
        runs = [
            pool.submit(commands.run_process, *arguments, cwd=folder) for _ in range(4)
        ]
        return [run.result() for run in runs]
