"""Tables in a terminal, and the same without colour in a pipe or a file."""

import sys
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from deit_spec.cli.output import STDIN, emit

_WIDEST = 1000


def table_of(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Lay rows out, the first column to the left and the others to the right."""
    table = Table(
        box=SIMPLE_HEAD if _draws_lines() else None,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
    )
    for place, title in enumerate(head):
        table.add_column(title, justify="right" if place else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def print_table(table: Table, below: Sequence[str], output: Path | None) -> None:
    """Print a table and the lines below it, as wide as it needs to be."""
    to_file = output is not None and str(output) != STDIN
    if not to_file and sys.stdout.isatty():
        _print(Console(highlight=False, emoji=False), table, below)
        return
    text = StringIO()
    _print(
        Console(file=text, highlight=False, emoji=False, color_system=None),
        table,
        below,
    )
    lines = [line.rstrip() for line in text.getvalue().splitlines()]
    emit("".join(f"{line}\n" for line in lines), output)


def _print(console: Console, table: Table, below: Sequence[str]) -> None:
    options = console.options.update(max_width=_WIDEST)
    # A table that is wider than the terminal is wrapped there, and never cut.
    console.width = max(console.width, Measurement.get(console, options, table).maximum)
    console.print(table)
    console.print()
    for line in below:
        console.print(line, markup=False, soft_wrap=True)


def _draws_lines() -> bool:
    try:
        "─".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
