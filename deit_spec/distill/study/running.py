"""A study run in several processes; what is done is never done again."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Protocol

from deit_spec.distill.metrics import HeadScores
from deit_spec.distill.study.plan import Planned, plan, study_of, taught_by
from deit_spec.distill.study.results import FILE, Result, Results
from deit_spec.distill.study.summary import Summary, summarise
from deit_spec.distill.study.work import (
    Done,
    begin_process,
    score_teacher,
    train_run,
)
from deit_spec.distill.training.lock import alone_in
from deit_spec.distill.training.problems import RunError, taken
from deit_spec.recipe.run_files import LOCK, METRICS, RECIPE, TEACHER
from deit_spec.recipe.study_validation import CheckedStudy

RUNS, TEACHERS = "runs", "teachers"
OURS = frozenset({RUNS, TEACHERS})
"""What a study makes before it has a result."""
OF_ONE_RUN = frozenset({"DS531", "DS537"})
"""What ends a run and says nothing of the others: no number, too little memory."""


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

    def failed(self, run: str, error: RunError) -> None:
        """A run has ended with an error; the others go on."""


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

    A run whose loss is no number, or that has too little memory, keeps no other from
    being made; the summary names it.

    Raises:
        StoppedError: A run was asked to stop.
        RunError: The folder holds something else, or another process is at work in
            it; or as of a run.
        DataError, WeightsError, MissingPackageError: As of a run.
        ForeignError: The file of results there is another one.
        BrokenExecutor: A process has died.
        OSError: The folder cannot be written.
    """
    _require_place(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with alone_in(folder):
        return _run_all(checked, folder, jobs, allow_code=allow_code, watch=watch)


def _require_place(folder: Path) -> None:
    """See that nothing but a study is in a folder.

    Raises:
        RunError: Something is.
        NotADirectoryError: It is a file.
    """
    if not folder.exists():
        return
    names = {each.name for each in folder.iterdir()}
    if FILE in names and not names & {METRICS, RECIPE}:
        return
    if others := sorted(names - OURS - {LOCK, FILE}):
        raise taken(folder, others[0], "study")


def _run_all(
    checked: CheckedStudy,
    folder: Path,
    jobs: int,
    *,
    allow_code: bool,
    watch: Watch | None,
) -> Summary:
    results, planned = Results(folder), plan(checked)
    by_key = {each.key: each for each in planned}
    left = list(
        {each.key: each for each in planned if each.key not in results.done}.values()
    )
    if watch:
        stale = len(results.done.keys() - by_key.keys())
        watch.begun(len(by_key), len(by_key) - len(left), stale)
    failed: list[str] = []
    if left:
        with _pool(min(jobs, len(left))) as pool:
            failed = _run(
                pool, left, folder, results, allow_code=allow_code, watch=watch
            )
    summary = summary_of(checked, planned, results)
    return replace(summary, failed=tuple(sorted(failed)))


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
) -> list[str]:
    """Make the runs that are left, and name those that failed."""
    teachers = _teach(pool, left, folder, allow_code=allow_code, watch=watch)
    runs: dict[Future[Done | None], Planned] = {}
    for each in left:
        recipe = each.recipe
        if each.is_taught:
            recipe = taught_by(each, folder / TEACHERS / each.school / TEACHER)
        place = folder / RUNS / each.name
        runs[pool.submit(train_run, recipe, place, allow_code=allow_code)] = each
    failed: list[str] = []
    for future in as_completed(runs):
        each = runs[future]
        try:
            done = future.result()
        except RunError as error:
            if not {found.code for found in error.diagnostics} <= OF_ONE_RUN:
                raise
            failed.append(each.words)
            if watch:
                watch.failed(each.words, error)
            continue
        if done is None:
            raise StoppedError
        result = _result(each, done, teachers.get(each.teacher or ""))
        results.add(result)
        if watch:
            watch.finished(result)
    return failed


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
