"""Which names a checkpoint has, and what model its shapes are of."""

from deit_spec.weights.checkpoint import Checkpoint, Sizes
from deit_spec.weights.dialects import Names, recognise
from deit_spec.weights.facts import Facts, NoFactsError, find_facts
from deit_spec.weights.problems import refuse, some

HEADS = ("head.", "head_dist.")
DECODERS = ("decoder.", "decoder_")
"""How the names begin of what rebuilds masked images, behind the encoder."""


def name_tensors(checkpoint: Checkpoint) -> Names:
    """Recognise a checkpoint's names.

    Raises:
        WeightsError: They are the names of no dialect.
    """
    names = recognise(checkpoint.tensors)
    if names is None:
        raise refuse(
            "DS406",
            "the names are those of no DeiT",
            checkpoint.name,
            notes=[
                f"it has {some(checkpoint.tensors)}",
                "the names of DeiT, timm and transformers are known",
            ],
        )
    return names


def checkpoint_facts(checkpoint: Checkpoint, names: Names) -> Facts:
    """Read the facts off a checkpoint.

    Raises:
        WeightsError: Its shapes are of no model that a spec can say.
    """
    try:
        return find_facts(our_shapes(checkpoint, names))
    except NoFactsError as error:
        raise refuse(
            "DS408",
            f"the shapes are of no model that a spec can say: {error}",
            checkpoint.name,
        ) from None


def our_shapes(checkpoint: Checkpoint, names: Names) -> dict[str, Sizes]:
    """The shapes under our names, fused where the checkpoint has them in parts."""
    shapes: dict[str, Sizes] = {}
    for our, theirs in names.theirs.items():
        found = [checkpoint.shapes.get(their, ()) for their in theirs]
        if len(found) == 1:
            shapes[our] = found[0]
        elif found[0] and len(set(found)) == 1:
            first, *others = found[0]
            shapes[our] = (first * len(found), *others)
    return shapes


def is_outside_blocks(name: str) -> bool:
    """Whether a tensor of no DeiT stands outside the blocks, so that it can go.

    What is numbered may be a part of a block, but for the decoder that models of
    masked images are trained with.
    """
    numbered = any(part.isdigit() for part in name.split("."))
    return not numbered or name.startswith(DECODERS)
