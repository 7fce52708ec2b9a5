"""Run a study in several processes; runs that are done are not repeated."""

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.connection import wait
from multiprocessing.synchronize import Event
from pathlib import Path
from threading import Thread
from typing import Protocol

import torch

from deit_spec.diagnostics import Diagnostic
from deit_spec.distill.data import open_data
from deit_spec.distill.evaluation import HeadScores, evaluate
from deit_spec.distill.memory_allocator import keep_freed_memory
from deit_spec.distill.runtime_errors import OTHER_FOLDER, RunError, run_error
from deit_spec.distill.study import planned_runs, study_results
from deit_spec.distill.study.planned_runs import PlannedRun
from deit_spec.distill.study.study_results import RESULTS, Result, Results, Summary
from deit_spec.distill.teachers import open_teacher
from deit_spec.distill.trained_model import best_device
from deit_spec.distill.training import Finished, train
from deit_spec.distill.training.run_folder import locked
from deit_spec.recipe import CheckedRecipe
from deit_spec.recipe.run_files import LOCK, METRICS, RECIPE, TEACHER
from deit_spec.recipe.study_validation import CheckedStudy

RUNS, TEACHERS = "runs", "teachers"
OF_ONE_RUN = frozenset({"DS531", "DS537"})
"""Errors that end one run only: a loss that is not finite, too little memory."""
BATCH = 256
_stopping: Event | None = None
"""In a process of a study: set when the study is to stop."""


class Watch(Protocol):
    """Receives the events of a study."""

    def begun(self, planned: int, done: int, stale: int) -> None:
        """The study begins; `stale` results of other recipes are not used."""

    def warned(self, warning: Diagnostic) -> None:
        """There is a warning for the user."""

    def teaching(self, done: int, teachers: int) -> None:
        """`done` of the teachers are ready."""

    def finished(self, result: Result) -> None:
        """A run is done."""

    def failed(self, run: str, error: RunError) -> None:
        """A run has ended with an error; the others continue."""


class StoppedError(Exception):
    """A study was stopped between its runs; the runs that are done are kept."""


def run_study(
    checked: CheckedStudy,
    folder: Path,
    *,
    jobs: int = 1,
    allow_code: bool = False,
    watch: Watch,
) -> Summary:
    """Make all runs of a study that are not in its folder, in `jobs` processes.

    If the loss of a run is not finite or it has too little memory, the other runs
    continue, and the summary names it.

    Raises StoppedError if a run was stopped, RunError if the folder has other content
    or is in use, BrokenExecutor if a process was killed, and what `train` raises.
    """
    study = checked.study
    if study is None:
        raise ValueError("the study has errors")
    _require_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        results, planned = Results(folder), planned_runs.plan_runs(checked, study)
        by_key = {each.key: each for each in planned}
        left = [each for key, each in by_key.items() if key not in results.done]
        stale = len(results.done.keys() - by_key.keys())
        if results.warning:
            watch.warned(results.warning)
        watch.begun(len(by_key), len(by_key) - len(left), stale)
        failed: list[str] = []
        if left:
            with _pool(min(jobs, len(left))) as pool:
                teachers = _score_teachers(pool, folder, left, allow_code, watch)
                runs = _submit_runs(pool, folder, left, allow_code)
                failed = _collect(runs, teachers, results, watch)
    found = {
        (each.arm, each.images, each.seed): results.done[each.key]
        for each in planned
        if each.key in results.done
    }
    name = checked.path.stem if checked.path else "study"
    summary = study_results.summarise(name, study, found)
    return replace(summary, failed=tuple(sorted(failed)))


def _require_folder(folder: Path) -> None:
    """Check that a folder has nothing but a study."""
    if not folder.exists():
        return
    names = {each.name for each in folder.iterdir()}
    if RESULTS in names and not names & {METRICS, RECIPE}:
        return
    if others := sorted(names - {RUNS, TEACHERS, LOCK, RESULTS}):
        message = f"the folder of a new study contains {others[0]}"
        raise run_error(folder, "DS533", message, help_=OTHER_FOLDER)


def _score_teachers(
    pool: ProcessPoolExecutor,
    folder: Path,
    left: Sequence[PlannedRun],
    allow_code: bool,  # noqa: FBT001
    watch: Watch,
) -> dict[str, HeadScores | None]:
    """Train and score each teacher once, for all runs that share it."""
    wanted = {each.teacher: each for each in left if each.teacher}
    tasks = {}
    for key, each in wanted.items():
        place = folder / TEACHERS / each.teacher_name
        task = pool.submit(score_teacher, each.recipe, place, allow_code=allow_code)
        tasks[task] = key
    scores: dict[str, HeadScores | None] = {}
    for task in as_completed(tasks):
        scores[tasks[task]] = task.result()
        watch.teaching(len(scores), len(wanted))
    return scores


def _submit_runs(
    pool: ProcessPoolExecutor,
    folder: Path,
    left: Sequence[PlannedRun],
    allow_code: bool,  # noqa: FBT001
) -> dict[Future[Finished], PlannedRun]:
    runs = {}
    for each in left:
        recipe = each.recipe
        if each.trains_teacher:
            weights = folder / TEACHERS / each.teacher_name / TEACHER
            recipe = planned_runs.with_trained_teacher(each, weights)
        place = folder / RUNS / each.name
        runs[pool.submit(train_run, recipe, place, allow_code=allow_code)] = each
    return runs


def _collect(
    runs: Mapping[Future[Finished], PlannedRun],
    teachers: Mapping[str, HeadScores | None],
    results: Results,
    watch: Watch,
) -> list[str]:
    """Record the results of runs, and return the titles of those that failed."""
    failed: list[str] = []
    for task in as_completed(runs):
        each = runs[task]
        try:
            scores, seconds = task.result().scores, task.result().seconds
        except RunError as error:
            if not {found.code for found in error.diagnostics} <= OF_ONE_RUN:
                raise
            failed.append(each.title)
            watch.failed(each.title, error)
            continue
        if scores is None:
            raise StoppedError
        result = Result(
            key=each.key,
            arm=each.arm,
            images=each.images,
            seed=each.seed,
            cls=scores.cls,
            dist=scores.dist,
            fused=scores.fused,
            teacher=teachers.get(each.teacher or ""),
            evaluated=scores.images,
            seconds=seconds,
        )
        results.add(result)
        watch.finished(result)
    return failed


@contextmanager
def _pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Start a pool of processes that is stopped if the block raises an error."""
    context = get_context("spawn")
    stopping = context.Event()
    pool = ProcessPoolExecutor(
        jobs, mp_context=context, initializer=begin_process, initargs=(stopping,)
    )
    try:
        yield pool
    except BaseException:
        stopping.set()  # for queued tasks, some of which cannot be cancelled
        for process in active_children():  # its run is saved
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def begin_process(stopping: Event) -> None:
    """Prepare a process: one thread, its own signals, and an end with its parent."""
    global _stopping  # noqa: PLW0603  -- an initializer cannot return anything
    _stopping = stopping
    keep_freed_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    torch.set_num_threads(1)
    parent = parent_process()
    if parent is not None:
        Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def score_teacher(
    checked: CheckedRecipe, folder: Path, *, allow_code: bool
) -> HeadScores | None:
    """Open or train a teacher and score it; None if its classes are not the data's."""
    with _interruptible():
        data, device = open_data(checked), best_device()
        folder.mkdir(parents=True, exist_ok=True)
        teacher = open_teacher(
            checked, data, folder=folder, allow_code=allow_code, device=device
        )
        if teacher is None or teacher.classes != len(data.classes):
            return None
        return evaluate(teacher, data.val(BATCH), fusion="cls", device=device).cls


def train_run(checked: CheckedRecipe, folder: Path, *, allow_code: bool) -> Finished:
    """Train a run, or resume it; it has no scores if it was stopped."""
    with _interruptible():
        return train(checked, folder, resume=True, allow_code=allow_code)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt at SIGTERM in the block, or if the study is stopping."""
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        # After the handler is set, as SIGTERM is sent after the event.
        if _stopping is not None and _stopping.is_set():
            raise KeyboardInterrupt
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
