"""`deit-spec new`: a spec to begin with."""

import os
from pathlib import Path
from typing import Annotated

import typer

from deit_spec.cli.output import STDIN, emit, fail, read
from deit_spec.published import names
from deit_spec.spec.fields import fits
from deit_spec.spec.json_schema import FILE
from deit_spec.spec.starter import starter

FIRST = "deit_base_distilled_patch16_224"


def run(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The model's name.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Write to FILE, not to NAME.yaml; - is standard output.",
        ),
    ] = None,
    *,
    published: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="SPEC",
            help=f"Where the values are from: NAME if it is published, else {FIRST}.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over a file that exists.")
    ] = False,
) -> None:
    """Write a commented spec with the values of a published one."""
    name = name.removesuffix(".yaml").removesuffix(".yml")
    if not fits(("name",), name):
        fail(f"{name!r} is not one word of letters, digits and `_.+-`, at most 60")
    path = Path(f"{name}.yaml") if output is None else output
    to_file = str(path) != STDIN
    # lexists: a symbolic link that leads nowhere is there, and would be followed.
    if to_file and os.path.lexists(path) and not force:
        fail(f"{path} exists; --force writes over it")
    source = published or (name if name in names() else FIRST)
    spec = read(source).spec
    if spec is None:
        raise typer.Exit(1)
    beside = path.parent if to_file else Path()
    schema = FILE if (beside / FILE).is_file() else None
    emit(starter(name, source, spec, schema=schema), path)
    if to_file:
        typer.echo(f"wrote {path}", err=True)
