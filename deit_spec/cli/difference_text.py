"""The differences between two models as text: signs, aligned columns and a summary."""

import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len
from rich.text import Text

from deit_spec.compare import (
    DEFAULT,
    Amount,
    Change,
    FieldChange,
    GraphDifference,
    ModelDifference,
    block_of,
    changes_of,
    fold,
    fold_changes,
    value_range,
)
from deit_spec.cost import short, short_bytes
from deit_spec.diagnostics.printable import counted, visible
from deit_spec.yaml_source.scalars import value_text

if TYPE_CHECKING:
    from deit_spec.compare.weights_difference import WeightsDifference

UNBROKEN = 10_000
GAP = "  "
BELOW = "      "
STYLES = {"+": "green", "-": "red", "~": "yellow", "!": "bold red"}
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
        Section("graph", tuple(_graph(found.graph))),
        Section("cost", tuple(_costs(found.costs))),
        Section("weights", tuple(_weights(found))),
    ]
    return [section for section in every if section.rows]


def summary(found: ModelDifference) -> str:
    """Summarize the differences in a line, and the weights in another."""
    if found.is_empty:
        return "no differences"
    same = ["the same function"] if found.graph.is_empty else []
    return f"{', '.join((*same, *_counts(found)))}\nweights: {_fates(found.weights)}"


def layout(found: ModelDifference, *, to_file: bool = False) -> Text:
    """Lay out the differences for the terminal; elsewhere, one per line."""
    width = UNBROKEN
    if not to_file and sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
    text = Text(f"{_heading(found)}\n")
    for section in sections(found):
        text.append(f"\n{section.title}\n", "bold")
        for sign, line in lines(section.rows, width):
            text.append(f"{line}\n", STYLES.get(sign, ""))
    for line in summary(found).splitlines():
        text.append("".join(f"\n{part}" for part in wrap(line, width)))
    return text


def markdown(found: ModelDifference) -> str:
    """Write the differences as a comment on a pull request."""
    text = [f"### {_escaped(_heading(found))}", "", *summary(found).splitlines()]
    for title, rows in sections(found):
        text += ["", f"| | {title} | | |", "|---|---|---|---|"]
        for sign, *cells in rows:
            text.append(f"| `{sign}` | {' | '.join(map(_escaped, cells))} |")
    return "".join(f"{line}\n" for line in text)


def _escaped(text: str) -> str:
    return re.sub(r"([|`*<\\\[])", r"\\\1", text)


def lines(rows: Sequence[Row], width: int) -> Iterator[tuple[str, str]]:
    """Align names and changes; a remark that does not fit goes below its line."""
    names = max(cell_len(row.name) for row in rows)
    changes = max(cell_len(row.change) for row in rows)
    for sign, name, change, remark in rows:
        start = f"  {sign} {_padded(name, names)}{GAP}"
        aligned = f"{start}{_padded(change, changes)}{GAP}{remark}".rstrip()
        closer = f"{start}{change}{GAP}{remark}"
        if fitting := [line for line in (aligned, closer) if cell_len(line) <= width]:
            yield sign, fitting[0]
            continue
        below = [f"{start}{change}"]
        if cell_len(below[0]) > width:
            below = [f"  {sign} {name}", *_wrapped(change, width)]
        for part in (*below, *_wrapped(remark, width)):
            yield sign, part


def _wrapped(text: str, width: int) -> list[str]:
    return wrap(
        text,
        width,
        initial_indent=BELOW,
        subsequent_indent=BELOW,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def _heading(found: ModelDifference) -> str:
    return visible(f"{found.a.reference} → {found.b.reference}")


def _counts(found: ModelDifference) -> Iterator[str]:
    if found.fields:
        yield f"{counted(len(found.fields), 'field')} changed"
    for kind, number in found.graph.counts.items():
        if number:
            yield f"{counted(number, 'layer')} {kind}"
    for amount in found.costs:
        if amount.name in {"parameters", "macs"} and amount.difference:
            yield f"{COSTS[amount.name]} {_relative(amount)}"


def _fates(found: "WeightsDifference") -> str:
    """Summarize what becomes of the weights."""
    if found.errors:
        return "a checkpoint of the first does not fit the second"
    if found.plan is not None:
        counts = found.plan.counts().items()
        return ", ".join(f"{number:,} {fate}" for fate, number in counts)
    equal = sum(tensor.is_equal for tensor in found.tensors)
    others = {
        "changed": len(found.tensors) - equal,
        "only in the first": len(found.only_a),
        "only in the second": len(found.only_b),
    }
    more = [f", {number:,} {word}" for word, number in others.items() if number]
    return f"{equal:,} equal{''.join(more)}"


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


SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def _graph(found: GraphDifference) -> Iterator[Row]:
    """A row for each changed layer of equal blocks, then one for each changed size."""
    nodes = [node for node in found.nodes if not node.is_resized]
    for path, alike in fold_changes(nodes):
        node = alike[0]
        is_changed = node.kind == "changed"
        text = "; ".join(changes_of(alike)) if is_changed else node.a or node.b
        if len(alike) > 1 and node.layers > 1:
            text = text.replace("block of", "blocks of", 1)
        yield Row(SIGNS[node.kind], path, text)
    for change in found.results:
        yield Row("~", change.name, f"{change.a} → {change.b}")
    resized: dict[tuple[Change, ...], list[str]] = {}
    for node in found.nodes:
        if node.is_resized:
            resized.setdefault(node.sizes, []).append(node.path)
    for sizes, paths in resized.items():
        yield Row("~", ", ".join(map(str, sizes)), ", ".join(_places(paths)))


FATES = {"created": "+", "re-initialised": "+", "missing": "+"}
"""The signs of tensors that no tensor of a checkpoint becomes."""


def _weights(found: ModelDifference) -> Iterator[Row]:
    """What becomes of the tensors of a checkpoint; nothing for equal models."""
    plan = found.weights.plan
    if found.is_empty:
        return
    if plan is None:
        yield from _tensors(found.weights)
        return
    for error in found.weights.errors:
        yield Row("!", error.code, error.message)
    taken = [step for step in plan.steps if step.kind.value == "taken"]
    if taken:
        yield Row("=", counted(len(taken), "tensor"), "taken")
    fates = [
        *((step.name, (step.kind.value, step.reason)) for step in plan.steps),
        *((name, ("missing", "")) for name in plan.missing),
    ]
    for path, indices in fold(fates):
        fate, reason = fates[indices[0]][1]
        if fate != "taken":
            yield Row(FATES.get(fate, "~"), path, fate, reason)
    lost = [
        *((each.name, ("dropped", each.reason)) for each in plan.dropped),
        *((name, ("left over", "")) for name in plan.left_over),
    ]
    for path, indices in fold(lost):
        yield Row("-", path, *lost[indices[0]][1])


def _tensors(found: "WeightsDifference") -> Iterator[Row]:
    """The tensors of two checkpoints: equal ones are counted, others have numbers."""
    equal = [tensor.name for tensor in found.tensors if tensor.is_equal]
    if equal:
        places = ", ".join(_places(equal))
        yield Row("=", counted(len(equal), "tensor"), "equal", places)
    others = [tensor for tensor in found.tensors if not tensor.is_equal]
    for path, indices in fold([(tensor.name, tensor.shape) for tensor in others]):
        alike = [others[index] for index in indices]
        numbers = ([each.relative for each in alike], [each.cosine for each in alike])
        relative, cosine = (_known_range(values) for values in numbers)
        yield Row("~", path, f"relative {relative}", f"cosine {cosine}")
    for sign, names in (("-", found.only_a), ("+", found.only_b)):
        yield from (Row(sign, path, "") for path, _ in fold([(n, "") for n in names]))


def _known_range(values: Sequence[float | None]) -> str:
    known = [float(f"{value:.4g}") for value in values if value is not None]
    return value_range(known) if len(known) == len(values) else "undefined"


def _places(paths: Sequence[str]) -> Iterator[str]:
    """Name layers outside of blocks, and count those in each block."""
    blocks = Counter(filter(None, map(block_of, paths)))
    units = list(dict.fromkeys(block_of(path) or path for path in paths))
    for unit, indices in fold([(unit, blocks[unit]) for unit in units]):
        number = blocks[units[indices[0]]]
        each = f" ({number} each)" if len(indices) > 1 else f" ({number})"
        yield f"{unit}{each}" if number else unit


def _count(number: int) -> str:
    return f"{number:,}" if number < EXACT else short(number)


def _relative(amount: Amount) -> str:
    return "new" if amount.percent is None else f"{amount.percent:+,.2f}%"
