"""The name, severity and meaning of each diagnostic code; `codes/` explains them."""

# ruff: noqa: E501  -- one code per line

from collections.abc import Iterable
from dataclasses import dataclass

from deit_spec.diagnostics.diagnostic import Diagnostic, Fix, Label, Severity


@dataclass(frozen=True, slots=True)
class Entry:
    """A code, with a short name such as `unknown-key`."""

    code: str
    name: str
    severity: Severity
    summary: str


_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

# fmt: off
CATALOGUE: dict[str, Entry] = {
    entry.code: entry
    for entry in (
        Entry("DS001", "invalid-yaml", _ERROR, "invalid YAML syntax"),
        Entry("DS002", "not-utf-8", _ERROR, "file not encoded as UTF-8"),
        Entry("DS003", "duplicate-key", _ERROR, "duplicate key"),
        Entry("DS004", "several-documents", _ERROR, "more than one YAML document"),
        Entry("DS005", "key-not-a-string", _ERROR, "key is not a string"),
        Entry("DS006", "unsupported-tag", _ERROR, "unknown or unsuitable tag"),
        Entry("DS007", "merge-key", _ERROR, "merge key"),
        Entry("DS008", "text-too-large", _ERROR, "text or number too large"),
        Entry("DS009", "unreadable-file", _ERROR, "file cannot be read"),
        Entry("DS101", "unknown-key", _ERROR, "unknown key"),
        Entry("DS102", "wrong-type", _ERROR, "value of the wrong type"),
        Entry("DS103", "out-of-range", _ERROR, "value out of range"),
        Entry("DS104", "unknown-choice", _ERROR, "value is not one of the choices"),
        Entry("DS105", "not-a-mapping", _ERROR, "document is not a mapping"),
        Entry("DS106", "endless-extends", _ERROR, "circular or too long chain of extends"),
        Entry("DS107", "invalid-name", _ERROR, "invalid name"),
        Entry("DS108", "empty-document", _NOTE, "the document is empty"),
        Entry("DS109", "training-setting", _ERROR, "a training setting in a spec"),
        Entry("DS201", "patches-do-not-fill-image", _ERROR, "image_size is not divisible by patch_size"),
        Entry("DS203", "heads-do-not-fill-width", _ERROR, "embed_dim is not divisible by num_heads"),
        Entry("DS204", "mlp-width-rounded-down", _WARNING, "MLP width is rounded down"),
        Entry("DS205", "mlp-without-width", _ERROR, "MLP width is zero"),
        Entry("DS206", "teacher-without-token", _ERROR, "teacher_num_classes without a distillation token"),
        Entry("DS207", "heads-without-mean", _ERROR, "mean of heads with different class counts"),
        Entry("DS208", "teacher-without-classes", _WARNING, "teacher_num_classes without num_classes"),
        Entry("DS209", "token-without-head", _NOTE, "distillation token without a head"),
        Entry("DS210", "mean-of-one-token", _ERROR, "mean_tokens with a single token"),
        Entry("DS211", "setting-without-effect", _WARNING, "setting has no effect"),
        Entry("DS212", "model-too-large", _ERROR, "model too large"),
        Entry("DS213", "heads-not-combined", _NOTE, "`predict` does not combine heads with different class counts"),
        Entry("DS214", "invalid-merging", _ERROR, "merge_tokens does not fit the blocks or the patches"),
        Entry("DS301", "shape-mismatch", _ERROR, "shape mismatch"),
        Entry("DS302", "unknown-tap", _ERROR, "the model does not have this value"),
        Entry("DS310", "invalid-heat-file", _ERROR, "file of numbers for a figure is invalid"),
        Entry("DS311", "unknown-heat-path", _ERROR, "numbers for layers that the model does not have"),
        Entry("DS313", "not-in-git", _ERROR, "git has no such revision or file"),
        Entry("DS401", "unreadable-checkpoint", _ERROR, "checkpoint cannot be read"),
        Entry("DS402", "not-a-checkpoint", _ERROR, "file is not a checkpoint"),
        Entry("DS403", "damaged-checkpoint", _ERROR, "truncated or damaged checkpoint"),
        Entry("DS404", "checkpoint-needs-code", _ERROR, "checkpoint needs to execute code"),
        Entry("DS405", "no-state-dict", _ERROR, "no state dict found"),
        Entry("DS406", "unknown-tensor-names", _ERROR, "unknown tensor names"),
        Entry("DS407", "unusable-tensor", _ERROR, "unsupported tensor type"),
        Entry("DS408", "impossible-shapes", _ERROR, "inconsistent tensor shapes"),
        Entry("DS409", "unsafe-torch", _ERROR, "unsafe version of torch"),
        Entry("DS411", "structure-differs", _ERROR, "checkpoint and spec have different structures"),
        Entry("DS412", "missing-tensors", _ERROR, "tensors missing from the checkpoint"),
        Entry("DS413", "left-over-tensors", _ERROR, "unexpected tensors in the checkpoint"),
        Entry("DS414", "change-not-allowed", _ERROR, "change not allowed"),
        Entry("DS415", "config-contradicts-spec", _ERROR, "config contradicts the spec"),
        Entry("DS416", "epsilon-differs", _WARNING, "config has a different layer_norm_eps"),
        Entry("DS421", "inexpressible-model", _ERROR, "model cannot be expressed in the target format"),
        Entry("DS422", "setting-lost", _WARNING, "setting lost in the target format"),
        Entry("DS423", "assumed-value", _NOTE, "value assumed"),
        Entry("DS424", "inexpressible-checkpoint", _NOTE, "checkpoint differs from what a spec can describe"),
        Entry("DS425", "metadata-contradicts-weights", _ERROR, "metadata contradicts the weights"),
        Entry("DS426", "not-a-model", _ERROR, "neither a model folder nor a model file"),
        Entry("DS427", "value-out-of-range", _WARNING, "value beyond the range of the dtype"),
        Entry("DS428", "preprocessing-differs", _WARNING, "images are prepared differently by the target library"),
        Entry("DS429", "config-contradicts-weights", _ERROR, "config contradicts the weights"),
        Entry("DS430", "inexpressible-config", _ERROR, "config differs from what a spec can describe"),
        Entry("DS500", "missing-key", _ERROR, "required key is missing"),
        Entry("DS501", "needs-one-data-source", _ERROR, "not exactly one source of data"),
        Entry("DS502", "needs-one-teacher", _ERROR, "not exactly one kind of teacher"),
        Entry("DS503", "teacher-missing", _ERROR, "distillation without a teacher"),
        Entry("DS504", "unused-teacher", _WARNING, "teacher without distillation"),
        Entry("DS505", "teacher-without-weights", _ERROR, "teacher.weights is missing"),
        Entry("DS506", "length-set-twice", _ERROR, "length set in epochs and in steps"),
        Entry("DS507", "warmup-too-long", _ERROR, "warm-up is not shorter than the run"),
        Entry("DS508", "student-without-classes", _ERROR, "student without num_classes"),
        Entry("DS509", "classes-differ-from-data", _ERROR, "num_classes differs from the data"),
        Entry("DS510", "classes-differ-from-teacher", _ERROR, "student and teacher have different class counts"),
        Entry("DS511", "images-do-not-fit", _ERROR, "images do not match the model"),
        Entry("DS512", "no-effect-in-training", _WARNING, "setting of a recipe has no effect"),
        Entry("DS513", "batch-does-not-divide", _ERROR, "batch_size is not divisible by accumulate"),
        Entry("DS514", "statistics-do-not-fit", _ERROR, "invalid mean or std"),
        Entry("DS515", "malformed-text", _ERROR, "text with an invalid format"),
        Entry("DS516", "bounds-reversed", _ERROR, "lower bound above upper bound"),
        Entry("DS517", "too-few-images", _ERROR, "not enough images"),
        Entry("DS518", "learning-rates-out-of-order", _WARNING, "warmup_lr or min_lr above the highest learning rate"),
        Entry("DS519", "drop-path-replaced", _WARNING, "drop_path of the spec is overridden by a default"),
        Entry("DS520", "missing-path", _WARNING, "path of a recipe does not exist"),
        Entry("DS521", "missing-data-folder", _ERROR, "data.folder does not exist"),
        Entry("DS522", "no-classes", _ERROR, "no class folders"),
        Entry("DS523", "empty-class", _ERROR, "class without images"),
        Entry("DS524", "unreadable-images", _ERROR, "too many unreadable images"),
        Entry("DS525", "unusable-dataset", _ERROR, "dataset cannot be used"),
        Entry("DS526", "code-not-allowed", _ERROR, "Python code for the teacher is not allowed"),
        Entry("DS527", "unusable-teacher", _ERROR, "teacher cannot be created"),
        Entry("DS528", "missing-package", _ERROR, "required package is not installed"),
        Entry("DS529", "untrained-head-used", _WARNING, "untrained head is used in predictions"),
        Entry("DS531", "loss-not-finite", _ERROR, "loss is not finite"),
        Entry("DS532", "run-not-written", _ERROR, "run cannot be written"),
        Entry("DS533", "run-exists", _ERROR, "the run folder is not empty"),
        Entry("DS534", "not-a-run", _ERROR, "folder does not contain a run"),
        Entry("DS535", "recipe-differs", _ERROR, "run has a different recipe"),
        Entry("DS536", "run-in-progress", _ERROR, "run is in use by another process"),
        Entry("DS537", "out-of-memory", _ERROR, "not enough memory for a training step"),
        Entry("DS538", "class-names-differ", _ERROR, "class names do not match"),
        Entry("DS539", "classes-without-images", _NOTE, "data has some of the model's classes only"),
        Entry("DS540", "class-order-uncertain", _WARNING, "classes may be in another order"),
        Entry("DS541", "unknown-validation-class", _ERROR, "validation class that is not trained on"),
        Entry("DS542", "splits-overlap", _ERROR, "validation split is the training split"),
        Entry("DS543", "unusable-split-file", _ERROR, "split.json of a run cannot be used"),
        Entry("DS546", "batch-exceeds-data", _WARNING, "batch is larger than the data"),
        Entry("DS547", "slow-average", _WARNING, "moving average keeps initial weights"),
        Entry("DS548", "unknown-timm-model", _ERROR, "timm has no such model"),
        Entry("DS549", "device-not-found", _ERROR, "device cannot be used"),
        Entry("DS550", "single-process", _WARNING, "one process was started instead of several"),
        Entry("DS553", "damaged-lines", _WARNING, "lines of a run or a study are damaged"),
        Entry("DS554", "damaged-run-file", _ERROR, "file of a run or a study is damaged"),
        Entry("DS555", "pattern-matches-nothing", _ERROR, "pattern of student.freeze matches no parameter"),
        Entry("DS556", "nothing-to-train", _ERROR, "all parameters are frozen"),
        Entry("DS557", "frozen-random-weights", _WARNING, "frozen parts without weights"),
        Entry("DS560", "unknown-class-weight", _ERROR, "weight of a class that the data does not have"),
        Entry("DS561", "targets-all-equal", _ERROR, "bce_target_threshold makes all targets equal"),
        Entry("DS562", "class-not-balanced", _ERROR, "classes cannot be balanced"),
        Entry("DS563", "balanced-twice", _WARNING, "class weights and sampling both balance the classes"),
        Entry("DS564", "policy-without-settings", _ERROR, "policy is rand_augment, but rand_augment is null"),
        Entry("DS565", "unknown-selected-class", _ERROR, "data.only_classes names an unknown class"),
        Entry("DS570", "missing-tracker", _ERROR, "experiment tracker is not installed"),
        Entry("DS571", "tracker-not-started", _ERROR, "experiment tracker cannot be started"),
        Entry("DS572", "tracker-failed", _WARNING, "experiment tracker has failed"),
        Entry("DS601", "file-too-large", _ERROR, "weights do not fit into one file"),
        Entry("DS602", "output-without-classes", _ERROR, "output does not fit the classes of the model"),
        Entry("DS605", "not-exported-by-us", _ERROR, "file is not from `deit-spec export`"),
        Entry("DS606", "edited-export", _ERROR, "metadata of an exported file does not match"),
        Entry("DS607", "unusable-export", _ERROR, "exported file cannot be opened"),
        Entry("DS608", "export-not-trainable", _ERROR, "exported file in place of weights"),
        Entry("DS609", "unsupported-precision", _ERROR, "the format does not have the precision"),
        Entry("DS610", "no-calibration-images", _ERROR, "no images to calibrate int8 with"),
        Entry("DS611", "unreadable-calibration-images", _WARNING, "images for calibration cannot be read"),
        Entry("DS612", "export-differs", _WARNING, "outputs of an exported file differ from the model"),
        Entry("DS613", "export-below-requirement", _ERROR, "outputs of an exported file differ more than allowed"),
        Entry("DS614", "unusable-check-images", _ERROR, "images to check an export on cannot be used"),
        Entry("DS615", "nothing-to-measure", _ERROR, "no combination of a benchmark can run"),
        Entry("DS901", "internal-error", _ERROR, "internal error"),
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
    """Create a diagnostic with the severity of its code."""
    severity, labels = CATALOGUE[code].severity, tuple(secondary)
    remarks = tuple(notes), tuple(helps)
    return Diagnostic(code, severity, message, primary, labels, *remarks, fix)
