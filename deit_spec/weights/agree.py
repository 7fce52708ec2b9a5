"""Whether a checkpoint is of the structure that a spec says."""

from collections.abc import Iterator

from deit_spec.diagnostics import Diagnostic
from deit_spec.weights.checkpoint import Checkpoint
from deit_spec.weights.dialects import Dialect
from deit_spec.weights.facts import STRUCTURE, Facts
from deit_spec.weights.problems import INSPECT, finding
from deit_spec.weights.target import Target

_EPS = (
    "transformers writes 1e-12 where nothing else is asked for; the published "
    "models were trained with 1e-6"
)


def compare(
    target: Target, facts: Facts, checkpoint: Checkpoint, dialect: Dialect
) -> list[Diagnostic]:
    """Find what differs and cannot be changed, in the shapes and in the config."""
    found = list(_structure(target, facts, checkpoint.name))
    if dialect.is_hf and checkpoint.config:
        found += _config(target, checkpoint)
    return found


def _structure(target: Target, facts: Facts, name: str) -> Iterator[Diagnostic]:
    pairs = {
        field: (getattr(facts, field), getattr(target.facts, field))
        for field in STRUCTURE
    }
    differ = {field: pair for field, pair in pairs.items() if pair[0] != pair[1]}
    for last, (field, (theirs, ours)) in enumerate(differ.items(), 1 - len(differ)):
        yield finding(
            "DS411",
            f"{field} is {_plain(theirs)} in the checkpoint and "
            f"{_plain(ours)} in the spec",
            name,
            secondary=target.place(field),
            helps=[f"`{INSPECT} {name}` prints a spec that fits"] * (last == 0),
        )


def _plain(value: object) -> str:
    """A value as messages write it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _config(target: Target, checkpoint: Checkpoint) -> Iterator[Diagnostic]:
    """What no shape shows, and a config beside the weights does."""
    config, name = checkpoint.config, checkpoint.name
    heads = config.get("num_attention_heads", target.num_heads)
    if heads != target.num_heads:
        yield finding(
            "DS415",
            f"num_heads is {heads} in the config and {target.num_heads} in the spec",
            name,
            secondary=target.place("num_heads"),
            helps=[f"`num_heads: {heads}`"],
        )
    activation = config.get("hidden_act", "gelu")
    if activation != "gelu":
        yield finding(
            "DS415",
            f"the config has the activation {activation}, and a DeiT has gelu",
            name,
        )
    eps = config.get("layer_norm_eps", target.eps)
    if eps != target.eps:
        yield finding(
            "DS416",
            f"layer_norm_eps is {eps} in the config and {target.eps} in the spec",
            name,
            notes=[_EPS],
        )
