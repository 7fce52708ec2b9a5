"""A study run in several processes; what is done is never done again."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Protocol

from deit_spec.distill.metrics import HeadScores
from deit_spec.distill.study.plan import Planned, plan, study_of, taught_by
from deit_spec.distill.study.results import Result, Results
from deit_spec.distill.study.summary import Summary, summarise
from deit_spec.distill.study.work import (
    Done,
    begin_process,
    score_teacher,
    train_run,
)
from deit_spec.recipe.names import TEACHER
from deit_spec.recipe.study import CheckedStudy

RUNS, TEACHERS = "runs", "teachers"


class Watch(Protocol):
    """Is told how a study goes."""

    def begun(self, planned: int, done: int, stale: int) -> None:
        """So many runs there are, so many were done before.

        `stale` results in the folder are of other runs, and are left out.
        """

    def teaching(self, done: int, teachers: int) -> None:
        """So many of the teachers are ready."""

    def finished(self, result: Result) -> None:
        """A run is done."""


class StoppedError(Exception):
    """A study was stopped between its runs; what is done is kept."""


def run_study(
    checked: CheckedStudy,
    folder: Path,
    *,
    jobs: int = 1,
    allow_code: bool = False,
    watch: Watch | None = None,
) -> Summary:
    """Make all runs of a study that are not in its folder yet.

    Args:
        checked: A study without errors.
        folder: Where results, runs and teachers go; made where it is not there.
        jobs: How many processes there are, of one thread each.
        allow_code: Whether a teacher that is a Python function may be called.
        watch: Is told how it goes.

    Raises:
        StoppedError: A run was asked to stop.
        RunError, DataError, WeightsError, MissingPackageError: As of a run.
        BrokenExecutor: A process has died.
        OSError: The folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    results, planned = Results(folder), plan(checked)
    by_key = {each.key: each for each in planned}
    left = list(
        {each.key: each for each in planned if each.key not in results.done}.values()
    )
    if watch:
        stale = len(results.done.keys() - by_key.keys())
        watch.begun(len(by_key), len(by_key) - len(left), stale)
    if left:
        with _pool(min(jobs, len(left))) as pool:
            _run(pool, left, folder, results, allow_code=allow_code, watch=watch)
    return summary_of(checked, planned, results)


def summary_of(
    checked: CheckedStudy, planned: Sequence[Planned], results: Results
) -> Summary:
    """Put together what is done of a study."""
    found = {
        (each.arm, each.images, each.seed): results.done[each.key]
        for each in planned
        if each.key in results.done
    }
    name = checked.path.stem if checked.path else "study"
    return summarise(name, study_of(checked), found)


def _run(  # noqa: PLR0913  -- what a study is made of
    pool: ProcessPoolExecutor,
    left: Sequence[Planned],
    folder: Path,
    results: Results,
    *,
    allow_code: bool,
    watch: Watch | None,
) -> None:
    teachers = _teach(pool, left, folder, allow_code=allow_code, watch=watch)
    runs: dict[Future[Done | None], Planned] = {}
    for each in left:
        recipe = each.recipe
        if each.is_taught:
            recipe = taught_by(each, folder / TEACHERS / each.school / TEACHER)
        place = folder / RUNS / each.name
        runs[pool.submit(train_run, recipe, place, allow_code=allow_code)] = each
    for future in as_completed(runs):
        each, done = runs[future], future.result()
        if done is None:
            raise StoppedError
        result = _result(each, done, teachers.get(each.teacher or ""))
        results.add(result)
        if watch:
            watch.finished(result)


def _teach(
    pool: ProcessPoolExecutor,
    left: Sequence[Planned],
    folder: Path,
    *,
    allow_code: bool,
    watch: Watch | None,
) -> dict[str, HeadScores | None]:
    """Train each teacher once, for all runs that learn from it."""
    wanted = {each.teacher: each for each in left if each.teacher}
    places = {
        pool.submit(
            score_teacher,
            each.recipe,
            folder / TEACHERS / each.school,
            allow_code=allow_code,
        ): key
        for key, each in wanted.items()
    }
    scores: dict[str, HeadScores | None] = {}
    for future in as_completed(places):
        scores[places[future]] = future.result()
        if watch:
            watch.teaching(len(scores), len(wanted))
    return scores


def _result(planned: Planned, done: Done, teacher: HeadScores | None) -> Result:
    return Result(
        key=planned.key,
        arm=planned.arm,
        images=planned.images,
        seed=planned.seed,
        cls=done.cls,
        dist=done.dist,
        fused=done.fused,
        teacher=teacher,
        evaluated=done.evaluated,
        seconds=done.seconds,
    )


@contextmanager
def _pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that start afresh, and stop where one task fails or at the keys."""
    context = get_context("spawn")
    stopping = context.Event()
    pool = ProcessPoolExecutor(
        jobs, mp_context=context, initializer=begin_process, initargs=(stopping,)
    )
    try:
        yield pool
    except BaseException:
        stopping.set()  # for what is queued, which cannot be cancelled
        for process in active_children():  # a run is saved, and ends
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
