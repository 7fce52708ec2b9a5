"""What is worth knowing of a checkpoint beside the spec that is found for it."""

from collections.abc import Iterator

from deit_spec.diagnostics import Diagnostic
from deit_spec.weights.checkpoint import Checkpoint
from deit_spec.weights.gaps import Gaps
from deit_spec.weights.identify import HEADS, takes_no_part
from deit_spec.weights.inferred_spec import LAYER_SCALE, Proposal, why_no_heads
from deit_spec.weights.naming_schemes import Names
from deit_spec.weights.precedent import Precedent
from deit_spec.weights.weight_findings import (
    EPS_NOTE,
    count,
    finding,
    some,
    word,
    written,
)

_REFUSED = "`plan` refuses it, whatever the spec is"
_LEFT_OUT = "left out where `{}` is allowed"


def find_remarks(
    checkpoint: Checkpoint, names: Names, proposal: Proposal, gaps: Gaps
) -> Iterator[Diagnostic]:
    """What the spec assumes, and what of the checkpoint it cannot say."""
    yield from _assumed(checkpoint, names, proposal)
    if names.dialect.is_hf:
        yield from _config(checkpoint, proposal)
    if proposal.facts.num_classes is None:
        yield _unlike(
            checkpoint,
            "there is no head on the class token",
            "the spec has no num_classes, and its model returns the class token",
        )
    yield from _gaps(checkpoint, gaps)
    aside = [name for name in names.unknown if takes_no_part(name)]
    if aside:
        message = f"{count(len(aside))} of no DeiT: {some(aside)}"
        yield _unlike(checkpoint, message, _LEFT_OUT.format("drop"))


def _assumed(
    checkpoint: Checkpoint, names: Names, proposal: Proposal
) -> Iterator[Diagnostic]:
    taken, precedent = proposal.taken, proposal.precedent
    if precedent and taken:
        values = {
            "num_heads": proposal.num_heads,
            "variant.layer_scale": proposal.layer_scale,
        }
        said = " and ".join(f"{field} {values[field]}" for field in taken)
        verb, they = ("are", "them") if len(taken) > 1 else ("is", "it")
        message = f"{said} {verb} taken from {precedent.names[0]}"
        notes = list(_why(precedent, they))
        yield finding("DS423", message, checkpoint.name, notes=notes)
    elif "num_attention_heads" not in proposal.config:
        heads = proposal.num_heads
        width = proposal.facts.embed_dim // heads
        message = f"num_heads is taken to be {heads}, of width {width}"
        why = f"no shape shows the number of heads, and {_config_of(checkpoint, names)}"
        yield finding("DS423", message, checkpoint.name, notes=[why])
    if proposal.layer_scale is not None and "variant.layer_scale" not in taken:
        message = f"variant.layer_scale is taken to begin with {LAYER_SCALE}"
        why = "a checkpoint holds what it became; loading takes that"
        yield finding("DS423", message, checkpoint.name, notes=[why])


def _config_of(checkpoint: Checkpoint, names: Names) -> str:
    """Why no config says the number of heads."""
    if not (names.dialect.is_hf and checkpoint.config):
        return "no config of its format is there"
    if checkpoint.config.get("num_attention_heads") is None:
        return "the config does not say it"
    return "the config has none that can be"


def _why(precedent: Precedent, they: str) -> Iterator[str]:
    yield f"no shape shows {they}; {precedent.likeness} of this published model"
    if len(precedent.names) > 1:
        yield f"they are those of {some(precedent.names[1:])} too"


def _config(checkpoint: Checkpoint, proposal: Proposal) -> Iterator[Diagnostic]:
    """What a config of transformers says that a spec has otherwise, or not at all."""
    config, width = checkpoint.config, proposal.facts.embed_dim
    activation = config.get("hidden_act", "gelu")
    if activation != "gelu":
        said = word(activation)
        message = f"the config has the activation {said}, and a DeiT has gelu"
        yield _unlike(checkpoint, message, _REFUSED)
    heads = config.get("num_attention_heads")
    if heads is not None and "num_attention_heads" not in proposal.config:
        message = f"num_heads cannot be {written(heads)}, as in the config"
        yield from (
            _unlike(checkpoint, message, why) for why in why_no_heads(heads, width)
        )
    eps = proposal.config.get("layer_norm_eps")
    precedent = proposal.precedent
    if precedent and precedent.is_exact:
        published = precedent.specs[0].variant.layer_norm_eps
        if eps not in (None, published):
            message = (
                f"layer_norm_eps is {eps} in the config and {published} in "
                f"{precedent.names[0]}, which has these shapes"
            )
            yield finding("DS423", message, checkpoint.name, notes=[EPS_NOTE])
    if config.get("attention_probs_dropout_prob"):
        message = "the config has dropout of attention weights, and a DeiT has none"
        yield _unlike(checkpoint, message, "it matters in training alone")


def _gaps(checkpoint: Checkpoint, gaps: Gaps) -> Iterator[Diagnostic]:
    """Where the checkpoint is not the model that its shapes are of."""
    heads = tuple(name for name in gaps.surplus if name.startswith(HEADS))
    others = tuple(name for name in gaps.surplus if name not in heads)
    found = (
        (gaps.missing, "the checkpoint lacks {} of this model: {}", _REFUSED),
        (gaps.misshapen, "{} of another shape than in this model: {}", _REFUSED),
        (heads, "{} that this model has no place for: {}", _LEFT_OUT.format("heads")),
        (others, "{} that this model has no place for: {}", _REFUSED),
        (
            gaps.foreign,
            "{} of no DeiT, which may take part in the output: {}",
            _REFUSED,
        ),
    )
    for names, message, note in found:
        if names:
            yield _unlike(
                checkpoint, message.format(count(len(names)), some(names)), note
            )


def _unlike(checkpoint: Checkpoint, message: str, note: str) -> Diagnostic:
    return finding("DS424", message, checkpoint.name, notes=[note])
