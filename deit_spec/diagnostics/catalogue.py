"""Every code, once: its severity and what it means.

A finding is made by `diagnose`, which takes the severity from here, so a code
that has no entry cannot be reported.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from deit_spec.diagnostics.model import Diagnostic, Label, Severity


@dataclass(frozen=True, slots=True)
class Entry:
    """What a code stands for."""

    code: str
    severity: Severity
    summary: str


_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

CATALOGUE: dict[str, Entry] = {
    entry.code: entry
    for entry in (
        Entry("DS001", _ERROR, "the text is no YAML"),
        Entry("DS002", _ERROR, "the file is no UTF-8"),
        Entry("DS003", _ERROR, "a key is written twice"),
        Entry("DS004", _ERROR, "the file holds more than one document"),
        Entry("DS005", _ERROR, "a key is not a string"),
        Entry("DS006", _ERROR, "a tag is not of the core schema, or does not fit"),
        Entry("DS007", _ERROR, "a merge key is used"),
        Entry("DS008", _ERROR, "the text passes a limit of size"),
        Entry("DS009", _ERROR, "the file cannot be read"),
        Entry("DS101", _ERROR, "a key is unknown"),
        Entry("DS102", _ERROR, "a value has the wrong type"),
        Entry("DS103", _ERROR, "a value is out of its range"),
        Entry("DS104", _ERROR, "a value is not one of those allowed"),
        Entry("DS105", _ERROR, "a spec is not a mapping"),
        Entry("DS106", _ERROR, "a spec extends itself"),
        Entry("DS107", _ERROR, "a name is not a plain name"),
        Entry("DS201", _ERROR, "patch_size does not divide image_size"),
        Entry("DS203", _ERROR, "num_heads does not divide embed_dim"),
        Entry("DS204", _WARNING, "the MLP width is rounded down"),
        Entry("DS205", _ERROR, "the MLP has no hidden channel"),
        Entry("DS206", _ERROR, "a teacher's head has no token to read"),
        Entry("DS207", _ERROR, "heads of unequal size have no mean"),
        Entry("DS208", _WARNING, "teacher_num_classes is set without num_classes"),
        Entry("DS209", _NOTE, "the distillation token has no head"),
        Entry("DS210", _ERROR, "mean_tokens has one token to read"),
        Entry("DS211", _WARNING, "a setting has no effect"),
        Entry("DS212", _ERROR, "the model passes a limit of size"),
        Entry("DS301", _ERROR, "a layer cannot take the shape that reaches it"),
        Entry("DS401", _ERROR, "a checkpoint cannot be read"),
        Entry("DS402", _ERROR, "a file is no checkpoint"),
        Entry("DS403", _ERROR, "a checkpoint is truncated or damaged"),
        Entry("DS404", _ERROR, "a checkpoint needs code to be run"),
        Entry("DS405", _ERROR, "a file holds no state dict"),
        Entry("DS406", _ERROR, "the names of a checkpoint are those of no DeiT"),
        Entry("DS407", _ERROR, "a tensor is of a type that no weight has"),
        Entry("DS408", _ERROR, "the shapes of a checkpoint are of no model"),
        Entry("DS409", _ERROR, "this torch reads pickled weights unsafely"),
        Entry("DS411", _ERROR, "a checkpoint and a spec differ in structure"),
        Entry("DS412", _ERROR, "a checkpoint lacks tensors of the model"),
        Entry("DS413", _ERROR, "a model has no place for tensors of a checkpoint"),
        Entry("DS414", _ERROR, "weights would need what is not allowed"),
        Entry("DS415", _ERROR, "a config beside the weights contradicts the spec"),
        Entry("DS416", _WARNING, "a config has another layer_norm_eps than the spec"),
        Entry("DS421", _ERROR, "a model cannot be said in another format"),
        Entry("DS422", _WARNING, "a setting has no place in another format"),
        Entry("DS423", _NOTE, "what no shape shows is assumed"),
        Entry("DS424", _NOTE, "a checkpoint has or lacks what no spec can say"),
        Entry("DS901", _ERROR, "a defect of deit-spec"),
    )
}


def diagnose(  # noqa: PLR0913  -- the parts of a diagnostic
    code: str,
    message: str,
    primary: Label,
    *,
    secondary: Iterable[Label] = (),
    notes: Iterable[str] = (),
    helps: Iterable[str] = (),
) -> Diagnostic:
    """Make a finding with the severity that its code has."""
    return Diagnostic(
        code=code,
        severity=CATALOGUE[code].severity,
        message=message,
        primary=primary,
        secondary=tuple(secondary),
        notes=tuple(notes),
        helps=tuple(helps),
    )
