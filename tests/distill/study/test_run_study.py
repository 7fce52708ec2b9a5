"""A tiny study: complete, killed, resumed, and in several processes."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support.commands import ROOT, run

from deit_spec.distill.study.study_results import RESULTS

STUDY = f"""\
recipe: {ROOT / "recipes" / "digits.yaml"}
seeds: [0, 1]
train_images: [100]
baseline: none
arms:
  none:
    student.spec: students/digits-undistilled.yaml
    teacher: null
    loss.kind: none
    schedule.steps: 4
    schedule.warmup_steps: 1
    data.val_images: 100
  hard:
    schedule.steps: 4
    schedule.warmup_steps: 1
    teacher.steps: 4
    data.val_images: 100
"""
SECONDS = 120


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("study") / "tiny.yaml"
    path.write_text(STUDY)
    return path


@pytest.fixture(scope="module")
def whole(study: Path) -> Path:
    """The folder of the study, run one after the other."""
    folder = study.parent / "whole"
    done = run("study", str(study), "-o", str(folder))
    assert done.returncode == 0, done.stderr
    return folder


def results(folder: Path) -> dict[str, Any]:
    """The result of each run, without its time."""
    lines = (folder / RESULTS).read_text().splitlines()
    found = [json.loads(line) for line in lines]
    assert len({each["key"] for each in found}) == len(found)
    return {each.pop("key"): each | {"seconds": None} for each in found}


@pytest.mark.slow  # docs/study.md runs a study as well
def test_a_complete_study(study: Path, whole: Path) -> None:
    found = results(whole)
    places = {(each["arm"], each["images"], each["seed"]) for each in found.values()}
    assert places == {(arm, 100, seed) for arm in ("none", "hard") for seed in (0, 1)}
    for each in found.values():
        assert each["evaluated"] == 100
        assert (each["dist"] is None) == (each["arm"] == "none")
        assert (each["teacher"] is None) == (each["arm"] == "none")
    assert len(list((whole / "teachers").iterdir())) == 2
    data = json.loads((whole / "study.json").read_text())
    assert (data["version"], data["done"], data["planned"]) == (1, 4, 4)
    assert (whole / "study.md").read_text().startswith("# tiny\n")
    assert (whole / "study.png").stat().st_size > 10_000

    again = run("study", str(study), "-o", str(whole), "--output-format", "json")
    assert again.stderr == "4 runs, 4 of them already finished\n"
    assert json.loads(again.stdout) == data


@pytest.mark.slow
def test_parallel_is_as_sequential(study: Path, whole: Path) -> None:
    folder = study.parent / "parallel"
    done = run("study", str(study), "-o", str(folder), "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert results(folder) == results(whole)
    for one in ("study.json", "study.md", "study.png", "study.svg"):
        assert (folder / one).read_bytes() == (whole / one).read_bytes()


@pytest.mark.slow
def test_killed_and_resumed_is_as_whole(study: Path, whole: Path) -> None:
    folder = study.parent / "killed"
    command = [sys.executable, "-m", "deit_spec", "study", str(study), "-o", folder]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as went:
        assert went.stderr is not None
        for line in went.stderr:
            if line.startswith("1/4"):
                break
        went.kill()
    done = len(results(folder))
    assert 1 <= done < 4
    until = time.monotonic() + SECONDS
    while workers_in(folder):  # end with their parent
        assert time.monotonic() < until
        time.sleep(0.05)
    assert len(results(folder)) == done
    again = run("study", str(study), "-o", str(folder))
    assert again.returncode == 0, again.stderr
    assert again.stderr.startswith(f"4 runs, {done} of them already finished\n")
    assert results(folder) == results(whole)


@pytest.mark.slow
def test_a_stopped_study_saves_its_run(study: Path) -> None:
    folder = study.parent / "stopped"
    longer = study.with_name("longer.yaml")
    longer.write_text(STUDY.replace("schedule.steps: 4", "schedule.steps: 100000"))
    command = [sys.executable, "-m", "deit_spec", "study", str(longer), "-o", folder]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as went:
        try:
            until = time.monotonic() + SECONDS
            while not list(folder.glob("runs/*/metrics.jsonl")):  # a run is under way
                assert time.monotonic() < until
                time.sleep(0.05)
            went.terminate()
            assert went.wait(SECONDS) == 128 + signal.SIGTERM
            assert went.stderr is not None
            last = went.stderr.read().splitlines()[-1]
        finally:
            went.kill()  # or leaving it here would wait for it for ever
    assert last.startswith("stopped; finished runs")
    (begun,) = folder.glob("runs/*")  # not what was queued after it
    assert list(begun.glob("checkpoints/step-*"))
    assert not (folder / RESULTS).exists()


def workers_in(folder: Path) -> list[int]:
    """Processes that have a file of the folder open, or one to start them."""
    if not Path("/proc").is_dir():
        return []
    found = []
    for each in Path("/proc").iterdir():
        try:
            text = (each / "cmdline").read_text()
            opened = [str(file.readlink()) for file in (each / "fd").iterdir()]
        except (OSError, UnicodeDecodeError):
            continue
        if any(name.startswith(str(folder)) for name in opened) and "python" in text:
            found.append(int(each.name))
    return found


@pytest.mark.slow
def test_changed_study_runs_what_has_changed(study: Path, whole: Path) -> None:
    before = results(whole)
    changed = study.with_name("changed.yaml")
    changed.write_text(STUDY.replace("teacher.steps: 4", "teacher.steps: 5"))
    done = run("study", str(changed), "-o", str(whole))
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(
        "4 runs, 2 of them already finished; 2 older results are of other"
    )
    after = results(whole)
    assert before.items() < after.items()
    assert len(after) == 6


def test_bad_study(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(STUDY.replace("loss.kind: none", "loss.kind: nothing"))
    done = run("study", str(path), "-o", str(tmp_path / "out"))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{path}:9:16" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_code_beside_the_recipe_is_found_and_reported_at_its_line(
    tmp_path: Path,
) -> None:
    (tmp_path / "taught.py").write_text("def nobody(classes): raise ValueError('!')")
    recipe = (ROOT / "recipes" / "digits.yaml").read_text()
    (tmp_path / "digits.yaml").write_text(
        recipe.replace("students/", str(ROOT / "recipes" / "students") + "/")
    )
    path = tmp_path / "coded.yaml"
    path.write_text(
        "recipe: digits.yaml\nseeds: [0]\ntrain_images: [100]\narms:\n"
        "  coded:\n    teacher: {python: taught:nobody, num_classes: 10}\n"
    )
    done = run("study", str(path), "-o", str(tmp_path / "out"), "--allow-code")
    assert done.returncode == 1
    assert "error[DS527]: the teacher cannot be used: ValueError: !" in done.stderr
    assert f"{path}:6:23" in done.stderr


def test_folder_that_cannot_be(study: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("study", str(study), "-o", str(tmp_path / "file"))
    assert done.returncode == 2
    assert done.stderr.startswith("error: cannot write")


HOT = """\
  hot:
    student.spec: students/digits-undistilled.yaml
    teacher: null
    loss.kind: none
    optimizer.lr: 1.0e+30
    schedule.steps: 4
    schedule.warmup_steps: 1
    data.val_images: 100
"""


@pytest.mark.slow
def test_other_runs_continue_after_one_fails(tmp_path: Path) -> None:
    (tmp_path / "hot.yaml").write_text(STUDY.replace("[0, 1]", "[0]") + HOT)
    folder = tmp_path / "out"
    done = run("study", str(tmp_path / "hot.yaml"), "-o", str(folder))
    assert done.returncode == 1
    assert "hot, 100 images, seed 0 failed: " in done.stderr
    assert "2 of 3 runs are done" in done.stdout
    assert "failed: hot, 100 images, seed 0" in done.stdout
    assert json.loads((folder / "study.json").read_text())["failed"] == [
        "hot, 100 images, seed 0"
    ]
    assert {each["arm"] for each in results(folder).values()} == {"none", "hard"}


@pytest.mark.parametrize("text", ['{"a": 1}\n', "[]\n", "no JSON\n", '"\\ud800"\n'])
def test_a_foreign_file_of_results_is_refused(
    text: str, study: Path, tmp_path: Path
) -> None:
    (tmp_path / RESULTS).write_text(text)
    done = run("study", str(study), "-o", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "error[DS554]: the file is damaged: no line of it is a result" in done.stderr
    assert (tmp_path / RESULTS).read_text() == text


@pytest.mark.slow
def test_a_run_with_a_damaged_result_is_repeated(
    study: Path, whole: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(whole, tmp_path / "out")
    first, *more = (folder / RESULTS).read_text().splitlines(keepends=True)
    first = first.replace('"evaluated": 100', '"evaluated": null')
    (folder / RESULTS).write_text("".join([first, *more]))
    done = run("study", str(study), "-o", str(folder))
    assert done.returncode == 0, done.stderr
    lines = f"1 of {1 + len(more)} lines was damaged and skipped"
    assert f"warning[DS553]: {lines}" in done.stderr
    assert "4 runs, 3 of them already finished" in done.stderr
    assert json.loads((folder / RESULTS).read_text().splitlines()[-1])["seconds"] >= 0
    assert json.loads((folder / "study.json").read_text())["done"] == 4


@pytest.mark.parametrize(
    ("names", "named"),
    [
        ([".lock", "metrics.jsonl", "recipe.yaml"], "metrics.jsonl"),
        (["thesis.tex"], "thesis.tex"),
    ],
)
def test_a_folder_with_other_content_is_refused(
    names: list[str], named: str, study: Path, tmp_path: Path
) -> None:
    for name in names:
        (tmp_path / name).touch()
    done = run("study", str(study), "-o", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"error[DS533]: the folder of a new study contains {named}" in done.stderr
    assert sorted(each.name for each in tmp_path.iterdir()) == names
