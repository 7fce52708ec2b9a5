"""A study: a recipe with several arms, each of which changes some of its fields.

Each arm is trained with each seed on each number of images.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field, ValidationError

from deit_spec.diagnostics import Diagnostic, Label, diagnose, has_errors
from deit_spec.recipe.checked_recipe import CheckedRecipe, named
from deit_spec.recipe.overrides import apply, override_at, override_of
from deit_spec.recipe.recipe_validation import check, check_recipe
from deit_spec.spec.field_errors import field_errors, not_a_mapping
from deit_spec.spec.field_names import FieldNames
from deit_spec.spec.nearest import one_of
from deit_spec.spec.origin import UNREADABLE, is_unreadable
from deit_spec.spec.schema import (
    CONFIG,
    NAME_PATTERN,
    Count,
    PositiveInt,
    plain_name,
)
from deit_spec.spec.spec_validation import first_of, once_a_line
from deit_spec.yaml_source import Document, read_file

_LONGEST: Final = 60
PAIRS: Final = 256
"""Arms times sizes: each pair is checked as a recipe of its own."""


class Study(BaseModel):
    """Runs of one recipe that differ in what an arm changes, in seed and in images."""

    model_config = CONFIG

    recipe: str = Field(
        description="The recipe of every run, by a path from this file.",
        examples=["digits.yaml"],
    )
    seeds: Annotated[
        tuple[Count, ...],
        Field(
            min_length=1,
            strict=False,
            description="A run of each arm and size for each `run.seed`.",
            examples=[[0, 1, 2]],
        ),
    ]
    train_images: Annotated[
        tuple[PositiveInt, ...],
        Field(
            min_length=1,
            strict=False,
            description="A run of each arm and seed for each `data.train_images`.",
            examples=[[100, 300, 1000]],
        ),
    ]
    arms: Annotated[
        dict[str, dict[str, Any] | None],
        Field(
            min_length=1,
            description="By name, the fields of the recipe that an arm changes: "
            "`loss.kind: soft`.",
            examples=[{"soft": {"loss.kind": "soft"}}],
        ),
    ]
    baseline: str | None = Field(
        None,
        description="The arm that the others are compared with; null for the first.",
        examples=["none"],
    )


@dataclass(frozen=True)
class CheckedStudy:
    """A study, if there are no errors, every finding, and the recipe of each arm."""

    study: Study | None
    diagnostics: tuple[Diagnostic, ...]
    arms: dict[str, CheckedRecipe] = field(default_factory=dict)
    document: Document | None = None
    path: Path | None = None
    base: CheckedRecipe | None = None

    def run(self, arm: str, images: int, seed: int) -> CheckedRecipe:
        """The recipe of one run, which is valid if the study is."""
        checked = self.arms[arm]
        assert checked.document is not None  # noqa: S101  -- so it was checked
        root = checked.document.nearest(())
        laid = [
            override_at("data.train_images", images, root),
            override_at("run.seed", seed, root),
        ]
        return check(apply(checked.document, laid), checked.path)


STUDY: Final = FieldNames(
    Study, {}, {"base": "recipe", "variants": "arms", "images": "train_images"}
)
"""The names of a study."""


def check_study(path: str | os.PathLike[str]) -> CheckedStudy:
    """Read and validate a study, its recipe, and every arm of it."""
    place = Path(path)
    return check_study_read(*read_file(place, str(place)), place)


def check_study_read(
    document: Document | None, findings: list[Diagnostic], path: Path | None
) -> CheckedStudy:
    """Validate a document, its recipe and its arms, and gather every finding."""
    if document is None:
        return CheckedStudy(None, first_of(findings), path=path)
    study, found = _of_fields(document)
    base, found_in_recipe = _base(document, path)
    findings = [*findings, *once_a_line(found, findings), *found_in_recipe]
    arms = dict[str, CheckedRecipe]()
    if study is not None and base is not None and not has_errors(base.diagnostics):
        count = len(study.arms) * len(study.train_images)
        if count > PAIRS:
            message = (
                f"{count:,} pairs of arms and sizes are above the limit of {PAIRS}"
            )
            label = Label(document.nearest(("arms",)).key)
            helps = ["split it into several studies"]
            findings.append(diagnose("DS103", message, label, helps=helps))
        else:
            arms, found = _check_arms(document, base, study)
            findings += found
    valid = None if has_errors(findings) or base is None else study
    return CheckedStudy(valid, first_of(findings), arms, document, path, base)


def _of_fields(document: Document) -> tuple[Study | None, list[Diagnostic]]:
    if not isinstance(document.value, Mapping):
        return None, [not_a_mapping(document, "study", "recipe: digits.yaml")]
    try:
        study = Study.model_validate(document.value)
    except ValidationError as error:
        return None, field_errors(error, document.value, document, STUDY)[1]
    pattern = re.compile(NAME_PATTERN)
    bad = [n for n in study.arms if len(n) > _LONGEST or not pattern.fullmatch(n)]
    if bad:
        message = f"the name of the arm is invalid or longer than {_LONGEST} characters"
        return None, [
            diagnose(
                "DS107",
                message,
                Label(document.nearest(("arms", name)).key),
                helps=[f"rename it to `{plain_name(name)}`"],
            )
            for name in bad
        ]
    if study.baseline is None or study.baseline in study.arms:
        return study, []
    known = one_of([f"`baseline: {name}`" for name in study.arms])
    label = Label(document.nearest(("baseline",)).value)
    message = f"baseline is not an arm: {study.baseline}"
    return None, [diagnose("DS104", message, label, helps=[known])]


def _base(
    document: Document, path: Path | None
) -> tuple[CheckedRecipe | None, list[Diagnostic]]:
    """The recipe that a study names, and what is wrong with it."""
    name = document.at(("recipe",))
    if not isinstance(name, str):
        return None, []
    here = document.nearest(("recipe",)).value
    place = CheckedRecipe(None, (), path=path).place(name)
    checked = check_recipe(place)
    found = list(checked.diagnostics)
    if is_unreadable(found):
        lost = diagnose(
            UNREADABLE,
            found[0].message,
            Label(here, "named here"),
            notes=[f"looked for {place}"],
            helps=["name a recipe by its path from the folder of the study"],
        )
        return None, [lost]
    return checked if checked.document else None, [named(each, here) for each in found]


def _check_arms(
    document: Document, base: CheckedRecipe, study: Study
) -> tuple[dict[str, CheckedRecipe], list[Diagnostic]]:
    """The recipe of each arm, and what is wrong with it on any number of images."""
    assert base.document is not None  # noqa: S101  -- so it was checked
    arms, findings = dict[str, CheckedRecipe](), list[Diagnostic]()
    known = {_key(each) for each in base.diagnostics}
    sizes = [
        override_at("data.train_images", size, document.nearest(("train_images", at)))
        for at, size in enumerate(study.train_images)
    ]
    for name, fields in study.arms.items():
        overrides = [
            override_of(document, ("arms", name, key), value)
            for key, value in (fields or {}).items()
        ]
        for size in sizes:
            checked = check(apply(base.document, [*overrides, size]), base.path)
            arms.setdefault(name, checked)
            for each in checked.diagnostics:
                if _key(each) not in known:
                    known.add(_key(each))
                    findings.append(_in_arm(each, document, name))
    return arms, findings


def _key(found: Diagnostic) -> tuple[str, str, str]:
    return found.code, found.message, str(found.primary.span)


def _in_arm(found: Diagnostic, document: Document, name: str) -> Diagnostic:
    """Point a finding at the study: at the field of the arm, or at its name."""
    labels = [found.primary, *found.secondary]
    own = [each for each in labels if each.span.source is document.source]
    rest = [each for each in labels if each not in own]
    name_label = Label(document.nearest(("arms", name)).key, "in this arm")
    first, *more = own or [name_label]
    return replace(found, primary=first, secondary=(*more, *rest), fix=None)
