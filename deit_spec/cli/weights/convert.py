"""`deit-spec weights convert`: a checkpoint in another format, or for another spec."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from deit_spec.cli.arguments import SpecArgument, output_option
from deit_spec.cli.messages import report
from deit_spec.cli.output import fail, read
from deit_spec.cli.weights.arguments import (
    AllowOption,
    AntialiasOption,
    CheckpointArgument,
    KeyOption,
    refusals,
    words,
)
from deit_spec.cli.weights.plan import fates
from deit_spec.cli.weights.progress import Bar
from deit_spec.diagnostics.printable import reason_of, visible
from deit_spec.pipeline import finish


class Format(Enum):
    """Whose format is written."""

    DEIT = "deit"
    TIMM = "timm"
    HF = "hf"


class Dtype(Enum):
    """The element type that is written."""

    FLOAT64 = "float64"
    FLOAT32 = "float32"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"


def run(  # noqa: PLR0913  -- the command's options
    spec: SpecArgument,
    checkpoint: CheckpointArgument,
    output: Annotated[Path, output_option("OUT", "The file to write.")],
    to: Annotated[
        Format,
        typer.Option(
            "--to", case_sensitive=False, help="Whose format; hf writes a directory."
        ),
    ],
    *,
    key: KeyOption = None,
    antialias: AntialiasOption = False,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict/--no-strict", help="Take, rename and fuse tensors, no more."
        ),
    ] = True,
    allow: AllowOption = None,
    dtype: Annotated[
        Dtype | None,
        typer.Option(
            "--dtype", case_sensitive=False, help="Instead of the tensors' own."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace what is there.")
    ] = False,
) -> None:
    """Convert a checkpoint; OUT is written whole or not at all."""
    checked = read(spec)
    if checked.spec is None:
        raise typer.Exit(1)
    from deit_spec.runtime import as_dtype
    from deit_spec.weights import (
        To,
        Writing,
        allowed,
        convert,
        make_plan,
        open_checkpoint,
        require,
    )

    graph = finish(checked)
    kind = as_dtype(dtype.value if dtype else None)
    writing = Writing(output, To(to.value), kind, force)
    try:
        with refusals(), Bar() as bar:
            opened = open_checkpoint(checkpoint, entry=key, progress=bar)
            plan = make_plan(graph, opened, antialias=antialias)
            require(plan, allowed(strict=strict, allow=words(allow)))
            notes = convert(graph, plan, opened, writing, bar)
    except ValueError as error:
        fail(f"cannot write {output}: {error}")
    except OSError as error:
        fail(f"cannot write {output}: {reason_of(error)}")
    else:
        report((*plan.diagnostics, *notes))
        if plan.needs:  # what is written is not what was read
            typer.echo(f"wrote {visible(str(output))}: {fates(plan)}", err=True)
