"""`deit-spec new`: a spec to begin with."""

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from deit_spec.cli.arguments import output_option
from deit_spec.cli.output import STDIN, emit, fail, read
from deit_spec.diagnostics.printable import visible
from deit_spec.published import names
from deit_spec.spec.field_names import SPEC
from deit_spec.spec.spec_json_schema import FILE
from deit_spec.spec.starter import starter
from deit_spec.yaml_source.files import real
from deit_spec.yaml_source.scalars import scalar_text

FIRST = "deit_base_distilled_patch16_224"

_PART = re.compile(r"[\w.+-]")
_RULE = "which is neither a letter, a digit nor one of `_.+-`"
_LONGEST = 60


def run(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The model's name.")],
    output: Annotated[
        Path | None,
        output_option("FILE", "Write to FILE, not to NAME.yaml; - is standard output."),
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
    check_name(name)
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
    extends = None if source == STDIN else seen_from(beside, source)
    emit(starter(name, source_name(source), spec, extends, schema=schema), path)
    if to_file:
        typer.echo(f"wrote {visible(str(path))}", err=True)


def check_name(name: str) -> None:
    """Say which rule a name breaks.

    Raises:
        typer.Exit: It breaks one, code 2.
    """
    if SPEC.fits(("name",), name):
        return
    shown = visible(name)
    if foreign := next((each for each in name if not _PART.match(each)), None):
        fail(f"the name `{shown}` holds `{visible(foreign)}`, {_RULE}")
    if len(name) > _LONGEST:
        fail(f"the name has {len(name)} characters, and the limit is {_LONGEST}")
    if not name:
        fail("the name is empty")
    first = f"`{shown[0]}`, not with a letter, a digit or `_`"
    fail(f"the name `{shown}` begins with {first}")


def seen_from(folder: Path, source: str) -> str:
    """What `extends` says for a spec, in a file of a folder."""
    if source in names() or Path(source).is_absolute():
        return source
    path = Path(source)
    # The file may be a link, beside which its neighbours are; folders are followed.
    whole = real(path.parent) / path.name
    found = os.path.relpath(whole, real(folder))
    return f"./{found}" if found in names() else found


def source_name(source: str) -> str:
    """What a comment calls a spec."""
    return "standard input" if source == STDIN else scalar_text(source)
