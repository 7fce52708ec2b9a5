"""The differences between two models as text: signs, aligned columns and a summary."""

import shutil
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len
from rich.text import Text

from deit_spec.compare import DEFAULT, Amount, FieldChange, ModelDifference
from deit_spec.cost import short, short_bytes
from deit_spec.diagnostics.printable import counted, visible
from deit_spec.yaml_source.scalars import value_text

if TYPE_CHECKING:
    from collections.abc import Iterable

UNBROKEN = 10_000
GAP = "  "
BELOW = "      "
STYLES = {"+": "green", "-": "red", "~": "yellow"}
EXACT = 1_000_000_000
"""Larger counts are rounded."""
COSTS = {
    "parameters": "parameters",
    "macs": "MACs",
    "forward_bytes": "forward",
    "peak_bytes": "peak",
    "training_bytes": "training",
}
"""What `deit-spec cost` calls each cost."""


class Row(NamedTuple):
    """A difference: its sign, what differs, how, and a remark."""

    sign: str
    name: str
    change: str
    remark: str = ""


class Section(NamedTuple):
    """Differences of one kind."""

    title: str
    rows: tuple[Row, ...]


def sections(found: ModelDifference) -> list[Section]:
    """List the kinds of differences that there are."""
    every = [
        Section("fields", tuple(map(_field, found.fields))),
        Section("cost", tuple(_costs(found.costs))),
    ]
    return [section for section in every if section.rows]


def summary(found: ModelDifference) -> str:
    """Sum the differences up in a line."""
    counts = [*_counts(found)]
    if found.is_same_function:
        counts.insert(0, "the same function" if counts else "no differences")
    return ", ".join(counts)


def layout(found: ModelDifference) -> Text:
    """Lay the differences out for the terminal; in a pipe, a difference a line."""
    is_terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if is_terminal else UNBROKEN
    text = Text(f"{_heading(found)}\n")
    for section in sections(found):
        text.append(f"\n{section.title}\n", "bold")
        for sign, line in lines(section.rows, width):
            text.append(f"{line}\n", STYLES.get(sign, ""))
    return text.append(f"\n{summary(found)}")


def lines(rows: Sequence[Row], width: int) -> Iterator[tuple[str, str]]:
    """Align names and changes; a remark that does not fit goes below its line."""
    names = max(cell_len(row.name) for row in rows)
    fitting = [cell_len(row.change) for row in rows if cell_len(row.change) < width]
    changes = max(fitting, default=0)
    for sign, name, change, remark in rows:
        start = f"  {sign} {_padded(name, names)}{GAP}"
        line = f"{start}{_padded(change, changes)}{GAP}{remark}".rstrip()
        if cell_len(line) <= width:
            yield sign, line
        else:
            yield sign, f"{start}{change}"
            yield "", f"{BELOW}{remark}"


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def _heading(found: ModelDifference) -> str:
    return visible(f"{found.a.reference} → {found.b.reference}")


def _counts(found: ModelDifference) -> "Iterable[str]":
    if found.fields:
        yield f"{counted(len(found.fields), 'field')} changed"
    for amount in found.costs:
        if amount.name in {"parameters", "macs"} and amount.difference:
            yield f"{COSTS[amount.name]} {_relative(amount)}"


def _field(change: FieldChange) -> Row:
    values = (visible(value_text(value)) for value in (change.a, change.b))
    both = change.origin_a, change.origin_b
    origins = [] if both == (DEFAULT, DEFAULT) else map(_origin, both)
    return Row("~", change.field, " → ".join(values), " → ".join(origins))


def _origin(origin: tuple[str, ...]) -> str:
    place, *links = origin
    through = "".join(f" through {link}" for link in links)
    return visible(f"{place}{through}")


def _costs(amounts: Sequence[Amount]) -> Iterator[Row]:
    for amount in amounts:
        if amount.difference:
            written = short_bytes if amount.is_bytes else _count
            change = f"{written(amount.a)} → {written(amount.b)}"
            sign = "+" if amount.difference > 0 else "-"
            more = f"{sign}{written(abs(amount.difference))}, {_relative(amount)}"
            yield Row("~", COSTS[amount.name], change, more)


def _count(number: int) -> str:
    return f"{number:,}" if number < EXACT else short(number)


def _relative(amount: Amount) -> str:
    return "new" if amount.percent is None else f"{amount.percent:+,.2f}%"
