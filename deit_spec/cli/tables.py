"""Prints tables: drawn on a terminal, as plain text in a pipe or a file."""

import sys
from collections.abc import Collection, Sequence
from io import StringIO
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from deit_spec.cli.output import can_encode, emit, is_file, make_console

_MAX_WIDTH = 1000


def table_of(
    head: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[str] = ()
) -> Table:
    """Make a table; its first column and those of `left` are aligned left."""
    table = Table(
        box=SIMPLE_HEAD if can_encode("─") else None,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
    )
    for title in head:
        is_left = title in {head[0], *left}
        table.add_column(title, justify="left" if is_left else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def print_table(
    table: Table, below: Sequence[str], output: Path | None, more: Sequence[Table] = ()
) -> None:
    """Print a table as wide as it needs to be, `more` tables, and lines below them."""
    tables = (table, *more)
    if terminal_width(output) is not None:
        _print(make_console(), tables, below)
        return
    text = StringIO()
    _print(make_console(file=text, color=False), tables, below)
    lines = [line.rstrip() for line in text.getvalue().splitlines()]
    emit("".join(f"{line}\n" for line in lines), output)


def terminal_width(output: Path | None) -> int | None:
    """The number of columns if `-o` is a terminal, or else None."""
    if is_file(output) or not sys.stdout.isatty():
        return None
    return make_console().width


def width_of(table: Table) -> int:
    """The number of columns that a table needs."""
    console = make_console()
    options = console.options.update(max_width=_MAX_WIDTH)
    return Measurement.get(console, options, table).maximum


def _print(console: Console, tables: Sequence[Table], below: Sequence[str]) -> None:
    # A terminal wraps a wider table; rich would cut it.
    console.width = max(console.width, *map(width_of, tables))
    for table in tables:
        console.print(table, soft_wrap=False)
        console.print()
    for line in below:
        console.print(line)
