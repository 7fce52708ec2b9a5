"""Train the student of a recipe, from its data and teacher to a run folder."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from torch import nn

from deit_spec.diagnostics import Diagnostic
from deit_spec.distill import runtime_errors as errors
from deit_spec.distill.data import Data, open_data
from deit_spec.distill.data.class_balance import class_weights
from deit_spec.distill.image_files import note_of_ignored
from deit_spec.distill.optional_packages import require_packages
from deit_spec.distill.runtime_errors import recipe_of, writing
from deit_spec.distill.seeds import seed_all, threads
from deit_spec.distill.teachers import open_teacher
from deit_spec.distill.training import run_folder
from deit_spec.distill.training.metrics_log import MetricsLog
from deit_spec.distill.training.optimizer import make_schedule, require_optimizer
from deit_spec.distill.training.processes import (
    Processes,
    StopSignal,
    require_device,
    single_process,
)
from deit_spec.distill.training.reporter import Finished, Reporter, Start
from deit_spec.distill.training.run_results import write_results
from deit_spec.distill.training.trackers import Trackers, require_trackers
from deit_spec.distill.training.training_checkpoint import load_checkpoint
from deit_spec.distill.training.training_loop import TrainingLoop
from deit_spec.distill.training.training_step import TrainingStep
from deit_spec.distill.warm_start import WarmStart, plan_warm_start
from deit_spec.graph import Target
from deit_spec.passes import PassOptions
from deit_spec.pipeline import compile_checked
from deit_spec.recipe import CheckedRecipe
from deit_spec.recipe.rules.schedule_rules import (
    known_train_images,
    large_batch,
    slow_average,
)
from deit_spec.recipe.run_files import checkpoint_step, last_checkpoint


def train(
    checked: CheckedRecipe,
    folder: Path,
    *,
    resume: bool = False,
    allow_code: bool = False,
    reporter: Reporter | None = None,
) -> Finished:
    """Train the student of a recipe, and write the results to a folder.

    Call it in one process, or in each that `accelerate launch` starts.

    Args:
        checked: What `deit_spec.recipe.check_recipe` returns.
        folder: The run folder, which is empty or does not exist.
        resume: Whether the folder may have a run of the same recipe, which continues.
        allow_code: Whether a teacher may be a Python function.
        reporter: Receives the events in the main process.

    Raises:
        RunError: The folder has other content, the disk is full, memory runs out, the
            loss is not finite, or a tracker cannot be started.
        DataError: The recipe has errors, or the images or the teacher cannot be used.
        WeightsError: Weights cannot be used.
        MissingPackageError: A package that training needs is not installed.
    """
    recipe = recipe_of(checked)
    _require_packages(checked)
    run_folder.require_folder(folder, resume=resume)
    known = None
    if resume:
        run_folder.require_same_recipe(checked, folder)
        known = run_folder.classes_of_run(folder)
    with ExitStack() as stack:
        stop = stack.enter_context(StopSignal())
        stack.enter_context(threads(recipe.run.threads))
        require_device(checked)
        processes = Processes(recipe)
        _require_equal_shares(checked, processes)
        if reporter is None or not processes.main:
            reporter = Reporter()
        data = open_data(checked, known=known)
        if resume:
            _require_same_data(checked, folder, data)
        weights = class_weights(checked, data)
        for warning in _warnings(checked, data):
            reporter.warned(warning)
        warm_start = _plan_warm_start(checked, folder, data, reporter)
        processes.accelerator.wait_for_everyone()  # they have checked the folder
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(run_folder.locked(folder, processes))
        if processes.main:  # another run may have ended here in the meantime
            run_folder.require_folder(folder, resume=resume)
        stack.enter_context(errors.enough_memory(checked, folder))
        # The first process of a machine may train and write the teacher.
        teacher, stopped = None, False
        with processes.accelerator.local_main_process_first():
            try:
                teacher = open_teacher(
                    checked,
                    data,
                    folder=folder,
                    allow_code=allow_code,
                    device=processes.device,
                    on_step=partial(_teach, reporter, stop),
                )
            except _StoppedError:
                stopped = True
        if processes.any(stopped):
            return _stopped_before(folder, stop)
        student = open_student(checked, warm_start)
        training = TrainingStep(student, teacher, recipe, processes, weights)
        loop = _make_loop(checked, folder, data, training, reporter)
        stack.callback(loop.trackers.finish)
        start = _start(loop)
        reporter.started(start)
        if note := note_of_ignored(data.ignored):
            reporter.said(note)
        complete = loop.run(stop)
        finished = Finished(
            scores=loop.final_scores() if complete else None,
            folder=folder,
            step=loop.done,
            complete=complete,
            signal=None if complete else stop.signal or signal.SIGTERM,
            seconds=loop.seconds,
            teacher=loop.teacher_scores if complete else None,
        )
        with writing(folder):
            write_results(loop, start, finished)
        processes.accelerator.wait_for_everyone()
    reporter.finished(finished)
    return finished


def _require_packages(checked: CheckedRecipe) -> None:
    require_packages("runs", "accelerate", "matplotlib", "numpy")
    require_optimizer(recipe_of(checked))
    require_trackers(checked)


def _require_same_data(checked: CheckedRecipe, folder: Path, data: Data) -> None:
    """Check what depends on the data of a run to resume."""
    run_folder.require_same_images(checked, folder, data.split.as_file())
    run_folder.require_same_rates(checked, folder, data.sampler.steps)


def _require_equal_shares(checked: CheckedRecipe, processes: Processes) -> None:
    """DS513: processes and accumulation split a batch into equal parts."""
    recipe = recipe_of(checked)
    batch, parts = recipe.schedule.batch_size, recipe.run.accumulate
    if batch % (processes.world * parts):
        in_parts = f" × {parts} parts" if parts > 1 else ""
        by = f"{processes.world} processes{in_parts}"
        message = f"a batch of {batch} images is not divisible by {by}"
        span = checked.span("schedule.batch_size")
        raise errors.run_error(span, "DS513", message)


class _StoppedError(Exception):
    """A signal stopped the training of the built-in teacher."""


def _teach(reporter: Reporter, stop: StopSignal, step: int, steps: int) -> None:
    """Report a step of the built-in teacher, and end its training after a signal."""
    reporter.teaching(step, steps)
    if stop.signal is not None:
        raise _StoppedError


def _stopped_before(folder: Path, stop: StopSignal) -> Finished:
    """A run that was stopped before its first step, or the first since it resumed."""
    last = last_checkpoint(folder)
    return Finished(
        scores=None,
        folder=folder,
        step=0 if last is None else checkpoint_step(last) or 0,
        complete=False,
        signal=stop.signal or signal.SIGTERM,
        seconds=0.0,
    )


def _plan_warm_start(
    checked: CheckedRecipe, folder: Path, data: Data, reporter: Reporter
) -> WarmStart | None:
    """Plan and report how `student.weights` are used; a checkpoint replaces them."""
    if last_checkpoint(folder) is not None:
        return None
    start = plan_warm_start(checked, data.classes)
    if start is not None:
        for warning in start.warnings:
            reporter.warned(warning)
        for message in start.messages():
            reporter.said(message)
    return start


def _warnings(checked: CheckedRecipe, data: Data) -> Iterator[Diagnostic]:
    """What `check_recipe` finds only if it knows the processes and the images."""
    if warning := single_process(checked):
        yield warning
    recipe = recipe_of(checked)
    if known_train_images(recipe) is not None:
        return
    yield from large_batch(checked, recipe, data.train_count)
    if recipe.schedule.steps is None:
        steps = make_schedule(recipe, data.sampler.steps).steps
        yield from slow_average(checked, recipe, steps)


def open_student(checked: CheckedRecipe, start: WarmStart | None) -> nn.Module:
    """Build the student, by seed or from its weights."""
    recipe = recipe_of(checked)
    assert checked.student is not None  # noqa: S101  -- the recipe has no errors
    seed_all(recipe.run.seed, "student")
    options = PassOptions(recipe.run.drop_unread, taps=())
    compiled = compile_checked(checked.student, Target.TRAIN, options)
    return compiled.build(device="cpu") if start is None else start.build(compiled)


def _make_loop(
    checked: CheckedRecipe,
    folder: Path,
    data: Data,
    training: TrainingStep,
    reporter: Reporter,
) -> TrainingLoop:
    """Make the loop from the last checkpoint, or from the beginning."""
    checkpoint = last_checkpoint(folder)
    done = 0 if checkpoint is None else load_checkpoint(training, checkpoint)
    log, trackers = None, Trackers(checked, reporter)
    if training.processes.main:
        with writing(folder):
            run_folder.begin_run(checked, folder, data.classes, data.split.as_file())
            log = MetricsLog(folder, done)
        if log.warning:
            reporter.warned(log.warning)
        trackers.start(folder, run_folder.settings_by_name(checked), done)
    training.processes.accelerator.wait_for_everyone()
    return TrainingLoop(
        checked=checked,
        folder=folder,
        data=data,
        training=training,
        schedule=make_schedule(recipe_of(checked), data.sampler.steps),
        reporter=reporter,
        log=log,
        trackers=trackers,
        done=done,
        seconds=log.seconds if log else 0.0,
    )


def _start(loop: TrainingLoop) -> Start:
    recipe, processes = recipe_of(loop.checked), loop.processes
    teacher, name = recipe.teacher, None
    if teacher is not None and recipe.loss.kind != "none":
        name = teacher.builtin or teacher.timm or teacher.spec or teacher.python
    return Start(
        student=errors.student_of(loop.checked).name,
        parameters=sum(each.numel() for each in loop.training.weights),
        trained=sum(each.numel() for each in loop.training.trained),
        loss=recipe.loss.kind,
        teacher=name,
        train_images=loop.data.train_count,
        val_images=loop.data.val_count,
        classes=len(loop.data.classes),
        batch_size=recipe.schedule.batch_size,
        steps=loop.schedule.steps,
        first=loop.done,
        device="cpu" if processes.device.type == "cpu" else str(processes.device),
        processes=processes.world,
        best=loop.log.best if loop.log else None,
    )
