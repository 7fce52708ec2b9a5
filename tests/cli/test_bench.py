"""`deit-spec bench`: the table, JSON, the plot, and errors of the usage."""

import json
from pathlib import Path

import pytest
from support.commands import run
from support.runs import make_run

from deit_spec.cli.bench import VERSION
from deit_spec.exporting import bench_model
from deit_spec.exporting.bench_candidates import PRECISIONS, RUNTIMES, Candidate

EAGER = ("--runtimes", "eager", "--rounds", "2", "--precisions", "fp32")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench")
    make_run(folder / "run")
    return folder


@pytest.fixture(autouse=True)
def _without_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is measured in processes, which import torch."""
    monkeypatch.setattr(bench_model, "peak_growth", lambda *_: 3 << 20)


def test_json(place: Path) -> None:
    options = ("--precisions", "fp32,int8", "--merge-tokens", "3,0", "--batch", "8,1")
    done = run(
        *("bench", "run", *EAGER, *options, "--threads", "1"),
        *("--output-format", "json", "-o", "plot.SVG"),
        cwd=place,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["version"] == VERSION
    assert (found["threads"], found["rounds"]) == (1, 2)
    assert found["images"] == {
        "count": 256,
        "source": "256 of the 600 images held out by run",
        "random": False,
        "unreadable": [],
    }
    results = found["results"]
    batches = [each["batch"] for each in results]
    assert batches == [1, 1, 8, 8]
    for batch in (1, 8):
        same = [each for each in results if each["batch"] == batch]
        assert [each["seconds"] for each in same] == sorted(
            each["seconds"] for each in same
        )
        assert same[0]["pareto"]
    for each in results:
        assert each["images_per_second"] == each["batch"] / each["seconds"]
        assert each["quartiles"][0] <= each["seconds"] <= each["quartiles"][1]
        assert each["peak_memory"] == 3 << 20
        assert (each["drift"] < 1e-6) is (each["merge_tokens"] == 0)
    skipped = found["skipped"]
    assert [each["merge_tokens"] for each in skipped] == [0, 3, 0, 3]
    assert {each["precision"] for each in skipped} == {"int8"}
    assert (place / "plot.SVG").read_text().startswith("<?xml")


def test_table(place: Path) -> None:
    """A section for each batch size; the front is marked, and reasons are below."""
    done = run(
        *("bench", "run", *EAGER, "--precisions", "fp32,int8", "--batch", "1,8"),
        cwd=place,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    head = "runtime ms quartiles img/s MiB top-1 drift peak"
    assert " ".join(lines[0].split()) == head
    assert [line for line in lines if line.startswith("batch")] == [
        "batch of 1",
        "batch of 8",
    ]
    rows = [line.split() for line in lines if "eager fp32 " in line]
    assert [row[:3] for row in rows[:2]] == [["*", "eager", "fp32"]] * 2
    assert "outputs compared on 256 of the 600 images held out by run" in lines
    assert "cannot run: eager int8: torch does not compute in int8" in lines


def test_a_model_without_a_run_is_compared_on_random_pixels(place: Path) -> None:
    weights = ("--weights", str(place / "run/model.safetensors"))
    done = run("bench", "specs/tiny.yaml", *weights, *EAGER)
    assert (done.returncode, done.stderr) == (0, "")
    text = "outputs compared on 16 images of random pixels; agreement on them proves"
    assert text in done.stdout


def test_plot(place: Path) -> None:
    """The table is printed as well."""
    options = ("--merge-tokens", "0,3", "--batch", "1,4", "-o", "plot.png")
    done = run("bench", "run", *EAGER, *options, cwd=place)
    assert (done.returncode, done.stderr) == (0, "")
    assert "eager fp32" in done.stdout
    assert (place / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_another_file_has_the_table(place: Path) -> None:
    done = run("bench", "run", *EAGER, "-o", "bench.txt", cwd=place)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "* eager fp32" in (place / "bench.txt").read_text()


def test_nothing_can_run(place: Path) -> None:
    done = run("bench", "run", "--runtimes", "eager", "--precisions", "int8", cwd=place)
    assert (done.returncode, done.stdout) == (1, "")
    assert "error[DS615]: no combination can run" in done.stderr
    assert "= note: cannot run: eager int8: torch does not compute" in done.stderr


def test_a_device_that_cannot_be_used(place: Path) -> None:
    done = run("bench", "run", *EAGER, "--device", "cuda:99", cwd=place)
    assert done.returncode == 2
    assert done.stderr.startswith("error: cannot use the device cuda:99: ")


def test_an_interrupt_prints_what_has_been_measured(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As soon as a candidate has been measured; before that, nothing."""
    complete = Candidate.run
    for count in (3, 40):
        left = count

        def stop(self: Candidate, images: object) -> object:
            nonlocal left
            left -= 1
            if not left:
                raise KeyboardInterrupt
            return complete(self, images)  # type: ignore[arg-type]

        monkeypatch.setattr(Candidate, "run", stop)
        options = ("--batch", "64", "--rounds", "1000", "--images", "digits")
        done = run("bench", "run", *EAGER, *options, cwd=place)
        assert done.returncode == 130
        assert done.stderr.startswith("stopped after ")
        assert ("* eager fp32" in done.stdout) is (count > 3)


def test_the_folder_of_the_output_is_required_first(place: Path) -> None:
    done = run("bench", "nothing", "-o", "missing/bench.png", cwd=place)
    wanted = "error: cannot write missing/bench.png: there is no folder missing\n"
    assert (done.returncode, done.stderr) == (2, wanted)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--runtimes", "eager,tensorrt", f"'tensorrt' is not one of {RUNTIMES[0]}"),
        ("--precisions", "fp16", f"'fp16' is not one of {', '.join(PRECISIONS)}"),
        ("--batch", "1,0", "'0' is not an integer of at least 1"),
        ("--merge-tokens", "8,x", "'x' is not an integer of at least 0"),
        ("--threads", "0", "0 is not at least 1"),
        ("--rounds", "many", "'many' is not an integer"),
    ],
)
def test_usage(place: Path, option: str, value: str, message: str) -> None:
    done = run("bench", "run", option, value, cwd=place, env={"COLUMNS": "200"})
    assert done.returncode == 2
    assert f"Invalid value for '{option}'" in done.stderr
    assert message in done.stderr
