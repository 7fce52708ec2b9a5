"""Which images of a source a recipe trains on, and which it holds out."""

from typing import TYPE_CHECKING

from deit_spec.distill.data.split import choose, hold_out
from deit_spec.distill.problems import recipe_of, refuse

if TYPE_CHECKING:
    from deit_spec.distill.data.pictures import Parts
    from deit_spec.recipe import CheckedRecipe

TENTH = 10


def split(checked: "CheckedRecipe", parts: "Parts") -> tuple[list[int], list[int]]:
    """The places to train on, and those held out, of `val` or else of `train`.

    Raises:
        DataError: The recipe asks for more images than there are.
    """
    recipe = recipe_of(checked)
    data = recipe.data
    labels = parts.train.labels
    total = len(labels)
    if parts.val is not None:
        rest, held = list(range(total)), list(range(len(parts.val.labels)))
    else:
        count = data.val_images
        if count is None:
            count = max(1, total // TENTH)
        if count >= total:
            raise _too_few(checked, "data.val_images", f"hold out {count}", total)
        rest, held = hold_out(labels, count, data.split_seed)
    if data.train_images is None:
        return rest, held
    if data.train_images > len(rest):
        asked = f"train on {data.train_images}"
        raise _too_few(checked, "data.train_images", asked, len(rest))
    left = [labels[place] for place in rest]
    return [rest[i] for i in choose(left, data.train_images, recipe.run.seed)], held


def _too_few(checked: "CheckedRecipe", field: str, asked: str, there: int) -> Exception:
    of = "image" if there == 1 else "images"
    return refuse(checked, field, "DS517", f"the recipe is to {asked} of {there} {of}")
