"""`deit-spec evaluate` as a process."""

import json
import re
from pathlib import Path

import pytest
import torch
from pytest_regressions.file_regression import FileRegressionFixture
from support.commands import run
from support.recipes import write_images
from support.runs import DIGITS, RECIPES, make_run, save_weights

import deit_spec
from deit_spec.distill.data import open_data
from deit_spec.distill.evaluation import evaluate
from deit_spec.model.library_preprocessing import to_transformers
from deit_spec.model.model_folder import open_model_folder
from deit_spec.recipe import check_recipe

SPEC = str(RECIPES / "students" / "digits.yaml")
FOR_TINY = ("--weights", "{weights}", "--data")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("evaluate") / "run")


def small_model(folder: Path) -> tuple[str, str]:
    """A spec for three classes, and its weights."""
    spec = folder / "small.yaml"
    spec.write_text(
        "image_size: 8\npatch_size: 4\nembed_dim: 8\ndepth: 1\nnum_heads: 1\n"
        "num_classes: 3\nteacher_num_classes: 3\n"
    )
    return str(spec), str(save_weights(spec, folder / "small.safetensors"))


def without_speed(text: str) -> str:
    text = re.sub(r"[\d,]+ images/s", "N images/s", text)
    return re.sub(r'("(?:images_per_)?seconds?"): [\d.e-]+', r"\1: 0", text)


def test_run_as_table(folder: Path, file_regression: FileRegressionFixture) -> None:
    done = run("evaluate", "run", cwd=folder.parent)
    assert (done.returncode, done.stderr) == (0, "")
    file_regression.check(without_speed(done.stdout), extension=".txt")


@pytest.mark.parametrize("field", ["split_seed=1", "val_images=700"])
def test_a_warning_for_another_split(folder: Path, field: str) -> None:
    """It learned from images that are held out then."""
    done = run("evaluate", "run", "--set", f"data.{field}", cwd=folder.parent)
    assert done.returncode == 0
    name = field.partition("=")[0]
    assert f"warning: data.{name} differs from the run's" in done.stderr


def test_run_as_json(folder: Path, file_regression: FileRegressionFixture) -> None:
    path = folder.parent / "scores.json"
    done = run(
        *("evaluate", "run", "--output-format", "json", "-o", "scores.json"),
        cwd=folder.parent,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    text = path.read_text()
    data = json.loads(text)
    assert data["images"] / data["seconds"] == pytest.approx(data["images_per_second"])
    rounded = re.sub(r"(\d\.\d{4})\d+", r"\1", without_speed(text))
    file_regression.check(rounded, extension=".json")


def test_scores_are_those_of_the_model(folder: Path) -> None:
    done = run("evaluate", str(folder), "--output-format", "json", "--batch-size", "7")
    found = json.loads(done.stdout)["heads"]
    model = deit_spec.load(folder / "spec.yaml", weights=folder / "model.safetensors")
    data = open_data(check_recipe(folder / "recipe.yaml"))
    expected = evaluate(model, data.val(600), fusion="mean_softmax")
    for name in ("cls", "dist", "fused"):
        head = getattr(expected, name)
        assert found[name]["top1"] == head.top1
        assert found[name]["nll"] == pytest.approx(head.nll, rel=1e-5)


def test_a_run_can_be_moved_and_needs_no_teacher(folder: Path, tmp_path: Path) -> None:
    recipe = (folder / "recipe.yaml").read_text()
    gone = recipe.replace(" weights: null", ' weights: "/gone/teacher.safetensors"')
    assert gone.count("/gone/") == 2  # the student's first weights too
    moved = tmp_path / "moved"
    moved.mkdir()
    (moved / "recipe.yaml").write_text(gone)
    for name in ("spec.yaml", "model.safetensors", "split.json"):
        (moved / name).write_bytes((folder / name).read_bytes())
    done = run("evaluate", str(moved), "--output-format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["images"] == 600


@pytest.mark.parametrize(
    ("options", "images"),
    [
        (["--data", "digits"], 179),
        (["--data", "digits", "--set", "data.val_images=50"], 50),
        (["--recipe", str(DIGITS)], 600),
        (["--recipe", str(DIGITS), "--set", "data.val_images=70"], 70),
    ],
)
def test_spec_with_weights(folder: Path, options: list[str], images: int) -> None:
    weights = str(folder / "model.safetensors")
    spec = ("evaluate", SPEC, "--weights", weights, "--output-format", "json")
    done = run(*spec, *options)
    assert (done.returncode, done.stderr) == (0, "")
    data = json.loads(done.stdout)
    assert (data["images"], data["data"]) == (images, "digits")
    assert (data["spec"], data["weights"]) == (SPEC, weights)


def test_one_head(tmp_path: Path) -> None:
    spec = RECIPES / "students" / "digits-undistilled.yaml"
    weights = str(save_weights(spec, tmp_path / "one.safetensors"))
    done = run("evaluate", str(spec), "--weights", weights, "--data", "digits")
    assert done.returncode == 0
    assert done.stdout.splitlines()[2].startswith("class head ")
    assert "distillation head" not in done.stdout
    assert "fused" not in done.stdout


def test_scores_that_are_not_numbers_are_null_in_json(tmp_path: Path) -> None:
    broken = make_run(tmp_path / "broken")
    state = deit_spec.load(SPEC).state_dict()
    state["head.bias"][:] = torch.nan
    torch.save(state, tmp_path / "broken.pt")
    done = run(
        *("evaluate", str(broken), "--weights", str(tmp_path / "broken.pt")),
        *("--output-format", "json"),
    )
    found = json.loads(done.stdout, parse_constant=pytest.fail)["heads"]
    assert (found["cls"]["top1"], found["cls"]["nll"]) == (0, None)
    assert found["dist"]["nll"] > 0


@pytest.mark.parametrize(
    ("folders", "options", "images"),
    [
        (["{0}"], [], 12),
        (["train/{0}", "val/{0}"], [], 12),
        (["{0}"], ["--set", "data.val_images=3"], 3),
        (["{0}"], ["--batch-size", "5", "--set", "data.workers=2"], 12),
    ],
)
def test_folder_of_images(
    tmp_path: Path, folders: list[str], options: list[str], images: int
) -> None:
    """All of it, or its `val`; and without timm, which cannot be imported here."""
    spec, weights = small_model(tmp_path)
    for place in folders:
        write_images(tmp_path / "data" / place.format("."), "abc")
    command = ["evaluate", spec, "--weights", weights, "--data", "data"]
    done = run(*command, *options, "--output-format", "json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    data = json.loads(done.stdout)
    assert data["images"] == images
    assert data["heads"]["cls"]["top5"] == 1


def test_an_unreadable_image_is_named_and_the_others_are_scored(tmp_path: Path) -> None:
    spec, weights = small_model(tmp_path)
    write_images(tmp_path / "data", "abc")
    path = tmp_path / "data" / "a" / "x.png"
    command = ["evaluate", spec, "--weights", weights, "--data", "data"]
    whole = run(*command, "--output-format", "json", cwd=tmp_path)
    path.write_text("no image")
    done = run(*command, "--output-format", "json", cwd=tmp_path)
    assert done.returncode == 1
    assert f"error: cannot read {path}: cannot identify image file" in done.stderr
    found, expected = json.loads(done.stdout), json.loads(whole.stdout)
    assert (found["images"], found["unreadable"]) == (12, [str(path)])
    assert found["heads"] == expected["heads"]
    done = run(*command, "--set", "data.unreadable=1", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"unreadable, left out: {path}" in done.stdout
    for each in (tmp_path / "data").rglob("*.png"):
        each.write_text("no image")
    done = run(*command, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("error: cannot read ") == 13
    assert done.stderr.endswith("error: there are no images to evaluate on\n")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([SPEC], 2, "has no weights; add --weights FILE"),
        ([SPEC, "--weights", "{weights}"], 2, "needs --data or --recipe"),
        (["{folder}/.."], 1, "the folder is not a known kind of model"),
        ([SPEC, "--weights", "nowhere.pt", "--data", "digits"], 1, "nowhere.pt"),
        (["deit_tiny_patch16_224", *FOR_TINY, "./nowhere"], 1, "DS521"),
        (["{folder}", "--set", "data.val_images=9999"], 1, "DS517"),
        (["{folder}", "--set", "data.val_imges=9"], 1, "val_images"),
        (["{folder}", "--device", "abacus"], 2, "cannot use the device abacus"),
        (["{folder}", "--weights", "{other}"], 1, "DS4"),
        (["deit_tiny_patch16_224", "--weights", "{weights}"], 2, "--data"),
        (["-", "--weights", "{weights}", "--data", "digits"], 2, "no class head"),
        (
            ["{folder}", "-o", "{folder}/model.safetensors"],
            2,
            "would overwrite an input",
        ),
    ],
)
def test_errors(
    folder: Path, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    weights = folder / "model.safetensors"
    before = weights.read_bytes()
    places = {
        "folder": folder,
        "weights": weights,
        "other": save_weights("deit_tiny_patch16_224", tmp_path / "other.safetensors")
        if "{other}" in arguments
        else "",
    }
    named = [each.format(**places) for each in arguments]
    done = run("evaluate", *named, stdin="image_size: 8\npatch_size: 2\n")
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert weights.read_bytes() == before


def test_errors_in_overrides_have_their_position(folder: Path) -> None:
    """A finding on what `--set` says points into its text."""
    done = run("evaluate", str(folder), "--set", "data.val_images=none")
    assert done.returncode == 1
    assert "--set:1:17" in done.stderr


def test_errors_in_the_data_have_their_position(folder: Path) -> None:
    data = "none/images"  # a long path is cut
    done = run("evaluate", str(folder), "--data", data)
    assert done.returncode == 1
    assert f" --> --data:1:1\n  |\n1 | {data}\n  | ^" in done.stderr


def test_an_exported_model_sees_the_same_images(
    trained_run: Path, tmp_path: Path
) -> None:
    """A folder of transformers is evaluated with its own preprocessing."""
    hf = tmp_path / "hf"
    arguments = [*([str(trained_run)] * 2), "-o", str(hf), "--to", "hf"]
    done = run("weights", "convert", *arguments)
    assert done.returncode == 0, done.stderr
    config = to_transformers(open_model_folder(trained_run).preprocessing)
    (hf / "preprocessor_config.json").write_text(json.dumps(config))
    data = ["--data", "digits", "--output-format", "json"]
    scores = []
    for model in (trained_run, hf, trained_run / "model.safetensors"):
        done = run("evaluate", str(model), *data)
        assert done.returncode == 0, done.stderr
        heads = json.loads(done.stdout)["heads"]
        scores.append([heads[head]["nll"] for head in ("cls", "dist")])
    assert scores[1] == pytest.approx(scores[0], rel=1e-5)
    assert scores[2] == pytest.approx(scores[0], rel=1e-5)
