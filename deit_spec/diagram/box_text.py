"""The text of the boxes of a vector figure, measured and wrapped."""

from dataclasses import dataclass, replace

from deit_spec.diagram.boxes import shortened
from deit_spec.diagram.cost_range import CostRange, exactly
from deit_spec.diagram.graph_view import condense, ends, range_of_shapes, spread
from deit_spec.diagram.groups import Group, Groups
from deit_spec.diagram.text_width import text_width

SIZE = 11.0
SMALL = 9.5
PAD = 6.0
LINE = 13.0
GAP = 8.0


@dataclass(frozen=True)
class Text:
    """A text with its style: `name`, `words`, `shape` or `note`.

    `x` is the left end, or the middle or right end by `anchor`; `y` is the baseline.
    A text that is anchored `after` another continues its line.
    """

    text: str
    style: str
    x: float = 0.0
    y: float = 0.0
    anchor: str = "start"

    @property
    def size(self) -> float:
        """The size of the font."""
        return SMALL if self.style in {"shape", "note"} else SIZE

    @property
    def width(self) -> float:
        """The width in the widest font."""
        bold, mono = self.style == "name", self.style == "shape"
        return text_width(self.text, self.size, bold=bold, mono=mono)

    def at(self, x: float, y: float, anchor: str = "start") -> "Text":
        """Return the text at a place."""
        return replace(self, x=x, y=y, anchor=anchor)


@dataclass(frozen=True)
class Content:
    """What a box says: its name, a summary, the shape of its value, and notes."""

    name: Text
    words: Text
    shape: Text
    notes: tuple[Text, ...] = ()

    @property
    def least(self) -> float:
        """The smallest width of a box that holds the text."""
        long = [Text(word, "words").width for word in self.words.text.split(" ")]
        notes = [
            Text(word, "note").width for n in self.notes for word in n.text.split(" ")
        ]
        shape = max(line.width for line in _halves(self.shape))
        return max(self.name.width, shape, *long, *notes) + 2 * PAD

    def lay(self, width: float) -> tuple[list[Text], float]:
        """Place the texts in a box of a width; return them and its height."""
        room, y = width - 2 * PAD, LINE
        placed = [self.name.at(PAD, y)]
        end = self.name.width
        if end + GAP + self.words.width <= room:
            placed.append(self.words.at(PAD + end + GAP, y, "after"))
            end += GAP + self.words.width
        else:
            for line in _wrap(self.words, room):
                y += LINE
                placed.append(line.at(PAD, y))
                end = line.width
        if self.shape.text:
            lines = [self.shape]
            if end + GAP + self.shape.width > room:
                lines = lines if self.shape.width <= room else _halves(self.shape)
                y += LINE
            placed += [
                line.at(width - PAD, y + LINE * place, "end")
                for place, line in enumerate(lines)
            ]
            y += LINE * (len(lines) - 1)
        for note in self.notes:
            for line in _wrap(note, room):
                y += LINE
                placed.append(line.at(PAD, y))
        return [text for text in placed if text.text], y + PAD


def _wrap(text: Text, room: float) -> list[Text]:
    lines: list[Text] = []
    for word in text.text.split(" "):
        longer = replace(text, text=f"{lines[-1].text} {word}") if lines else text
        if lines and longer.width <= room:
            lines[-1] = longer
        else:
            lines.append(replace(text, text=word))
    return lines


def _halves(shape: Text) -> list[Text]:
    """Break a shape into two lines of similar widths, if it has several sizes."""
    sizes = shape.text.split(" ")
    cuts = [
        [replace(shape, text=" ".join(part)) for part in (sizes[:k], sizes[k:])]
        for k in range(1, len(sizes))
    ]
    return min(cuts, key=lambda cut: max(t.width for t in cut), default=[shape])


def content_of(group: Group, groups: Groups, notes: list[str]) -> Content:
    """Return the text of a layer, or of a stage as a single node, with its changes."""
    view, item = groups.view, group.item
    if item.scopes:
        words = priced(exactly(view.whole(item.scopes)))
    else:
        words = summary_of(group, groups)
    mark = groups.mark(group)
    if mark is not None and mark.changes:
        notes = [", ".join(mark.changes), *notes]
    return Content(
        Text(item.title, "name"),
        Text(words, "words"),
        Text(shape_of(group, groups), "shape"),
        tuple(Text(note, "note") for note in notes),
    )


def summary_of(group: Group, groups: Groups) -> str:
    """Summarize a layer, with both ends of the values that differ in equal blocks."""
    ops = map(groups.view.graph.op, groups.members[group.path])
    return spread(ends(op.summary for op in ops), " … ")


def shape_of(group: Group, groups: Groups) -> str:
    """Format a shape, with both ends of the sizes that differ in equal blocks."""
    value = group.item.value
    paths = groups.members.get(value, [value])
    return range_of_shapes(map(groups.view.graph.shape, paths))


def priced(cost: CostRange) -> str:
    """Write the parameters and the MACs, if there are any."""
    parts = []
    if cost.parameters:
        parts.append(f"{shortened(cost.parameters)} parameters")
    if cost.macs:
        parts.append(f"{cost.macs} MACs")
    return " · ".join(parts)


def output_names(path: str, groups: Groups) -> list[str]:
    """Return the names of the outputs of a node, ranges of blocks as one."""
    return condense(groups.names(path))
