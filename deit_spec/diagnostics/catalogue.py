"""Every code, once: its name, its severity and what it means.

A finding is made by `diagnose`, which takes the severity from here, so a code
that has no entry cannot be reported.
"""

# ruff: noqa: E501  -- a code is a line

from collections.abc import Iterable
from dataclasses import dataclass

from deit_spec.diagnostics.diagnostic import Diagnostic, Fix, Label, Severity


@dataclass(frozen=True, slots=True)
class Entry:
    """What a code stands for. `name` says it in a few words: `unknown-key`."""

    code: str
    name: str
    severity: Severity
    summary: str


_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

# fmt: off
CATALOGUE: dict[str, Entry] = {
    entry.code: entry
    for entry in (
        Entry("DS001", "invalid-yaml", _ERROR, "the text is no YAML"),
        Entry("DS002", "not-utf-8", _ERROR, "the file is no UTF-8"),
        Entry("DS003", "duplicate-key", _ERROR, "a key is written twice"),
        Entry("DS004", "several-documents", _ERROR, "the file holds more than one document"),
        Entry("DS005", "key-not-a-string", _ERROR, "a key is not a string"),
        Entry("DS006", "foreign-tag", _ERROR, "a tag is not of the core schema, or does not fit"),
        Entry("DS007", "merge-key", _ERROR, "a merge key is used"),
        Entry("DS008", "text-too-large", _ERROR, "the text passes a limit of size"),
        Entry("DS009", "unreadable-file", _ERROR, "the file cannot be read"),
        Entry("DS101", "unknown-key", _ERROR, "a key is unknown"),
        Entry("DS102", "wrong-type", _ERROR, "a value has the wrong type"),
        Entry("DS103", "out-of-range", _ERROR, "a value is out of its range"),
        Entry("DS104", "unknown-choice", _ERROR, "a value is not one of those allowed"),
        Entry("DS105", "not-a-mapping", _ERROR, "a spec is not a mapping"),
        Entry("DS106", "endless-extends", _ERROR, "a spec extends itself"),
        Entry("DS107", "not-a-plain-name", _ERROR, "a name is not a plain name"),
        Entry("DS201", "patches-do-not-fill-image", _ERROR, "patch_size does not divide image_size"),
        Entry("DS203", "heads-do-not-fill-width", _ERROR, "num_heads does not divide embed_dim"),
        Entry("DS204", "mlp-width-rounded-down", _WARNING, "the MLP width is rounded down"),
        Entry("DS205", "mlp-without-width", _ERROR, "the MLP has no hidden channel"),
        Entry("DS206", "teacher-without-token", _ERROR, "a teacher's head has no token to read"),
        Entry("DS207", "heads-without-mean", _ERROR, "heads of unequal size have no mean"),
        Entry("DS208", "teacher-without-classes", _WARNING, "teacher_num_classes is set without num_classes"),
        Entry("DS209", "token-without-head", _NOTE, "the distillation token has no head"),
        Entry("DS210", "mean-of-one-token", _ERROR, "mean_tokens has one token to read"),
        Entry("DS211", "setting-without-effect", _WARNING, "a setting has no effect"),
        Entry("DS212", "model-too-large", _ERROR, "the model passes a limit of size"),
        Entry("DS301", "shape-mismatch", _ERROR, "a layer cannot take the shape that reaches it"),
        Entry("DS401", "unreadable-checkpoint", _ERROR, "a checkpoint cannot be read"),
        Entry("DS402", "not-a-checkpoint", _ERROR, "a file is no checkpoint"),
        Entry("DS403", "damaged-checkpoint", _ERROR, "a checkpoint is truncated or damaged"),
        Entry("DS404", "checkpoint-needs-code", _ERROR, "a checkpoint needs code to be run"),
        Entry("DS405", "no-state-dict", _ERROR, "a file holds no state dict"),
        Entry("DS406", "unknown-tensor-names", _ERROR, "the names of a checkpoint are those of no DeiT"),
        Entry("DS407", "unusable-tensor", _ERROR, "a tensor is of a type that no weight has"),
        Entry("DS408", "impossible-shapes", _ERROR, "the shapes of a checkpoint are of no model"),
        Entry("DS409", "unsafe-torch", _ERROR, "this torch reads pickled weights unsafely"),
        Entry("DS411", "structure-differs", _ERROR, "a checkpoint and a spec differ in structure"),
        Entry("DS412", "missing-tensors", _ERROR, "a checkpoint lacks tensors of the model"),
        Entry("DS413", "left-over-tensors", _ERROR, "a model has no place for tensors of a checkpoint"),
        Entry("DS414", "change-not-allowed", _ERROR, "weights would need what is not allowed"),
        Entry("DS415", "config-contradicts-spec", _ERROR, "a config beside the weights contradicts the spec"),
        Entry("DS416", "epsilon-differs", _WARNING, "a config has another layer_norm_eps than the spec"),
        Entry("DS421", "inexpressible-model", _ERROR, "a model cannot be said in another format"),
        Entry("DS422", "setting-lost", _WARNING, "a setting has no place in another format"),
        Entry("DS423", "assumed-value", _NOTE, "what no shape shows is assumed"),
        Entry("DS424", "beyond-a-spec", _NOTE, "a checkpoint has or lacks what no spec can say"),
        Entry("DS500", "missing-key", _ERROR, "a key that has no default is not written"),
        Entry("DS501", "data-not-one", _ERROR, "a recipe has not exactly one source of data"),
        Entry("DS502", "teacher-not-one", _ERROR, "a teacher is not of exactly one kind"),
        Entry("DS503", "teacher-missing", _ERROR, "there is distillation and no teacher"),
        Entry("DS504", "teacher-unheard", _WARNING, "there is a teacher and no distillation"),
        Entry("DS505", "teacher-without-weights", _ERROR, "a teacher that is a spec has no weights"),
        Entry("DS506", "length-said-twice", _ERROR, "a length is told in epochs and in steps"),
        Entry("DS507", "warmup-fills-run", _ERROR, "the warm-up is no shorter than the run"),
        Entry("DS508", "student-without-classes", _ERROR, "the student has no class head"),
        Entry("DS509", "classes-differ-from-data", _ERROR, "the class head and the data differ in classes"),
        Entry("DS510", "classes-differ-from-teacher", _ERROR, "what learns from the teacher has other classes"),
        Entry("DS511", "images-do-not-fit", _ERROR, "the student takes other images than there are"),
        Entry("DS512", "no-effect-in-training", _WARNING, "a setting of a recipe has no effect"),
        Entry("DS513", "batch-does-not-divide", _ERROR, "a batch does not divide into equal parts"),
        Entry("DS514", "statistics-do-not-fit", _ERROR, "mean and std do not fit each other or the images"),
        Entry("DS515", "malformed-words", _ERROR, "a text of a recipe has not the form that it needs"),
        Entry("DS516", "bounds-reversed", _ERROR, "a lower bound is above the upper"),
        Entry("DS517", "too-few-images", _ERROR, "more images are asked for than there are"),
        Entry("DS518", "rates-out-of-order", _WARNING, "the highest learning rate is not the highest"),
        Entry("DS519", "drop-path-replaced", _WARNING, "a default takes the place of the drop_path of a spec"),
        Entry("DS520", "not-here", _WARNING, "what a recipe names is not on this machine"),
        Entry("DS521", "missing-data-folder", _ERROR, "the folder of images is not there"),
        Entry("DS522", "no-classes", _ERROR, "a folder of images has no folder of a class"),
        Entry("DS523", "empty-class", _ERROR, "a class has no image"),
        Entry("DS524", "unreadable-images", _ERROR, "more images are unreadable than the recipe allows"),
        Entry("DS525", "unusable-dataset", _ERROR, "a dataset cannot be loaded, or has no images and labels"),
        Entry("DS526", "code-not-allowed", _ERROR, "a teacher is code that may not be run"),
        Entry("DS527", "unusable-teacher", _ERROR, "a teacher cannot be made"),
        Entry("DS528", "missing-package", _ERROR, "a package that the recipe needs is not installed"),
        Entry("DS529", "idle-head-answers", _WARNING, "a head that learns nothing is part of every answer"),
        Entry("DS531", "loss-not-finite", _ERROR, "the loss is not a finite number"),
        Entry("DS532", "run-not-written", _ERROR, "a run cannot be written, for want of space or permission"),
        Entry("DS533", "run-exists", _ERROR, "the folder of a new run is not empty"),
        Entry("DS534", "not-a-run", _ERROR, "a folder holds no run to go on with"),
        Entry("DS535", "recipe-differs", _ERROR, "a run is of another recipe"),
        Entry("DS536", "run-under-way", _ERROR, "another process is at work in the folder of a run"),
        Entry("DS537", "out-of-memory", _ERROR, "a step needs more memory than there is"),
        Entry("DS901", "defect", _ERROR, "a defect of deit-spec"),
    )
}
# fmt: on


def diagnose(  # noqa: PLR0913  -- the parts of a diagnostic
    code: str,
    message: str,
    primary: Label,
    *,
    secondary: Iterable[Label] = (),
    notes: Iterable[str] = (),
    helps: Iterable[str] = (),
    fix: Fix | None = None,
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
        fix=fix,
    )
