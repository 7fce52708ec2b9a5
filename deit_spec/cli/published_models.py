"""`deit-spec list` and `deit-spec new`: the published models, and a spec from one."""

import os
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap
from typing import Annotated, Any, Literal

import typer

from deit_spec.cli.inputs import read
from deit_spec.cli.options import OutputOption, format_option, option, output_option
from deit_spec.cli.output import STDIO, emit, emit_json, fail
from deit_spec.diagnostics.printable import visible
from deit_spec.published import accuracies, names, read_recipe, recipe_names
from deit_spec.spec import DeiTSpec, Variant, check_spec
from deit_spec.spec.origin import REVISION
from deit_spec.yaml_source.scalars import scalar_text

VERSION = 1
"""Of the JSON format; it grows when a key is removed or changes its meaning."""
DEFAULT = "deit_base_distilled_patch16_224"


def list_models(
    output: OutputOption = None,
    *,
    format_: Annotated[
        Literal["table", "json"], format_option("The format of the list.")
    ] = "table",
) -> None:
    """List the published models, whose names are valid as SPEC."""
    models = [_describe(name) for name in accuracies()]
    if format_ == "json":
        emit_json({"version": VERSION, "models": models}, output)
        return
    from deit_spec.cli.tables import print_table, table_of
    from deit_spec.cost import short

    sources = list(dict.fromkeys(model["source"] for model in models))
    head = ["name", "image", "tokens", "parameters", "MACs", "top-1 %"]
    rows = [
        [
            model["name"],
            str(model["image_size"]),
            str(model["tokens"]),
            f"{model['parameters']:,}",
            short(model["macs"]),
            f"{model['imagenet_top1']:.1f} [{sources.index(model['source']) + 1}]",
        ]
        for model in models
    ]
    notes = [f"[{number}] {source}" for number, source in enumerate(sources, 1)]
    about = "top-1: on the ImageNet-1k validation set, trained on ImageNet-1k only"
    print_table(table_of(head, rows), [about, *notes], output)


def _describe(name: str) -> dict[str, Any]:
    """The size, cost for one image and accuracy of a published model."""
    from deit_spec.cost import total
    from deit_spec.pipeline import finish

    graph, accuracy = finish(check_spec(name)), accuracies()[name]
    cost = total(graph)
    return {
        "name": name,
        "image_size": graph.shape("images")[2].known,
        "tokens": graph.shape("norm")[1].known,
        "parameters": cost.parameters,
        "macs": cost.macs,
        "imagenet_top1": accuracy.top1,
        "source": accuracy.source,
    }


def new(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="The name of the model; with --recipe, of the file.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        output_option("FILE", "Write to FILE instead of NAME.yaml, or to - (stdout)."),
    ] = None,
    *,
    source: Annotated[
        str | None,
        option(
            "--from",
            "The spec to copy values from; by default NAME if it is published, "
            f"else {DEFAULT}.",
            metavar="SPEC",
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        option(
            "--recipe",
            f"Write a recipe instead: {', '.join(recipe_names())}.",
            metavar="RECIPE",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite FILE if it exists.")
    ] = False,
) -> None:
    """Write a new spec, or a recipe for a published model."""
    if recipe is not None:
        if source is not None:
            fail("--from cannot be combined with --recipe")
        _write_recipe(recipe, name, output, force=force)
        return
    if name is None:
        fail("name the model to write a spec for, or write a recipe with --recipe")
    name = name.removesuffix(".yaml").removesuffix(".yml")
    from deit_spec.spec.field_names import SPEC

    if not SPEC.fits(("name",), name):
        fail(
            f"invalid name: `{name}`; a name consists of 1 to 60 letters, digits and "
            "`_.+-`, and cannot start with `.`, `+` or `-`"
        )
    path = Path(f"{name}.yaml") if output is None else output
    to_file = _require_free(path, force=force)
    source = source or (name if name in names() else DEFAULT)
    if source.startswith(REVISION):
        fail("--from cannot be a revision of git, because a spec cannot extend one")
    spec = read(source).spec
    assert spec is not None  # noqa: S101  -- it has no errors
    from deit_spec.spec.spec_json_schema import FILE

    folder = path.parent if to_file else Path()
    schema = FILE if (folder / FILE).is_file() else None
    extends = None if source == STDIO else _relative(source, folder)
    shown = "standard input" if source == STDIO else scalar_text(source)
    _write(starter(name, shown, spec, extends, schema=schema), path)


def _write_recipe(
    recipe: str, name: str | None, output: Path | None, *, force: bool
) -> None:
    """Write one of the recipes for published models."""
    if recipe not in recipe_names():
        from deit_spec.spec.nearest import closest_word

        meant = closest_word(recipe, recipe_names())
        known = f"the recipes are {', '.join(recipe_names())}"
        help_ = f"did you mean `{meant}`?" if meant else known
        fail(f"there is no recipe `{visible(recipe)}`; {help_}")
    stem = (name or recipe).removesuffix(".yaml").removesuffix(".yml")
    path = Path(f"{stem}.yaml") if output is None else output
    _require_free(path, force=force)
    _write(read_recipe(recipe), path)


def _require_free(path: Path, *, force: bool) -> bool:
    """Check that a file does not exist, and return whether the output is a file."""
    to_file = str(path) != STDIO
    # `lexists` is true for a symbolic link that leads nowhere, too.
    if to_file and os.path.lexists(path) and not force:
        fail(f"{path} already exists; use --force to overwrite it")
    return to_file


def _write(text: str, path: Path) -> None:
    emit(text, path)
    if str(path) != STDIO:
        typer.echo(f"wrote {visible(str(path))}", err=True)


def _relative(source: str, folder: Path) -> str:
    """The path of a spec as `extends` has it in a file of a folder."""
    if source in names() or Path(source).is_absolute():
        return source
    parent = os.path.realpath(Path(source).parent)
    found = os.path.relpath(Path(parent, Path(source).name), os.path.realpath(folder))
    return f"./{found}" if found in names() else found


def starter(
    name: str,
    source: str,
    spec: DeiTSpec,
    extends: str | None,
    *,
    schema: str | None = None,
) -> str:
    """Write a new spec with the values of `source`; paths are relative to it."""
    lines = [
        *([] if schema is None else [f"# yaml-language-server: $schema={schema}"]),
        f"# {name}, based on {source}.",
        "# Every field is listed; one that is left out has its default.",
        "",
        *_fields(spec.model_copy(update={"name": name}), extends),
    ]
    return "".join(f"{line}\n" for line in lines)


def _fields(spec: DeiTSpec, extends: str | None) -> Iterator[str]:
    first = ["name", "extends"]
    for field in [*first, *(f for f in DeiTSpec.model_fields if f not in first)]:
        if field == "extends" and extends is None:
            continue
        yield from _comment(DeiTSpec, field)
        if field == "extends":
            # A comment, as the values below override all that it names.
            yield f"# extends: {scalar_text(extends)}"
        elif field == "variant":
            yield "variant:"
            for option in Variant.model_fields:
                yield from _comment(Variant, option, "  ")
                yield f"  {option}: {scalar_text(getattr(spec.variant, option))}"
        else:
            yield f"{field}: {scalar_text(getattr(spec, field))}"


def _comment(
    model: type[DeiTSpec | Variant], field: str, indent: str = ""
) -> list[str]:
    """The description of a field, and its default if it has one."""
    info = model.model_fields[field]
    text = info.description or ""
    if field not in {"name", "extends", "variant"}:
        text += f" Default: {scalar_text(info.default)}."
    start = f"{indent}# "
    return wrap(text, 80, initial_indent=start, subsequent_indent=start)
