"""Which names a checkpoint has, and what model its shapes are of."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from deit_spec.weights.checkpoint import Checkpoint, Sizes
from deit_spec.weights.naming_schemes import Names, recognise
from deit_spec.weights.shape_info import Facts, NoFactsError, find_facts
from deit_spec.weights.weight_findings import refuse, shown, some

HEADS = ("head.", "head_dist.")

_DECODER = r"decoder_(?:embed|norm|pred)\..+|decoder_pos_embed|mask_token"
_ASIDE = re.compile(
    rf"""(?:vit\.|deit\.)?                   # transformers' base models
    (?: pooler\.dense\.(?:weight|bias)     # transformers; behind the class token
      | embeddings\.mask_token             # transformers, for masked images
      | decoder\.0\.(?:weight|bias)        # transformers and SimMIM
      | decoder_blocks\.\d+\..+ | {_DECODER}               # MAE
      | decoder\.(?:decoder_layers\.\d+\..+|{_DECODER}) )  # MAE of transformers
    """,
    re.VERBOSE | re.DOTALL,
)
"""What stands behind or beside the way from images to logits."""

_COMPUTING = re.compile(
    r"(?:.+\.)?(?:blocks|layers?)\.\d+\."
    r"|(?:reg_token|norm_pre|fc_norm|attn_pool|pre_logits)(?:\.|$)"
    r"|(?:.+\.)?register_tokens$",
    re.DOTALL,
)
"""What other vision transformers, of timm above all, compute their output with."""


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
                *_shared_beginning(checkpoint.tensors),
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


def takes_no_part(name: str) -> bool:
    """Whether a tensor of no DeiT is known to take no part in the output.

    Such a tensor can be left out. Of what is not known nothing is assumed.
    """
    return _ASIDE.fullmatch(name) is not None


def takes_part(name: str) -> bool:
    """Whether a tensor of no DeiT is known to take part in the output."""
    return _COMPUTING.match(name) is not None


def _shared_beginning(names: Iterable[str]) -> Iterator[str]:
    """Say what most names begin with, which may hide names that are known."""
    given = list(names)
    firsts = Counter(name.partition(".")[0] for name in given if "." in name)
    for first, number in firsts.most_common(1):
        if 2 * number > len(given) > 1:
            yield f"{number} names begin with `{shown(first)}.`"
