"""What of a checkpoint and of a model no rule of a plan reconciles."""

from collections.abc import Collection, Iterator, Sequence

from torch import Tensor

from deit_spec.diagnostics import Diagnostic
from deit_spec.weights.checkpoint import Checkpoint, Sizes
from deit_spec.weights.identify import takes_part
from deit_spec.weights.plan import Step
from deit_spec.weights.weight_findings import count, finding, shown, some


def find_missing(
    missing: Sequence[str], checkpoint: Checkpoint
) -> Iterator[Diagnostic]:
    """Tensors of the model that the checkpoint has nothing for."""
    if missing:
        yield finding(
            "DS412",
            f"the checkpoint lacks {count(len(missing))} of the model",
            checkpoint.name,
            notes=[f"it has no {some(missing)}"],
        )


def find_left_over(
    left_over: Sequence[str], unknown: Collection[str], checkpoint: Checkpoint
) -> Iterator[Diagnostic]:
    """Tensors of the checkpoint that may be a part of what it computes.

    `unknown` are those that no DeiT has.
    """
    if left_over:
        yield finding(
            "DS413",
            f"the model has no place for {count(len(left_over))} of the checkpoint",
            checkpoint.name,
            notes=list(_parts(left_over, set(unknown))),
        )


def _parts(left_over: Sequence[str], unknown: set[str]) -> Iterator[str]:
    """Say of what is left over what part it takes, as far as that is known."""
    strange = [n for n in left_over if n in unknown and not takes_part(n)]
    computing = [name for name in left_over if name not in set(strange)]
    if computing:
        verb = "take" if len(computing) > 1 else "takes"
        yield f"{some(computing)} {verb} part in the output"
    if strange:
        it = "they" if len(strange) > 1 else "it"
        yield f"nothing is known of {some(strange)}: {it} may take part in the output"


def find_misfit(
    step: Step, wanted: Sizes | None, checkpoint: Checkpoint
) -> Iterator[Diagnostic]:
    """Sizes that no rule expects, as in a file gone wrong."""
    found = _joined([checkpoint.shapes[name] for name in step.sources])
    if wanted and found != wanted:
        yield finding(
            "DS411",
            f"{step.name} is {list(found)} in the checkpoint, not {list(wanted)}",
            checkpoint.name,
        )


def find_types(names: Sequence[str], checkpoint: Checkpoint) -> Iterator[Diagnostic]:
    """Types that no model runs in, such as integers."""
    if names:
        first, *more = names
        kind = str(checkpoint.tensors[first].dtype).removeprefix("torch.")
        yield finding(
            "DS407",
            f"{shown(first)} is of the type {kind}, which is no weight",
            checkpoint.name,
            notes=[f"so are {some(more)}"] if more else [],
            helps=["save the tensors as float32, float16 or bfloat16"],
        )


def is_weight(tensor: Tensor) -> bool:
    """Whether a tensor is of a floating type that models run in."""
    return tensor.dtype.is_floating_point and tensor.dtype.itemsize > 1


def _joined(shapes: list[Sizes]) -> Sizes:
    """The shape of tensors one below the other."""
    if len(shapes) <= 1:
        return shapes[0] if shapes else ()
    return (sum(shape[0] for shape in shapes), *shapes[0][1:])
