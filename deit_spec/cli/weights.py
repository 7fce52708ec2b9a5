"""`deit-spec weights`: plan, convert and inspect checkpoints."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, TypeAlias

import typer

from deit_spec.cli import options
from deit_spec.cli.app import Command
from deit_spec.cli.convert_source import open_source
from deit_spec.cli.inputs import check_and_report
from deit_spec.cli.options import OutputOption, SpecArgument, TextFormat
from deit_spec.cli.output import STDIO, emit, emit_json, fail, protect, report
from deit_spec.diagnostics import DiagnosedError, Diagnostic, has_errors, json_form
from deit_spec.diagnostics.printable import reason_of, visible
from deit_spec.pipeline import finish
from deit_spec.spec.origin import EXPORTED_SUFFIXES

if TYPE_CHECKING:
    from deit_spec.weights import Inspection, Plan

VERSION = 1
"""Of the JSON format; it grows when a key is removed or changes its meaning."""

app = typer.Typer(
    help="Plan, convert and inspect checkpoints.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


CheckpointFormat: TypeAlias = Literal["deit", "timm", "hf"]
Dtype: TypeAlias = Literal["float64", "float32", "float16", "bfloat16"]


class Allow(Enum):  # typer has no lists of literals
    """Changes of tensors that must be allowed."""

    RESAMPLE = "resample"
    HEADS = "heads"
    CHANNELS = "channels"
    DISTILLATION = "distillation"
    DROP = "drop"


def _not_stdin(name: str) -> str:
    """Check the name of a checkpoint, which is memory-mapped."""
    if name == STDIO:
        raise typer.BadParameter("a checkpoint cannot be standard input")
    return name


AllowOption = Annotated[
    list[Allow] | None,
    options.option(
        "--allow",
        "Allow this change of tensors; may be repeated.",
        metavar="<resample|heads|channels|distillation|drop>",
    ),
]
StrictOption = Annotated[
    bool,
    options.option(
        "--strict/--no-strict",
        "Allow only changes of names and layout, and what --allow adds.",
    ),
]
CheckpointArgument = Annotated[
    str,
    typer.Argument(
        metavar="CHECKPOINT",
        parser=_not_stdin,
        help="A safetensors or torch.save file, or a Hugging Face folder.",
    ),
]
InspectedArgument = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        parser=_not_stdin,
        help="A checkpoint, as `plan` takes it, or an exported file.",
    ),
]
KeyOption = Annotated[
    str | None,
    options.option(
        "--key",
        "The state dict to use in a file that has several, such as model_ema.",
        metavar="KEY",
    ),
]
FormatOption = Annotated[TextFormat, options.format_option("The format of the result.")]
AntialiasOption = Annotated[
    bool,
    typer.Option("--antialias", help="Resample position embeddings with antialiasing."),
]


@app.command("plan", cls=Command)
def plan(  # noqa: PLR0913  -- each is an option of the command
    spec: SpecArgument,
    checkpoint: CheckpointArgument,
    *,
    key: KeyOption = None,
    antialias: AntialiasOption = False,
    strict: StrictOption = False,
    allow: AllowOption = None,
    format_: FormatOption = TextFormat.TEXT,
) -> None:
    """Show how each tensor of a checkpoint would be used for a spec.

    Exit with 1 if the checkpoint does not fit.
    """
    checked = check_and_report(spec)
    if checked.spec is None:
        _exit_with(checked.diagnostics, format_)
    from deit_spec.weights import allowed, find_forbidden, make_plan, open_checkpoint

    with _weights_errors(format_):
        opened = open_checkpoint(checkpoint, entry=key)
        made = make_plan(finish(checked), opened, antialias=antialias)
    permitted = allowed(strict=strict, allow=_values(allow))
    found = (*made.diagnostics, *find_forbidden(made, permitted))
    if format_ is TextFormat.JSON:
        everything = (*checked.diagnostics, *found)
        emit_json(_plan_json(made, permitted, everything), None)
    else:
        _print_plan(made)
    report(found)
    raise typer.Exit(1 if has_errors(found) else 0)


@app.command("convert", cls=Command)
def convert(  # noqa: PLR0913  -- each is an option of the command
    spec: SpecArgument,
    checkpoint: Annotated[
        str | None,
        typer.Argument(
            metavar="CHECKPOINT",
            parser=_not_stdin,
            help="A checkpoint to convert instead of the weights of a model folder.",
            show_default=False,
        ),
    ] = None,
    *,
    output: Annotated[
        Path, options.output_option("OUT", "The file or folder to write.")
    ],
    to: Annotated[
        CheckpointFormat,
        options.option(
            "--to",
            "The format of OUT; hf is a folder, and timm too if OUT has no extension.",
        ),
    ],
    key: KeyOption = None,
    antialias: AntialiasOption = False,
    strict: StrictOption = True,
    allow: AllowOption = None,
    labels: Annotated[
        Path | None,
        options.option(
            "--labels",
            "The class names: one per line, or a list or mapping in JSON. By default "
            "those of the model.",
            metavar="FILE",
        ),
    ] = None,
    dtype: Annotated[
        Dtype | None, options.option("--dtype", "Convert tensors to this data type.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite OUT if it exists.")
    ] = False,
) -> None:
    """Convert a model or a checkpoint to another format."""
    from deit_spec import weights
    from deit_spec.model.library_preprocessing import (
        find_differences,
        to_timm,
        to_transformers,
    )
    from deit_spec.runtime import as_dtype

    source = open_source(spec, checkpoint, labels)
    writing = weights.Writing(
        output,
        weights.To(to),
        as_dtype(dtype),
        force,
        (to_transformers if to == "hf" else to_timm)(source.images),
        source.classes,
        source.metadata,
    )
    permitted = weights.allowed(strict=strict, allow=_values(allow)) | source.permitted
    try:
        with _weights_errors():
            opened = weights.open_checkpoint(source.weights, entry=key)
            made = weights.make_plan(source.graph, opened, antialias=antialias)
            weights.require(made, permitted)
            notes = weights.convert(source.graph, made, opened, writing)
    except ValueError as error:
        fail(f"cannot write {output}: {error}")
    except OSError as error:
        fail(f"cannot write {output}: {reason_of(error)}")
    differences = find_differences(source.images, writing.to.library, opened.name)
    images = (*source.assumed, *differences) if writing.is_folder else ()
    report((*made.diagnostics, *notes, *images))
    if made.needs:  # tensors were changed
        typer.echo(f"wrote {visible(str(output))}: {_counts(made)}", err=True)


@app.command("inspect", cls=Command)
def inspect(
    checkpoint: InspectedArgument,
    output: OutputOption = None,
    *,
    key: KeyOption = None,
    format_: FormatOption = TextFormat.TEXT,
) -> None:
    """Print the spec of a checkpoint or of an exported file, as YAML."""
    from deit_spec import weights

    if Path(checkpoint).suffix.lower() in EXPORTED_SUFFIXES:
        if key is not None:
            raise typer.BadParameter("an exported file has one model; leave out --key")
        _inspect_export(Path(checkpoint), output, format_)
        return
    with _weights_errors(format_):
        opened = weights.open_checkpoint(checkpoint, entry=key)
        found = weights.inspect(opened)
    protect(*weights.files_of(Path(checkpoint)))
    if format_ is TextFormat.JSON:
        emit_json(_inspection_json(found), output)
    else:
        emit(found.as_yaml(), output)
    report(found.diagnostics)


def _inspect_export(path: Path, output: Path | None, format_: TextFormat) -> None:
    """Print what is in an exported file."""
    from deit_spec.model import exported_file

    with _weights_errors(format_):
        found = exported_file.read_exported(path)
    protect(*exported_file.files_of_export(path))
    if format_ is TextFormat.JSON:
        emit_json({"version": VERSION, **found.as_json()}, output)
    else:
        emit(found.as_yaml(), output)
    report(found.checked.diagnostics)


@contextmanager
def _weights_errors(format_: TextFormat = TextFormat.TEXT) -> Iterator[None]:
    """Report why weights or an exported file cannot be used."""
    try:
        yield
    except DiagnosedError as error:
        report(error.diagnostics)
        _exit_with(error.diagnostics, format_)


def _exit_with(diagnostics: Iterable[Diagnostic], format_: TextFormat) -> NoReturn:
    """Exit with 1; print the diagnostics, which were reported, as JSON if asked for."""
    if format_ is TextFormat.JSON:
        emit(json_form.render(diagnostics), None)
    raise typer.Exit(1) from None


def _values(allow: Iterable[Allow] | None) -> set[str] | None:
    return {each.value for each in allow} if allow else None


def _print_plan(made: "Plan") -> None:
    """Print a table of the tensors, and how many are used in which way."""
    from deit_spec.cli.weights_table import layout

    head = f"{made.spec} from {made.checkpoint}: {made.format}; {made.naming_scheme}"
    typer.echo(visible(head))
    if made.steps or made.dropped or made.left_over:
        typer.echo(layout(made))
    typer.echo(_counts(made))
    if made.needs:
        typer.echo(f"required permissions: {', '.join(sorted(made.needs))}")


def _counts(made: "Plan") -> str:
    counts = [f"{number} {fate}" for fate, number in made.counts().items()]
    return ", ".join(counts) or "no tensors"


def _plan_json(
    made: "Plan", allowed: Iterable[str], diagnostics: Sequence[Diagnostic]
) -> dict[str, Any]:
    """A plan as docs/weights.md describes it."""
    return {
        "version": VERSION,
        "spec": made.spec,
        "checkpoint": made.checkpoint,
        "format": made.format,
        "dialect": made.naming_scheme,
        "reconciles": made.reconciles,
        "needs": sorted(made.needs),
        "allowed": sorted(allowed),
        "steps": [
            {**step.as_json(), "needs": sorted(step.needs)} for step in made.steps
        ],
        "dropped": [
            {"tensor": each.name, "reason": each.reason, "needs": sorted(each.needs)}
            for each in made.dropped
        ],
        "missing": list(made.missing),
        "left_over": list(made.left_over),
        "diagnostics": json_form.listed(diagnostics),
    }


def _inspection_json(found: "Inspection") -> dict[str, Any]:
    """An inspection as docs/weights.md describes it."""
    checkpoint = found.checkpoint
    return {
        "version": VERSION,
        "checkpoint": checkpoint.name,
        "format": checkpoint.format,
        "dialect": found.naming_scheme,
        "tensors": len(checkpoint.tensors),
        "parameters": found.parameters,
        "dtypes": list(checkpoint.dtypes),
        "path": list(checkpoint.path),
        "prefix": checkpoint.prefix,
        "beside": list(checkpoint.beside),
        "published": list(found.published),
        "spec": found.values,
        "diagnostics": json_form.listed(found.diagnostics),
    }
