"""Prints tables: drawn on a terminal, as plain text in a pipe or a file."""

import sys
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from deit_spec.cli.output import can_encode, emit, is_file

_MAX_WIDTH = 1000


def table_of(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Make a table; its first column is aligned left and the others right."""
    table = Table(
        box=SIMPLE_HEAD if can_encode("─") else None,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
    )
    for index, title in enumerate(head):
        table.add_column(title, justify="right" if index else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def print_table(table: Table, below: Sequence[str], output: Path | None) -> None:
    """Print a table as wide as it needs to be, and lines below it."""
    if not is_file(output) and sys.stdout.isatty():
        _print(Console(highlight=False, emoji=False), table, below)
        return
    text = StringIO()
    console = Console(file=text, highlight=False, emoji=False, color_system=None)
    _print(console, table, below)
    lines = [line.rstrip() for line in text.getvalue().splitlines()]
    emit("".join(f"{line}\n" for line in lines), output)


def _print(console: Console, table: Table, below: Sequence[str]) -> None:
    options = console.options.update(max_width=_MAX_WIDTH)
    # A terminal wraps a wider table; rich would cut it.
    console.width = max(console.width, Measurement.get(console, options, table).maximum)
    console.print(table)
    console.print()
    for line in below:
        console.print(line, markup=False, soft_wrap=True)
