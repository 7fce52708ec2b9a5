"""The figure's lines with the columns of numbers at the right edge."""

from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from deit_spec.cost import Cost, short
from deit_spec.diagram.canvas import FAINT, TITLE, Canvas
from deit_spec.diagram.rows import counted

HEADS = ("parameters", "MACs")
_GAP = 2
_SHORT = len("999.99 M")


@dataclass(frozen=True)
class Columns:
    """The columns' widths, within the width of the page.

    Parameters are exact where all of them can be, else all of them are short.
    """

    page: int
    parameters: int
    macs: int
    exact: bool

    @classmethod
    def of(cls, page: int, total: Cost) -> "Columns":
        """Columns in which everything up to a total has room."""
        widest = counted(total.parameters)
        parameters = max(len(HEADS[0]), len(widest))
        macs = max(_SHORT, len(short(total.macs)))
        return cls(page, parameters, macs, exact=widest == f"{total.parameters:,}")

    @property
    def figure(self) -> int:
        """The width that is left for the figure."""
        return self.page - self.parameters - self.macs - 2 * _GAP

    def place(self, line: Text, parameters: str, macs: str, style: str) -> Text:
        """Write numbers to the right of a line."""
        pad = self.figure - cell_len(line.plain)
        gap = " " * _GAP
        numbers = f"{parameters:>{self.parameters}}{gap}{macs:>{self.macs}}"
        line.append(" " * (pad + _GAP))
        line.append(numbers.rstrip(), style)
        return line

    def charge(self, line: Text, cost: Cost, style: str) -> Text:
        """Write a cost to the right of a line; what is nothing stays blank."""
        write = counted if self.exact else short
        parameters = write(cost.parameters) if cost.parameters else ""
        return self.place(
            line, parameters, short(cost.macs) if cost.macs else "", style
        )

    def rule(self) -> Text:
        """A line across the page."""
        return Text("─" * self.page, FAINT)

    def heading(self, line: Text) -> Text:
        """Name the columns."""
        return self.place(line, *HEADS, TITLE)

    def lines(self, canvas: Canvas) -> list[Text]:
        """Every row of a canvas with what it costs."""
        found = []
        for y in range(canvas.height):
            line = Text()
            for text, style in _joined(canvas, y):
                line.append(text, style)
            if y in canvas.costs:
                line = self.charge(line, *canvas.costs[y])
            found.append(line)
        return found


def _joined(canvas: Canvas, y: int) -> list[tuple[str, str]]:
    """The cells of a row, those of one style together."""
    found: list[tuple[str, str]] = []
    for text, style in canvas.row(y):
        if found and found[-1][1] == style:
            found[-1] = (found[-1][0] + text, style)
        else:
            found.append((text, style))
    return found
