"""The errors of data, teachers and runs look as the catalogue shows them."""

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest
import torch
from accelerate import tracking

from deit_spec.diagnostics import CATALOGUE, DiagnosedError, Diagnostic
from deit_spec.diagnostics.explanation import explanation, folder
from deit_spec.diagnostics.text import render
from deit_spec.distill import runtime_errors as errors
from deit_spec.distill.data.class_balance import class_weights
from deit_spec.distill.data.class_order import note_absent, order_classes
from deit_spec.distill.data.image_sources import ImageFiles, find_folder
from deit_spec.distill.data.split import make_split
from deit_spec.distill.optional_packages import MissingPackageError
from deit_spec.distill.runtime_errors import DataError, RunError
from deit_spec.distill.teachers.teacher_networks import code_network
from deit_spec.distill.training import Reporter
from deit_spec.distill.training.processes import require_device, single_process
from deit_spec.distill.training.run_folder import (
    begin_run,
    require_folder,
    require_same_recipe,
)
from deit_spec.distill.training.trackers import Trackers, require_trackers
from deit_spec.recipe import CheckedRecipe, check_recipe
from deit_spec.recipe.run_files import CLASSES, METRICS, checkpoint_path
from deit_spec.recipe.run_records import (
    MetricsLine,
    RunFileError,
    read_classes,
    read_lines,
)
from deit_spec.recipe.split_file import split_error

RECIPE = """\
student: {spec: deit_tiny_distilled_patch16_224}
"""
BIRDS = "data: {folder: birds}\nteacher: {timm: regnety_160}\n"
OTHERS = "data: {dataset: me/birds}\n"
TRACKED = OTHERS + "loss: {kind: none}\nrun:\n  trackers: [wandb]\n"

Made = DiagnosedError | CheckedRecipe | Diagnostic | None
MakeError = Callable[[CheckedRecipe], Made]
PETS = ("cat", "dog", "owl")
RUN = Path("runs/x")
NO_SPACE = OSError(
    errno.ENOSPC,
    "No space left on device",
    "runs/x/checkpoints/step-0000100.safetensors",
)


def _without_space() -> RunError:
    with pytest.raises(RunError) as caught, errors.writing(RUN):
        raise NO_SPACE
    return caught.value


def _listed(checked: CheckedRecipe, *folders: str) -> DataError:
    for each in folders:
        Path(each).mkdir(parents=True)
    with pytest.raises(DataError) as caught:
        find_folder(checked, Path("birds"))
    return caught.value


def _split(checked: CheckedRecipe, *images: str) -> DataError:
    for each in images:
        path = Path(each)
        path.parent.mkdir(parents=True)
        path.touch()
    return _listed(checked)


def _without_permission(checked: CheckedRecipe) -> DataError:
    with pytest.raises(DataError) as caught:
        code_network(checked, "birds.teacher:convnet", 1000, allow_code=False)
    return caught.value


def _refused(name: str, *, resume: bool) -> RunError:
    shutil.rmtree(RUN)
    RUN.mkdir()
    (RUN / name).touch()
    with pytest.raises(RunError) as caught:
        require_folder(RUN, resume=resume)
    return caught.value


def _another_rate(checked: CheckedRecipe) -> RunError:
    text = Path("recipe.yaml").read_text(encoding="utf-8")
    Path("other.yaml").write_text(text.replace("1.0e-3", "2.0e-3"), encoding="utf-8")
    names = ("robin", "wren")
    split = make_split(checked, names, ImageFiles([], []), held_out=()).as_file()
    begin_run(check_recipe("other.yaml"), RUN, names, split)
    (RUN / "metrics.jsonl").touch()
    with pytest.raises(RunError) as caught:
        require_same_recipe(checked, RUN)
    return caught.value


def _no_dog(checked: CheckedRecipe) -> DataError:
    images = ImageFiles(["cat/1.png", "owl/1.png"], [0, 2])
    data = SimpleNamespace(split=make_split(checked, PETS, images, images))
    data.classes = PETS
    with pytest.raises(DataError) as caught:
        class_weights(checked, data)  # type: ignore[arg-type]
    return caught.value


def _without_memory(checked: CheckedRecipe) -> RunError:
    error = MemoryError("CUDA out of memory. Tried to allocate 1.16 GiB")
    with pytest.raises(RunError) as caught, errors.enough_memory(checked, RUN):
        raise error
    return caught.value


def _other_classes(checked: CheckedRecipe) -> DataError:
    with pytest.raises(DataError) as caught:
        order_classes(checked, ("cat", "hound", "owl"), known=PETS, training=False)
    return caught.value


def _without_dogs(_: CheckedRecipe) -> Diagnostic:
    folder = f"data.folder={json.dumps('/data/pets')}"
    (one,) = note_absent(check_recipe("recipe.yaml", [folder]), PETS, {0, 2})
    return one


def _numbered(_: CheckedRecipe) -> CheckedRecipe:
    for name in ("1", "2", "10"):
        image = Path("numbers", name, "a.png")
        image.parent.mkdir(parents=True)
        image.touch()
    Path("resnet18.pth").touch()
    return check_recipe("recipe.yaml", without=("DS509",))


def _second_gpu(checked: CheckedRecipe) -> RunError:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "device_count", lambda: 1)
        with pytest.raises(RunError) as caught:
            require_device(checked)
    return caught.value


def _launched_alone(checked: CheckedRecipe) -> Diagnostic | None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACCELERATE_MIXED_PRECISION", "no")
        patch.setenv("MASTER_ADDR", "127.0.0.1")
        patch.delenv("WORLD_SIZE", raising=False)
        return single_process(checked)


class _Warned(Reporter):
    def __init__(self) -> None:
        self.warnings: list[Diagnostic] = []

    def warned(self, warning: Diagnostic) -> None:
        self.warnings.append(warning)


def _without_wandb(checked: CheckedRecipe) -> RunError:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tracking, "_available_trackers", ["tensorboard"])
        with pytest.raises(RunError) as caught:
            require_trackers(checked)
    return caught.value


def _tracked(checked: CheckedRecipe, method: str, reason: str) -> Diagnostic:
    """Start W&B and log a line, for which one method of its tracker fails."""

    def fail(*_: object, **__: object) -> None:
        raise ConnectionError(reason)

    with pytest.MonkeyPatch.context() as patch:
        for name in ("start", "log", "store_init_configuration"):
            action = fail if name == method else lambda *_, **__: None
            patch.setattr(tracking.WandBTracker, name, action)
        patch.setattr(tracking.WandBTracker, "tracker", MagicMock())
        trackers = Trackers(checked, reporter := _Warned())
        try:
            trackers.start(RUN, {}, 0)
            trackers.log({"step": 1, "loss": 1.0})
        except RunError as error:
            return error.diagnostics[0]
    return reporter.warnings[0]


def _damaged_line(_: CheckedRecipe) -> Diagnostic | None:
    lines = [json.dumps({"step": step}) for step in range(24)]
    lines[6] = lines[6][:-1]
    (RUN / METRICS).write_text("\n".join([*lines, ""]), encoding="utf-8")
    return read_lines(RUN / METRICS, MetricsLine).warning


def _damaged_classes(_: CheckedRecipe) -> RunFileError:
    (RUN / CLASSES).write_text('["cat", "dog"', encoding="utf-8")
    with pytest.raises(RunFileError) as caught:
        read_classes(RUN / CLASSES)
    return caught.value


FOUND: dict[str, tuple[str, MakeError]] = {
    "DS521": (BIRDS, _listed),
    "DS522": (BIRDS, lambda c: _listed(c, "birds/train")),
    "DS523": (BIRDS, lambda c: _listed(c, "birds/train/wren")),
    "DS524": (
        "data:\n  folder: birds\n  unreadable: 1\nteacher: {timm: regnety_160}\n",
        lambda c: errors.unreadable_images(
            c, ["birds/train/robin/3.jpg", "birds/train/wren/9.jpg"]
        ),
    ),
    "DS525": (
        OTHERS + "teacher: {timm: regnety_160}\n",
        lambda c: errors.unusable_dataset(c, "it has no column of labels"),
    ),
    "DS526": (
        OTHERS + "teacher: {python: birds.teacher:convnet}\n",
        _without_permission,
    ),
    "DS527": (
        OTHERS + "teacher: {timm: regnety_161}\n",
        lambda c: errors.unusable_teacher(
            c, "teacher.timm", "timm: Unknown model (regnety_161)"
        ),
    ),
    "DS528": (
        OTHERS + "teacher: {timm: regnety_160}\n",
        lambda c: errors.missing_package(
            c, "teacher.timm", MissingPackageError("teachers of timm", "timm")
        ),
    ),
    "DS531": (
        OTHERS
        + "teacher: {timm: regnety_160}\noptimizer:\n  lr: 5.0\n  lr_batch: null\n",
        lambda c: errors.not_finite(c, "the loss is nan", 100, RUN),
    ),
    "DS532": (OTHERS, lambda _: _without_space()),
    "DS533": (OTHERS, lambda _: _refused("metrics.jsonl", resume=False)),
    "DS534": (OTHERS, lambda _: _refused("notes.txt", resume=True)),
    "DS541": (
        BIRDS,
        lambda c: _split(
            c,
            *("birds/train/owl/1.jpg", "birds/train/wren/1.jpg"),
            *("birds/valid/owl/1.jpg", "birds/valid/wern/1.jpg"),
        ),
    ),
    "DS542": (
        BIRDS.replace("birds}", "birds, val: train}"),
        lambda c: _split(c, "birds/train/owl/1.jpg"),
    ),
    "DS543": (
        OTHERS,
        lambda _: split_error(
            Path("runs/birds"), "none of its 90 held-out images is in /data/birds"
        ),
    ),
    "DS536": (OTHERS, lambda _: errors.folder_in_use(RUN)),
    "DS535": (
        OTHERS + "teacher: {timm: regnety_160}\noptimizer:\n  lr: 1.0e-3\n",
        _another_rate,
    ),
    "DS537": (
        OTHERS + "loss: {kind: none}\nschedule:\n  batch_size: 1024\n",
        _without_memory,
    ),
    "DS538": (BIRDS.replace("birds", "pets"), _other_classes),
    "DS539": (BIRDS, _without_dogs),
    "DS540": (
        "teacher: {timm: resnet18, weights: resnet18.pth}\ndata: {folder: numbers}\n",
        _numbered,
    ),
    "DS562": (
        BIRDS.replace("birds}", "pets, sampling: balanced, train_images: 2}"),
        _no_dog,
    ),
    "DS549": (
        OTHERS + "teacher: {timm: regnety_160}\nrun:\n  device: cuda:1\n",
        _second_gpu,
    ),
    "DS550": (OTHERS, _launched_alone),
    "DS570": (TRACKED, _without_wandb),
    "DS571": (
        TRACKED,
        lambda c: _tracked(c, "start", "No API key configured. Use `wandb login`."),
    ),
    "DS572": (
        TRACKED,
        lambda c: _tracked(c, "log", "The connection to the service was lost"),
    ),
    "DS553": (OTHERS, _damaged_line),
    "DS554": (OTHERS, _damaged_classes),
}


def found(text: str, make: MakeError, path: Path) -> Diagnostic:
    path.write_text(RECIPE + text, encoding="utf-8")
    made = make(check_recipe(path.name))
    if isinstance(made, Diagnostic):
        return made
    assert made is not None
    (one,) = made.diagnostics
    return one


@pytest.mark.parametrize("code", FOUND)
def test_it_looks_as_its_entry_shows(
    code: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pytestconfig: pytest.Config,
) -> None:
    monkeypatch.chdir(tmp_path)
    kept = checkpoint_path(RUN, 50)
    kept.parent.mkdir(parents=True)
    kept.touch()
    one = found(*FOUND[code], tmp_path / "recipe.yaml")
    assert one.code == code
    (said,) = explanation(code).example
    shown = f"{render((one,)).plain}\n"
    if shown != said.text and pytestconfig.getoption("force_regen"):
        file = Path(str(folder().joinpath(f"{code}.md")))
        text = file.read_text(encoding="utf-8")
        old, new = (f"```text\n{each}```" for each in (said.text, shown))
        file.write_text(text.replace(old, new), encoding="utf-8")
    assert shown == said.text


def test_every_example_of_the_catalogue_is_tested() -> None:
    texts = {
        code
        for code in CATALOGUE
        if [part.language for part in explanation(code).example] == ["text"]
    }
    assert {code for code in texts if code.startswith("DS5")} == set(FOUND)


def test_an_error_has_its_findings_and_shows_them() -> None:
    error = _without_permission(check_recipe({}))
    (found,) = error.diagnostics
    assert found.code == "DS526"
    assert "DS526" in str(error)
    assert str(error).splitlines()[0] == "training cannot continue"


def test_torch_reports_that_memory_ran_out_in_known_words() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**50, dtype=torch.float64)
    assert errors.is_out_of_memory(caught.value)
    assert not errors.is_out_of_memory(RuntimeError("mat1 and mat2 shapes"))


def test_a_long_list_is_truncated() -> None:
    assert errors.listed("abcde") == "a, b, c, d, e"
    assert errors.listed("abcdefg") == "a, b, c, d, e and 2 more"
