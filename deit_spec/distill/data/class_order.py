"""The classes of a dataset, in the order of a recipe, of a model or of a run."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from deit_spec.diagnostics import Diagnostic, Label, diagnose
from deit_spec.diagnostics.printable import listed
from deit_spec.distill import runtime_errors as errors
from deit_spec.distill.runtime_errors import DataError, recipe_of
from deit_spec.model.class_names import (
    ClassNamesError,
    match_model_classes,
    read_class_names,
)
from deit_spec.recipe import CheckedRecipe
from deit_spec.recipe.class_matching import (
    LIST_ALL,
    ClassMatch,
    Relation,
    differences,
    match_classes,
    natural_order,
)
from deit_spec.recipe.data_classes import selected, unknown_classes
from deit_spec.recipe.rules.rule_context import SOURCES
from deit_spec.yaml_source.scalars import key_text

FIELD = "data.classes"
MAX_WRITTEN = 20
"""The most classes that a help writes as a list."""


class ClassOrder(NamedTuple):
    """The classes by index, and the index of each class of the data among them.

    The index of a class that is not to be used is -1.
    """

    classes: tuple[str, ...]
    indices: tuple[int, ...]
    notes: tuple[Diagnostic, ...] = ()

    def relabel(self, labels: Sequence[int]) -> list[int]:
        """The labels of images by these indices; -1, not to be used, is kept."""
        return [label if label < 0 else self.indices[label] for label in labels]


def order_classes(
    checked: CheckedRecipe,
    found: tuple[str, ...],
    *,
    known: Sequence[str] | None,
    training: bool,
) -> ClassOrder:
    """Order the classes of data: as a model, as `data.classes`, or as they were found.

    Only those of `data.only_classes` are used. `known` are the class names of the model
    to evaluate, or of the run to resume. With
    `training`, all classes are needed. A DataError if the names are of other classes.
    """
    every, only = found, recipe_of(checked).data.only_classes
    if only is not None:
        if unknown := list(unknown_classes(checked, recipe_of(checked).data, found)):
            raise DataError(unknown)
        found = selected(found, only)
    names, indices = found, tuple(range(len(found)))
    is_listed = recipe_of(checked).data.classes is not None
    if is_listed and not recipe_of(checked).data.builtin:
        names = _listed_classes(checked)
        match = match_classes(found, names)
        if not _suffices(match, training=training):
            message = "data.classes does not list each class of the data once"
            how = differences(match, "the data", FIELD)
            raise errors.data_error(
                checked, FIELD, "DS538", message, notes=how, help_=LIST_ALL
            )
        indices = match.indices
    if known is not None:
        match = match_model_classes(names, known)
        by_index = is_listed and not training and len(names) == len(known)
        if _suffices(match, training=training):
            names = tuple(known)
            indices = tuple(match.indices[index] for index in indices)
        elif not by_index:
            raise _different(checked, names, known, match, training=training)
    is_uncertain = known is None and not training and not is_listed
    notes = _uncertain(checked, found) if is_uncertain else ()
    if only is not None:
        by_name = dict(zip(found, indices, strict=True))
        indices = tuple(by_name.get(name, -1) for name in every)
    return ClassOrder(names, indices, notes)


def _suffices(match: ClassMatch, *, training: bool) -> bool:
    """Whether the classes are the same; some of them are enough for evaluation."""
    enough = {Relation.IDENTICAL, Relation.PERMUTATION}
    return match.relation in (enough if training else {*enough, Relation.SUBSET})


def _listed_classes(checked: CheckedRecipe) -> tuple[str, ...]:
    names = recipe_of(checked).data.classes
    if not isinstance(names, str):
        return names or ()
    try:
        return read_class_names(checked.place(names))
    except ClassNamesError as error:
        help_ = "name a label file; paths are relative to the folder of the recipe"
        message = str(error)
        raise errors.data_error(checked, FIELD, "DS538", message, help_=help_) from None


def _different(
    checked: CheckedRecipe,
    names: Sequence[str],
    known: Sequence[str],
    match: ClassMatch,
    *,
    training: bool,
) -> DataError:
    owner = "the run" if training else "the model"
    help_ = "rename the classes of the data, or list them in the order of the model as "
    help_ += "`data.classes`"
    if len(names) > len(known):
        both = [name for name in names if name in set(known)]
        help_ = "list the classes of the model as `data.only_classes`"
        if 0 < len(both) <= MAX_WRITTEN:
            listing = ", ".join(map(key_text, both))
            help_ = f"`--set 'data.only_classes=[{listing}]'`"
        if not recipe_of(checked).data.builtin:
            help_ += ", or move the other images to classes of the model"
    if training:
        help_ = "restore the classes, or start a new run: `-o` names another folder"
    return errors.data_error(
        checked,
        source_field(checked),
        "DS538",
        f"the data has the classes {listed(names)}, but {owner} has {listed(known)}",
        notes=differences(match, "the data", owner),
        help_=help_,
    )


def note_absent(
    checked: CheckedRecipe, names: Sequence[str], present: Collection[int]
) -> tuple[Diagnostic, ...]:
    """DS539: only some of the classes have images."""
    some = [name for index, name in enumerate(names) if index in present]
    absent = [name for index, name in enumerate(names) if index not in present]
    if not absent:
        return ()
    found = diagnose(
        "DS539",
        f"the data has {len(some):,} of the {len(names):,} classes: {listed(some)}",
        Label(checked.span(source_field(checked))),
        notes=[f"without images: {listed(absent)}"],
    )
    return (found,)


def _uncertain(
    checked: CheckedRecipe, found: tuple[str, ...]
) -> tuple[Diagnostic, ...]:
    """DS540: a model without class names may have those of timm, in another order."""
    order = natural_order(found)
    if not recipe_of(checked).data.folder or order == found:
        return ()
    return (
        diagnose(
            "DS540",
            "timm sorts these class folders in another order, and the model has no "
            "class names",
            Label(checked.span(source_field(checked)), "sorted as strings"),
            notes=[
                f"sorted as strings: {listed(found)}",
                f"as timm sorts them: {listed(order)}",
            ],
            helps=["list the classes in the order of the model as `data.classes`"],
        ),
    )


def source_field(checked: CheckedRecipe) -> str:
    """The field of the recipe that names the data."""
    data = recipe_of(checked).data
    return next(f"data.{name}" for name in SOURCES if getattr(data, name))
