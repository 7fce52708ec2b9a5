"""What a recipe and a study describe, in a line."""

from pathlib import Path

from deit_spec.diagnostics.printable import counted
from deit_spec.recipe.checked_recipe import CheckedRecipe
from deit_spec.recipe.data_settings import Data
from deit_spec.recipe.recipe_schema import Teacher
from deit_spec.recipe.rules.rule_context import KINDS, SOURCES
from deit_spec.recipe.rules.schedule_rules import EPOCHS
from deit_spec.recipe.study_validation import CheckedStudy


def summarise(checked: CheckedRecipe | CheckedStudy) -> str:
    """Say in a line what a recipe or a study without errors describes."""
    if isinstance(checked, CheckedRecipe):
        return of_recipe(checked)
    return of_study(checked)


def of_recipe(checked: CheckedRecipe) -> str:
    """Name the student, the teacher, the data, the length and the highest rate."""
    recipe, student = checked.recipe, checked.student
    if recipe is None or student is None or student.spec is None:
        return "a recipe with errors"
    loss, teacher, schedule = recipe.loss.kind, recipe.teacher, recipe.schedule
    teaching = "no teacher"
    if loss != "none" and teacher is not None:
        teaching = f"{loss} distillation from {_first(teacher, KINDS)}"
    data, images = _first(recipe.data, SOURCES), recipe.data.train_images
    if images:
        data = f"{images:,} images of {data}"
    length = f"{schedule.epochs or EPOCHS:,} epochs"
    if schedule.steps is not None:
        length = f"{schedule.steps:,} steps"
    length += f" of batch {schedule.batch_size:,}"
    rate = f"peak lr {recipe.peak_lr:g}"
    return f"{student.spec.name}, {teaching}, {data}, {length}, {rate}"


def of_study(checked: CheckedStudy) -> str:
    """Count the runs of a study."""
    study = checked.study
    if study is None:
        return "a study with errors"
    sizes, seeds = len(set(study.train_images)), len(set(study.seeds))
    runs = len(study.arms) * sizes * seeds
    arms = counted(len(study.arms), "arm")
    parts = f"{arms}, {counted(sizes, 'size')}, {counted(seeds, 'seed')}"
    return f"{counted(runs, 'run')} of {Path(study.recipe).name}: {parts}"


def _first(section: Teacher | Data, names: tuple[str, ...]) -> str:
    found = (getattr(section, name) for name in names)
    name = next((value for value in found if value is not None), "")
    return Path(name).name if isinstance(section, Data) else str(name)
