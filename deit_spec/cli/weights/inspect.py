"""`deit-spec weights inspect`: what a checkpoint is, and the spec that fits it."""

from pathlib import Path

from deit_spec.cli.arguments import OutputOption, TextForm
from deit_spec.cli.messages import report
from deit_spec.cli.output import emit, made_from
from deit_spec.cli.weights.arguments import (
    CheckpointArgument,
    FormOption,
    KeyOption,
    refusals,
)
from deit_spec.cli.weights.progress import Bar
from deit_spec.cli.weights.results import as_text, inspection_to_json


def run(
    checkpoint: CheckpointArgument,
    output: OutputOption = None,
    *,
    key: KeyOption = None,
    form: FormOption = TextForm.TEXT,
) -> None:
    """Print the spec that fits a checkpoint, as YAML."""
    from deit_spec.weights import files_of, inspect, open_checkpoint

    with refusals(form), Bar() as bar:
        found = inspect(open_checkpoint(checkpoint, entry=key, progress=bar))
    made_from(*files_of(Path(checkpoint)))
    if form is TextForm.JSON:
        emit(as_text(inspection_to_json(found)), output)
    else:
        emit(found.as_yaml(), output)
    report(found.diagnostics)
