"""`deit-spec cost`: parameters, operations and bytes, by stage or by layer."""

from typing import Annotated, Literal

from deit_spec import cost
from deit_spec.cli.compile import TargetOption
from deit_spec.cli.inputs import read
from deit_spec.cli.options import (
    DropUnreadOption,
    MergeTokensOption,
    OutputOption,
    SpecArgument,
    TableFormat,
    TapOption,
    UntilOption,
    format_option,
    option,
    pass_options,
)
from deit_spec.cli.output import emit, emit_json
from deit_spec.diagnostics.printable import counted
from deit_spec.graph import Target
from deit_spec.pipeline import finish

MAX_BATCH = 1_000_000_000
"""Beyond any use, and small enough for the largest unit of the table."""


def run(  # noqa: PLR0913  -- each is an option of the command
    spec: SpecArgument,
    output: OutputOption = None,
    *,
    by: Annotated[
        Literal["stage", "layer", "node"],
        option(
            "--by", "Print a row for each stage or for each layer (also called node)."
        ),
    ] = "stage",
    batch: Annotated[
        int,
        option(
            "--batch",
            "The number of images in a batch.",
            metavar="N",
            min=1,
            max=MAX_BATCH,
        ),
    ] = 1,
    dtype: Annotated[
        cost.Dtype, option("--dtype", "The data type of the model.")
    ] = cost.Dtype.FLOAT32,
    convention: Annotated[
        cost.Convention, option("--convention", "How operations are counted.")
    ] = cost.Convention.MATMUL,
    target: TargetOption = Target.TRAIN,
    drop_unread: DropUnreadOption = None,
    tap: TapOption = None,
    until: UntilOption = None,
    merge_tokens: MergeTokensOption = None,
    format_: Annotated[
        TableFormat, format_option("The format of the report.")
    ] = TableFormat.TABLE,
) -> None:
    """Count parameters, operations and bytes of activations."""
    checked = read(spec, merge_tokens)
    rows = cost.By.STAGE if by == "stage" else cost.By.NODE
    setting = cost.Setting(batch, dtype, convention, rows)
    target, options = pass_options(
        spec, target, drop_unread=drop_unread, tap=tap, until=until
    )
    found = cost.report(finish(checked, target, options), setting)
    if format_ is TableFormat.JSON:
        emit_json(cost.as_json(found), output)
    elif format_ is TableFormat.CSV:
        emit(cost.as_csv(found), output)
    else:
        from deit_spec.cli.tables import print_table, table_of

        training = ["training"] if target is Target.TRAIN else []
        head = [by, "parameters", convention.noun, "forward", *training]
        table = table_of(head, [_cells(row) for row in found.rows])
        table.add_section()
        table.add_row(*_cells(found.total))
        print_table(table, _summary(found), output)


def _cells(row: cost.Row) -> list[str]:
    training = row.training_bytes
    return [
        row.path,
        f"{row.parameters:,}",
        cost.short(row.count),
        cost.short_bytes(row.forward_bytes),
        *([] if training is None else [cost.short_bytes(training)]),
    ]


def _summary(found: cost.Report) -> list[str]:
    setting, graph = found.setting, found.graph
    convention = setting.convention
    peak = f"{cost.short_bytes(found.peak.bytes)} of activations"
    others = [
        f"{each.value} {cost.short(number)}"
        for each, number in found.counts.items()
        if each is not convention
    ]
    images = counted(setting.batch, "image")
    trains = found.total.training_bytes is not None
    return [
        f"{graph.name}, target {graph.target.value}, {images}, {setting.dtype.value}",
        f"parameters: {cost.short_bytes(found.parameter_bytes)}",
        f"peak: {peak}, at {found.peak.path}",
        f"by other conventions: {', '.join(others)}",
        "",
        f"{convention.noun} ({convention.value}): {convention.meaning}",
        "forward: outputs of the layers",
        *(["training: what autograd keeps for the backward pass"] if trains else []),
    ]
