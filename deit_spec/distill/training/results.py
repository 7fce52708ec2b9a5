"""What a run leaves in its folder when it ends: weights, curves, a summary."""

from deit_spec.atomic_write import write_file
from deit_spec.distill.training import curves, summary
from deit_spec.distill.training.log import read
from deit_spec.distill.training.reporter import Finished, Start
from deit_spec.distill.training.run import Run
from deit_spec.distill.training.student import write_student
from deit_spec.recipe.run_files import SUMMARY


def write_results(run: Run, start: Start, finished: Finished) -> None:
    """Write them, each whole; every process calls this, the main one writes.

    Raises:
        OSError: One cannot be written.
    """
    tensors = {name: value.cpu() for name, value in run.learner.result()}
    if not run.processes.main:
        return
    write_student(tensors, run.folder)
    curves.draw(read(run.folder), run.folder)
    write_file(run.folder / SUMMARY, summary.text(run, start, finished))
