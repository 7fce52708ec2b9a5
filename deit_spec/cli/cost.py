"""`deit-spec cost`: parameters, operations and bytes, by stage or by layer."""

import json
from typing import Annotated

import typer

from deit_spec.cli.arguments import OutputOption, SpecArgument, TableForm
from deit_spec.cli.output import emit, read
from deit_spec.cli.target import TargetOption
from deit_spec.cost import (
    By,
    Convention,
    Dtype,
    Report,
    Row,
    Setting,
    as_csv,
    as_json,
    report,
    short,
    short_bytes,
)
from deit_spec.graph import Target
from deit_spec.pipeline import finish

MOST_IMAGES = 1_000_000_000
"""At once: above any batch, and no figure passes the largest unit."""


def run(  # noqa: PLR0913  -- each is an option of the command
    spec: SpecArgument,
    output: OutputOption = None,
    *,
    by: Annotated[By, typer.Option("--by", help="What a row is.")] = By.STAGE,
    batch: Annotated[
        int, typer.Option("--batch", min=1, max=MOST_IMAGES, help="Images at once.")
    ] = 1,
    dtype: Annotated[
        Dtype, typer.Option("--dtype", help="The numbers of the model.")
    ] = Dtype.FLOAT32,
    convention: Annotated[
        Convention, typer.Option("--convention", help="What is counted.")
    ] = Convention.MATMUL,
    target: TargetOption = Target.TRAIN,
    form: Annotated[
        TableForm, typer.Option("--output-format", help="The form of the report.")
    ] = TableForm.TABLE,
) -> None:
    """Count parameters, operations and bytes of activations."""
    checked = read(spec)
    if checked.spec is None:
        raise typer.Exit(1)
    setting = Setting(batch, dtype, convention, by)
    found = report(finish(checked, target), setting)
    if form is TableForm.JSON:
        emit(json.dumps(as_json(found), indent=2) + "\n", output)
    elif form is TableForm.CSV:
        emit(as_csv(found), output)
    else:
        from deit_spec.cli.tables import print_table, table_of

        trained = ["training"] if target is Target.TRAIN else []
        head = [by.value, "parameters", convention.noun, "forward", *trained]
        table = table_of(head, [_cells(row) for row in found.rows])
        table.add_section()
        table.add_row(*_cells(found.total))
        print_table(table, _summary(found), output)


def _cells(row: Row) -> list[str]:
    kept = row.training_bytes
    return [
        row.path,
        f"{row.parameters:,}",
        short(row.count),
        short_bytes(row.forward_bytes),
        *([] if kept is None else [short_bytes(kept)]),
    ]


def _summary(found: Report) -> list[str]:
    setting, graph = found.setting, found.graph
    convention = setting.convention
    others = [
        f"{each.value} {short(number)}"
        for each, number in found.counts.items()
        if each is not convention
    ]
    images = "1 image" if setting.batch == 1 else f"{setting.batch:,} images"
    kept = found.total.training_bytes is not None
    return [
        f"{graph.name}, target {graph.target.value}, {images}, {setting.dtype.value}",
        f"parameters: {short_bytes(found.parameter_bytes)}",
        f"peak: {short_bytes(found.peak.bytes)} alive at once, at {found.peak.path}",
        f"by other conventions: {', '.join(others)}",
        "",
        f"{convention.noun} ({convention.value}): {convention.meaning}",
        "forward: what the layers write",
        *(["training: what autograd keeps for the backward pass"] if kept else []),
    ]
