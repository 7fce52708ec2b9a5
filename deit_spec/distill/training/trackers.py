"""Experiment trackers, such as TensorBoard, which log a run besides its own files."""

import json
import os
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deit_spec.atomic_write import write_file
from deit_spec.diagnostics import Label, Span, diagnose
from deit_spec.diagnostics.printable import first_line_of
from deit_spec.distill.runtime_errors import (
    RunError,
    recipe_of,
    run_error,
    student_of,
    writing,
)
from deit_spec.distill.training.reporter import Reporter
from deit_spec.recipe import CheckedRecipe
from deit_spec.recipe.run_files import TENSORBOARD, TRACKERS
from deit_spec.recipe.run_records import read_tracker_runs

if TYPE_CHECKING:
    from accelerate.tracking import GeneralTracker

PROJECT = "deit-spec"
"""The project of W&B and the experiment of MLflow, unless their variables name one."""


def require_trackers(checked: CheckedRecipe) -> None:
    """DS570: the packages of the trackers of a recipe are installed."""
    names = recipe_of(checked).run.trackers
    from accelerate.tracking import (  # noqa: PLC0415  -- of the extra `train`
        get_available_trackers,
    )

    available = {str(each) for each in get_available_trackers()}
    missing = [
        diagnose(
            "DS570",
            f"run.trackers needs {name}, which is not installed",
            Label(checked.span(f"run.trackers.{index}")),
            helps=[f"`pip install {name}`, or leave `{name}` out"],
        )
        for index, name in enumerate(names)
        if name not in available
    ]
    if missing:
        raise RunError(missing)


class Trackers:
    """The trackers of a run in its main process; there are none before `start`.

    If one fails while training, for example without a network, there is a warning
    (DS572) and the run goes on without it.
    """

    def __init__(self, checked: CheckedRecipe, reporter: Reporter) -> None:
        self._checked, self._reporter = checked, reporter
        self._started: dict[str, GeneralTracker] = {}
        self._last: dict[str, tuple[int, float]] = {}

    def start(self, folder: Path, config: Mapping[str, Any], done: int) -> None:
        """Start the trackers of the recipe, or continue them after `done` steps.

        `config` are the settings of the run by dotted name. A RunError (DS571) if one
        cannot be started.
        """
        runs = read_tracker_runs(folder)
        for name in dict.fromkeys(recipe_of(self._checked).run.trackers):
            try:
                tracker = _start(name, folder, runs.get(name), done)
                if name not in runs:
                    self._store(name, tracker, config)
            except Exception as error:  # of any kind
                raise run_error(
                    self._place(name),
                    "DS571",
                    f"{name} cannot be started: {first_line_of(error)}",
                    help_=f"set it up as its manual says, or leave `{name}` out",
                ) from error
            self._started[name] = tracker
            runs[name] = _run_of(name, tracker)
        if self._started:
            with writing(folder):
                write_file(folder / TRACKERS, json.dumps(runs) + "\n")

    def __bool__(self) -> bool:
        return bool(self._started)

    def log(self, line: Mapping[str, Any]) -> None:
        """Log the numbers of a line of `metrics.jsonl`; a list as its length."""
        step = line["step"]
        found = {
            name: (step, value)
            for name, value in metrics_of(line).items()
            if self._last.get(name) != (step, value)  # two lines have the same epoch
        }
        self._last |= found
        values = {name: value for name, (_, value) in found.items()}
        self._call(lambda _, tracker: tracker.log(values, step=step))

    def log_picture(self, name: str, png: bytes, step: int) -> None:
        """Log a picture."""
        import numpy as np  # noqa: PLC0415  -- of the extra `train`
        from PIL import Image  # noqa: PLC0415

        image = np.asarray(Image.open(BytesIO(png)).convert("RGB"))
        self._call(lambda each, tracker: _log_image(each, tracker, name, image, step))

    def finish(self) -> None:
        """Write what is left, and end the trackers."""
        self._call(lambda _, tracker: tracker.finish())

    def _store(
        self, name: str, tracker: "GeneralTracker", config: Mapping[str, Any]
    ) -> None:
        if name != "tensorboard":
            tracker.store_init_configuration(dict(config))
            return
        # Accelerate would write the settings as another run, without metrics.
        from torch.utils.tensorboard.summary import (  # noqa: PLC0415  -- of an extra
            hparams,
        )

        two = student_of(self._checked).has_two_heads
        metrics = ("loss", "cls/top1", *(("fused/top1",) if two else ()))
        summaries: Any = hparams(dict(config), dict.fromkeys(metrics, 0.0))  # type: ignore[no-untyped-call]
        for summary in summaries:
            tracker.tracker.file_writer.add_summary(summary)

    def _call(self, action: "Callable[[str, GeneralTracker], object]") -> None:
        for name, tracker in list(self._started.items()):
            try:
                action(name, tracker)
            except Exception as error:  # noqa: BLE001  -- of any kind
                del self._started[name]
                self._reporter.warned(
                    diagnose(
                        "DS572",
                        f"{name} has failed, and the run continues without it",
                        Label(self._place(name)),
                        notes=[first_line_of(error)],
                    )
                )

    def _place(self, name: str) -> Span:
        index = recipe_of(self._checked).run.trackers.index(name)
        return self._checked.span(f"run.trackers.{index}")


def metrics_of(line: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a line of `metrics.jsonl` by name, such as `fused/top1`."""
    found: dict[str, float] = {}
    for name, value in line.items():
        if isinstance(value, Mapping):
            found |= {f"{name}/{key}": number for key, number in value.items()}
        elif name != "step":
            found[name] = len(value) if isinstance(value, list) else value
    return found


def _start(name: str, folder: Path, run: str | None, done: int) -> "GeneralTracker":
    """Start a tracker, which continues `run` if there is one."""
    from accelerate.tracking import (  # noqa: PLC0415  -- of the extra `train`
        MLflowTracker,
        TensorBoardTracker,
        WandBTracker,
    )

    title = folder.absolute().name
    tracker: GeneralTracker
    if name == "tensorboard":  # it hides what a killed run wrote after its checkpoint
        tracker = TensorBoardTracker(TENSORBOARD, folder, purge_step=done + 1)
    elif name == "wandb":
        tracker = WandBTracker(
            os.environ.get("WANDB_PROJECT", PROJECT),
            name=os.environ.get("WANDB_NAME", title),
            id=run,
            resume="allow",
        )
    else:
        tracker = MLflowTracker(PROJECT, run_id=run, run_name=title)
    tracker.start()
    return tracker


def _run_of(name: str, tracker: "GeneralTracker") -> str:
    """The run of a tracker, by which it continues."""
    if name == "tensorboard":
        return TENSORBOARD
    run: Any = tracker.tracker
    return str(run.id if name == "wandb" else run.info.run_id)


def _log_image(name: str, tracker: Any, title: str, image: Any, step: int) -> None:
    """Log pixels `[H, W, 3]`."""
    if name == "tensorboard":
        tracker.log_images({title: image[None]}, step, dataformats="NHWC")
    elif name == "wandb":
        tracker.log_images({title: [image]}, step)
    else:  # the tracker of Accelerate logs figures and files only
        import mlflow  # noqa: PLC0415  -- an optional package

        mlflow.log_image(image, f"{title}.png")
