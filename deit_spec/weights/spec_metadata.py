"""What our safetensors files say about themselves: spec, preprocessing and classes.

The metadata of a safetensors file maps strings to strings, so values are JSON.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from deit_spec.diagnostics import Diagnostic, Label, Severity, Span
from deit_spec.diagnostics.printable import counted
from deit_spec.spec import Checked, DeiTSpec, Variant, check_text
from deit_spec.version import __version__
from deit_spec.weights.checkpoint import Checkpoint
from deit_spec.weights.plan import Plan
from deit_spec.weights.weight_findings import WeightsError, finding, refuse, some

VERSION: Final = "deit_spec.version"
SPEC: Final = "deit_spec.spec"
DIGEST: Final = "deit_spec.digest"
PREPROCESSING: Final = "deit_spec.preprocessing"
CLASSES: Final = "deit_spec.classes"

_WITHOUT_EFFECT = ("readout", "fusion", "drop_path")
"""Fields of `variant` that cause a warning if they are given without an effect."""


def resolved_spec(spec: DeiTSpec) -> dict[str, Any]:
    """The values of a spec with all defaults, which inherits nothing."""
    values = spec.model_dump(mode="json", exclude={"extends"})
    for key in _WITHOUT_EFFECT:
        if values["variant"][key] == Variant.model_fields[key].default:
            del values["variant"][key]
    return values


def make_metadata(
    spec: DeiTSpec,
    preprocessing: str | None = None,
    classes: Sequence[str] | None = None,
) -> dict[str, str]:
    """The metadata of a model; `preprocessing` is a JSON object."""
    metadata = {
        VERSION: __version__,
        SPEC: json.dumps(resolved_spec(spec)),
        DIGEST: spec.digest,
    }
    if preprocessing is not None:
        metadata[PREPROCESSING] = preprocessing
    if classes is not None:
        metadata[CLASSES] = json.dumps(list(classes), ensure_ascii=False)
    return metadata


def check_metadata(metadata: Mapping[str, str], name: str) -> Checked | None:
    """Check the spec in the metadata of the file `name`; None if there is none."""
    if SPEC not in metadata:
        return None
    checked = check_text(metadata[SPEC].encode(), SPEC)
    # Its lines are those of the metadata, which no editor shows.
    found = tuple(_in_metadata(each, name) for each in checked.diagnostics)
    checked = Checked(checked.spec, found)
    spec, digest = checked.spec, metadata.get(DIGEST)
    # Another version may know other fields, and then it computes another digest.
    if spec is None or digest is None or metadata.get(VERSION) != __version__:
        return checked
    if spec.digest != digest:
        message = f"the digest in the metadata is {digest}, but its spec has "
        helps = ["write the file again instead of editing its metadata"]
        raise refuse("DS425", message + spec.digest, name, helps=helps)
    return checked


def _in_metadata(found: Diagnostic, name: str) -> Diagnostic:
    """A finding about the spec in the metadata, as one about the file `name`."""
    place = Label(Span.of_file(name))
    notes = (f"in its metadata ({SPEC})", *found.notes)
    return replace(found, primary=place, secondary=(), notes=notes, fix=None)


def spec_of(checkpoint: Checkpoint) -> DeiTSpec | None:
    """The spec in the metadata, None if there is none; a WeightsError if invalid."""
    checked = check_metadata(checkpoint.metadata, checkpoint.name)
    if checked is None:
        return None
    if checked.spec is None:
        raise WeightsError(checked.diagnostics)
    return checked.spec


def require_same(plan: Plan) -> None:
    """DS425: the spec in the metadata of a checkpoint describes its weights."""
    problems = [each for each in plan.diagnostics if each.severity is Severity.ERROR]
    differing = [(each.message, each.notes) for each in problems]
    for need in sorted(plan.needs):
        names = plan.needing(need)
        message = f"{counted(len(names), 'tensor')} would need `{need}`"
        differing.append((message, (f"for {some(names)}",)))
    if differing:
        raise WeightsError(
            finding(
                "DS425",
                f"the spec in the metadata does not describe the weights: {message}",
                plan.checkpoint,
                notes=notes,
            )
            for message, notes in differing
        )
