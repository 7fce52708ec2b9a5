"""Rules on the targets and the weights of classes, and how often each is seen."""

from collections.abc import Sequence

from deit_spec.diagnostics import Label, diagnose
from deit_spec.diagnostics.printable import listed
from deit_spec.recipe.checked_recipe import CheckedRecipe
from deit_spec.recipe.loss_settings import BALANCED
from deit_spec.recipe.recipe_schema import Recipe
from deit_spec.recipe.rules.rule_context import RuleContext
from deit_spec.spec.nearest import closest_word
from deit_spec.spec.rules import Findings
from deit_spec.yaml_source.scalars import value_text


def weighted_classes_are_known(context: RuleContext) -> Findings:
    """DS560: the weights are of classes that the data has, if these are known."""
    if names := context.class_names:
        yield from unknown_class_weights(context.checked, context.recipe, names)


def unknown_class_weights(
    checked: CheckedRecipe, recipe: Recipe, classes: Sequence[str]
) -> Findings:
    """Find the weights of classes that the data does not have."""
    weights, document = recipe.loss.class_weights, checked.document
    if not isinstance(weights, dict) or document is None:
        return
    for name in weights:
        if name in classes:
            continue
        meant = closest_word(name, classes)
        yield diagnose(
            "DS560",
            f"loss.class_weights has a weight for `{name}`, which is not a class of "
            "the data",
            Label(document.nearest(("loss", "class_weights", name)).key),
            notes=[f"the classes of the data are {listed(classes)}"],
            helps=[f"did you mean `{meant}`?" if meant else "remove the weight"],
        )


def threshold_separates_targets(context: RuleContext) -> Findings:
    """DS561: some targets of binary cross-entropy are 1, and others 0."""
    loss, student = context.recipe.loss, context.student
    threshold, smoothing = loss.bce_target_threshold, loss.label_smoothing
    if loss.labels != "bce" or threshold is None:
        return
    if student is None or student.num_classes is None:
        return
    low = smoothing / student.num_classes
    high = 1 - smoothing + low
    if low <= threshold < high:
        return
    side = "above" if threshold < low else "at most"
    yield context.spans.finding(
        "DS561",
        f"all targets are {side} loss.bce_target_threshold {value_text(threshold)}: "
        f"of {student.num_classes} classes they are from {low:g} to {high:g}",
        f"`label_smoothing: 0.0`, or a threshold from {low:g} to below {high:g}",
        ("loss.bce_target_threshold", f"all become {int(threshold < low)}", None),
        ("loss.label_smoothing", "the smoothing", smoothing),
    )


def classes_are_balanced_once(context: RuleContext) -> Findings:
    """DS563: the classes are balanced by weights or by sampling, not by both."""
    recipe = context.recipe
    if recipe.loss.class_weights != BALANCED or recipe.data.sampling != BALANCED:
        return
    yield context.spans.finding(
        "DS563",
        "the classes are balanced twice: by loss.class_weights and by data.sampling",
        "remove either `loss.class_weights` or `data.sampling`",
        ("loss.class_weights", "weights rare classes higher", None),
        ("data.sampling", "draws rare classes more often", None),
    )
