"""What a checkpoint is, and the spec that fits it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deit_spec.diagnostics import Diagnostic
from deit_spec.diagnostics.printable import visible
from deit_spec.weights.checkpoint import Checkpoint
from deit_spec.weights.gaps import find_gaps
from deit_spec.weights.identify import checkpoint_facts, name_tensors
from deit_spec.weights.inferred_spec import Proposal, usable
from deit_spec.weights.naming_schemes import Names
from deit_spec.weights.remarks import find_remarks
from deit_spec.weights.shape_info import Facts
from deit_spec.weights.weight_findings import count, shown, some


@dataclass(frozen=True)
class Inspection:
    """What was found: facts for a person, the spec's values, and notes.

    `published` are the published models all of whose shapes the checkpoint has.
    """

    checkpoint: Checkpoint
    dialect: str
    values: dict[str, Any]
    published: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def parameters(self) -> int:
        """How many numbers the tensors hold."""
        return sum(math.prod(shape) for shape in self.checkpoint.shapes.values())

    @property
    def summary(self) -> list[str]:
        """What the checkpoint is, in a few lines."""
        checkpoint = self.checkpoint
        tensors = count(len(checkpoint.tensors))
        dtypes = " and ".join(checkpoint.dtypes)
        lines = [
            f"{checkpoint.format}; {self.dialect}",
            f"{tensors}, {self.parameters:,} parameters, {dtypes}",
        ]
        if self.published:
            lines.append(f"the shapes of {' and '.join(self.published)}")
        if checkpoint.path:
            lines.append(f"under the key {shown('.'.join(checkpoint.path))}")
        if checkpoint.prefix:
            lines.append(f"with {shown(checkpoint.prefix)} before every name")
        if checkpoint.beside:
            lines.append(f"beside it: {some(checkpoint.beside)}")
        return lines


def inspect(checkpoint: Checkpoint) -> Inspection:
    """Find the spec that fits a checkpoint.

    Raises:
        WeightsError: The checkpoint is of no DeiT.
    """
    names = name_tensors(checkpoint)
    facts = checkpoint_facts(checkpoint, names)
    proposal = propose(checkpoint, names, facts)
    gaps = find_gaps(checkpoint, names, proposal.values)
    precedent = proposal.precedent
    same = precedent.names if precedent and precedent.is_exact else ()
    return Inspection(
        checkpoint,
        names.dialect.title,
        proposal.values,
        () if gaps.missing or gaps.misshapen else same,
        tuple(find_remarks(checkpoint, names, proposal, gaps)),
    )


def propose(checkpoint: Checkpoint, names: Names, facts: Facts) -> Proposal:
    """Make the spec of a checkpoint; a config counts beside its own names alone."""
    config = checkpoint.config if names.dialect.is_hf else {}
    return Proposal(facts, usable(config, facts))


def can_be_inspected(checkpoint: Checkpoint, names: Names, facts: Facts) -> bool:
    """Whether the spec that `inspect` prints takes the checkpoint."""
    activation = checkpoint.config.get("hidden_act", "gelu")
    if names.dialect.is_hf and activation != "gelu":
        return False
    values = propose(checkpoint, names, facts).values
    return find_gaps(checkpoint, names, values).none


def as_yaml(inspection: Inspection) -> str:
    """The spec as YAML, with what the checkpoint is above it."""
    lines = [f"# {visible(line)}" for line in inspection.summary]
    for key, value in inspection.values.items():
        if not isinstance(value, Mapping):
            lines.append(f"{key}: {_scalar(value)}")
            continue
        lines.append(f"{key}:")
        lines += [f"  {name}: {_scalar(item)}" for name, item in value.items()]
    return "".join(f"{line}\n" for line in lines)


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and "." not in repr(value):
        return repr(value).replace("e", ".0e")
    return str(value)
