"""The frozen parts of a student: without gradients, and in evaluation mode."""

from collections.abc import Iterable

from torch import nn

from deit_spec.recipe import Recipe
from deit_spec.recipe.trained_parameters import trained_names


def freeze(model: nn.Module, recipe: Recipe) -> None:
    """Freeze the parameters that a recipe does not train.

    A module with frozen parameters only is in evaluation mode, so that its dropout and
    drop path are off. So is the dropout after the position embedding if everything
    before it is frozen.
    """
    named = dict(model.named_parameters())
    trained = set(trained_names(named, recipe))
    for name, parameter in named.items():
        parameter.requires_grad_(name in trained)
    for module in model.modules():
        if _is_frozen(module.parameters()):
            module.eval()
    patches = model.get_submodule("patch_embed")
    if _is_frozen([*model.parameters(recurse=False), *patches.parameters()]):
        for child in model.children():
            if not list(child.parameters()):
                child.eval()


def _is_frozen(parameters: Iterable[nn.Parameter]) -> bool:
    learn = [each.requires_grad for each in parameters]
    return bool(learn) and not any(learn)
