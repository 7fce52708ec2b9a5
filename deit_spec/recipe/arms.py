"""The arms of a study: each a recipe, on each number of images."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from deit_spec.diagnostics import Diagnostic, Label, Span
from deit_spec.recipe.check import check
from deit_spec.recipe.checked import CheckedRecipe, written
from deit_spec.recipe.overrides import Override, apply, override_at, override_of
from deit_spec.yaml_source import Document


def check_arms(
    document: Document, base: CheckedRecipe, sizes: Sequence[int]
) -> tuple[dict[str, CheckedRecipe], list[Diagnostic]]:
    """The recipe of each arm, and what is wrong with it on any number of images.

    Without `sizes`, which are those numbers, it is on as many as `base` says.
    """
    arms, findings = dict[str, CheckedRecipe](), list[Diagnostic]()
    known = {_key(each) for each in base.diagnostics}
    for name, overrides in _overrides(document):
        for size in _laid_sizes(document, sizes):
            checked = _laid(base, [*overrides, *size])
            arms.setdefault(name, checked)
            for each in checked.diagnostics:
                if _key(each) not in known:
                    known.add(_key(each))
                    findings.append(_in_arm(each, document, name))
    return arms, findings


def _overrides(document: Document) -> Iterator[tuple[str, list[Override]]]:
    arms = written(document, ("arms",))
    for name, fields in arms.items() if isinstance(arms, Mapping) else ():
        if isinstance(fields, Mapping) or fields is None:
            changes = fields or {}
            yield (
                name,
                [
                    override_of(document, ("arms", name, key), value)
                    for key, value in changes.items()
                ],
            )


def _laid_sizes(document: Document, sizes: Sequence[int]) -> list[list[Override]]:
    return [
        [override_at("data.train_images", size, document.nearest(("train_images", at)))]
        for at, size in enumerate(sizes)
    ] or [[]]


def _laid(base: CheckedRecipe, overrides: Sequence[Override]) -> CheckedRecipe:
    assert base.document is not None  # noqa: S101  -- so it was checked
    return check(apply(base.document, overrides), base.path)


def _is_within(span: Span, outer: Span) -> bool:
    return outer.line <= span.line <= outer.end_line


def _key(found: Diagnostic) -> tuple[str, str, str]:
    return found.code, found.message, str(found.primary.span)


def _in_arm(found: Diagnostic, document: Document, name: str) -> Diagnostic:
    """Let a finding begin in the study, at what the arm says or at its name."""
    labels = [found.primary, *found.secondary]
    own = [each for each in labels if each.span.source is document.source]
    if not own:
        own = [Label(document.nearest(("arms", name)).key, "in this arm")]
    arm = document.nearest(("arms", name)).value
    # What the arm says comes before the number of images, which it may not suit.
    first, *more = sorted(own, key=lambda label: not _is_within(label.span, arm))
    rest = [each for each in labels if each not in own]
    return replace(found, primary=first, secondary=(*more, *rest), fix=None)
