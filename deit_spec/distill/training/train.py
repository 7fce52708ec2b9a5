"""A whole run: opened, trained, written."""

import signal
from contextlib import ExitStack
from pathlib import Path

from deit_spec.distill.data import Data, open_data
from deit_spec.distill.extra import require_packages
from deit_spec.distill.teachers import Teacher, open_teacher
from deit_spec.distill.teachers.convnet import UnsavedError
from deit_spec.distill.threads import threads
from deit_spec.distill.training import checkpoint, problems
from deit_spec.distill.training import folder as place
from deit_spec.distill.training.learner import Learner
from deit_spec.distill.training.lock import alone
from deit_spec.distill.training.log import Log
from deit_spec.distill.training.names import find_last
from deit_spec.distill.training.processes import Processes
from deit_spec.distill.training.reporter import Finished, Reporter, Silent, Start
from deit_spec.distill.training.results import write_results
from deit_spec.distill.training.run import Run
from deit_spec.distill.training.schedule import schedule, timetable
from deit_spec.distill.training.signals import Stop
from deit_spec.distill.training.student import open_student
from deit_spec.recipe import CheckedRecipe, Recipe
from deit_spec.recipe.run_files import METRICS


def train(
    checked: CheckedRecipe,
    folder: Path,
    *,
    resume: bool = False,
    allow_code: bool = False,
    reporter: Reporter | None = None,
) -> Finished:
    """Train the student of a recipe, and fill a folder with all that comes of it.

    Call it in one process, or in each that `accelerate launch` starts.

    Args:
        checked: A recipe without errors.
        folder: Where the run goes: it is empty, or not there.
        resume: Whether to go on with the run in the folder, if there is one.
        allow_code: Whether a teacher that is a Python function may be called.
        reporter: Is told how it goes, in the main process.

    Raises:
        RunError: The folder is taken, the disk full, or the loss not finite.
        DataError: The images or the teacher cannot be used.
        WeightsError: The student's weights, or a checkpoint, cannot be used.
        MissingPackageError: A package that the recipe needs is not installed.
    """
    if checked.recipe is None:
        raise ValueError("the recipe has errors")
    require_packages("runs", "accelerate", "matplotlib", "numpy")
    place.require_place(folder, resume=resume)
    if resume:
        place.require_same(checked, folder)
    with ExitStack() as stack:
        stop = stack.enter_context(Stop())
        stack.enter_context(threads(_recipe(checked).run.threads))
        processes = Processes(checked.recipe)
        problems.require_equal_parts(checked, processes.world)
        told = reporter if reporter is not None and processes.main else Silent()
        data = open_data(checked)
        processes.wait()  # all have seen the folder as it was
        _take(folder, processes, stack, resume=resume)
        stack.enter_context(problems.enough_memory(checked, folder))
        teacher = _open_teacher(checked, folder, data, processes, allow_code=allow_code)
        student = open_student(checked, told)
        learner = Learner(student, teacher, checked.recipe, processes)
        run = _begin(checked, folder, data, learner, told)
        start = _start(run)
        told.started(start)
        complete = run.go(stop)
        finished = _finish(run, start, complete=complete, stop=stop)
    told.finished(finished)
    return finished


def _take(
    folder: Path, processes: Processes, stack: ExitStack, *, resume: bool
) -> None:
    """Make the folder this run's own until the stack is left.

    Raises:
        RunError: Another run is under way there, or it cannot be written.
    """
    with problems.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        stack.enter_context(alone(folder, processes))
        if processes.main:
            # Another run may have ended here while this one waited.
            place.require_place(folder, resume=resume)


def _open_teacher(
    checked: CheckedRecipe,
    folder: Path,
    data: Data,
    processes: Processes,
    *,
    allow_code: bool,
) -> Teacher | None:
    """Open the teacher, which one process of a machine may train and write first."""
    device = processes.device
    try:
        with processes.local_main_first():
            return open_teacher(
                checked, data, folder=folder, allow_code=allow_code, device=device
            )
    except UnsavedError as error:
        raise problems.not_written(folder, error) from error


def _begin(
    checked: CheckedRecipe,
    folder: Path,
    data: Data,
    learner: Learner,
    reporter: Reporter,
) -> Run:
    """Go on from the last checkpoint, where there is one, or from the beginning."""
    recipe = _recipe(checked)
    times = timetable(recipe, data.steps_per_epoch(recipe.schedule.batch_size))
    last = find_last(folder)
    done = 0 if last is None else checkpoint.load(learner, last)
    main = learner.processes.main
    log = None
    if main:
        with problems.writing(folder):
            place.begin(checked, folder, data.classes)
            log = Log(folder, done)
        if log.damaged:
            reporter.said(_damaged(log.damaged))
    learner.processes.wait()
    return Run(
        checked=checked,
        recipe=recipe,
        folder=folder,
        data=data,
        learner=learner,
        fusion=place.spec_of(checked).fusion,
        times=times,
        rates=schedule(recipe, times),
        reporter=reporter,
        log=log,
        done=done,
        seconds=log.seconds if log else 0.0,
    )


def _damaged(count: int) -> str:
    if count == 1:
        return f"a line of {METRICS} cannot be read and is left out"
    return f"{count} lines of {METRICS} cannot be read and are left out"


def _start(run: Run) -> Start:
    recipe, learner = run.recipe, run.learner
    return Start(
        student=place.spec_of(run.checked).name,
        parameters=sum(each.numel() for each in learner.weights),
        loss=recipe.loss.kind,
        teacher=_taught_by(recipe),
        train_images=run.data.train_count,
        val_images=run.data.val_count,
        classes=len(run.data.classes),
        batch_size=recipe.schedule.batch_size,
        steps=run.times.steps,
        first=run.done,
        steps_per_epoch=run.times.steps_per_epoch,
        device=learner.processes.place,
        processes=learner.processes.world,
        folder=run.folder,
    )


def _taught_by(recipe: Recipe) -> str | None:
    teacher = recipe.teacher
    if teacher is None or recipe.loss.kind == "none":
        return None
    return teacher.builtin or teacher.timm or teacher.spec or teacher.python


def _finish(run: Run, start: Start, *, complete: bool, stop: Stop) -> Finished:
    """Write what a run leaves; of one that was complete before, anew."""
    if complete and run.scores is None:
        run.evaluate()
    finished = Finished(
        scores=run.scores if complete else None,
        folder=run.folder,
        step=run.done,
        complete=complete,
        signal=None if complete else stop.signal or signal.SIGTERM,
        seconds=run.seconds,
    )
    with problems.writing(run.folder):
        write_results(run, start, finished)
    run.learner.processes.wait()
    return finished


def _recipe(checked: CheckedRecipe) -> Recipe:
    assert checked.recipe is not None  # noqa: S101  -- `train` has looked
    return checked.recipe
