"""The layers as a tree, nested by path."""

from collections import defaultdict

from rich.text import Text
from rich.tree import Tree

from deit_spec.cost import Cost, total
from deit_spec.diagnostics.printable import visible
from deit_spec.diagram.boxes import shortened
from deit_spec.diagram.canvas import (
    FAINT,
    NUMBER,
    PLAIN,
    SHAPE,
    ascii_of,
    mark_style,
    title_style,
)
from deit_spec.diagram.cost_range import CostRange, exactly, range_of
from deit_spec.diagram.graph_view import View, around
from deit_spec.diagram.marks import LEGEND, Mark, Marks, titled
from deit_spec.diagram.zero_rates import layers_of
from deit_spec.graph import LayerGraph, Scope


class _AsciiTree(Tree):
    """A tree with ASCII guides on every console."""

    TREE_GUIDES = [Tree.ASCII_GUIDES] * len(Tree.TREE_GUIDES)


def tree(
    graph: LayerGraph,
    *,
    expand: bool = False,
    ascii_only: bool = False,
    marks: Marks | None = None,
) -> Tree:
    """Nest the layers by path, each with its output shape and its cost.

    `expand` shows equal blocks separately. `marks` are shown as signs and in colour.
    The tree is for a rich console.
    """
    outline = _Outline(graph, expand=expand, ascii_only=ascii_only, marks=marks)
    words = [graph.target.value]
    if marks is None:
        cost = total(graph)
        words.append(f"{cost.parameters:,} parameters")
        cost = Cost(macs=cost.macs)
    else:
        words += [marks.parameters(), marks.macs(), LEGEND]
        cost = Cost()
    label = outline.label(graph.name, "  ".join(words), "", exactly(cost))
    root = (_AsciiTree if ascii_only else Tree)(label, guide_style=FAINT)
    outline.fill(root, outline.view.root)
    return root


class _Outline:
    def __init__(
        self, graph: LayerGraph, *, expand: bool, ascii_only: bool, marks: Marks | None
    ) -> None:
        self.view = View(graph, expand=expand, detail=False, marks=marks)
        self.ascii_only = ascii_only
        self.sums: dict[str, Cost] = defaultdict(Cost)
        for path, cost in self.view.costs.items():
            for scope in around(path):
                self.sums[scope] += cost

    def fill(self, parent: Tree, scope: Scope) -> None:
        """Add the contents of a scope."""
        view = self.view
        joined = scope.is_sequence and not view.expand
        alone = ([inner] for inner in scope.scopes)
        cut = view.runs(scope.scopes) if joined else alone
        groups = {run[0].name: run for run in cut}
        for name, item in scope.items.items():
            if isinstance(item, str):
                words, shape = view.summary(item), view.shape(item)
                cost, mark = view.cost(item), view.mark([item])
                parent.add(self.label(name, words, shape, cost, mark))
            elif name in groups:
                self.scopes(parent, groups[name])

    def scopes(self, parent: Tree, run: list[Scope]) -> None:
        """Add a scope, or one entry for equal scopes."""
        first, last = run[0], run[-1]
        name = first.name
        if first.path.rpartition(".")[0] and name.isdigit():
            name = first.path
        if len(run) > 1:
            name = f"{first.path} … {last.path} ×{len(run)}"
        twins = self.view.twins(first.path)
        cost = range_of([self.sums[twin] for twin in twins])
        if len(run) > 1:
            cost = exactly(sum((self.sums[scope.path] for scope in run), Cost()))
        shape = ""
        if last.outputs:
            shape = self.view.shape(last.outputs[self.view.main_output(last)])
        mark = self.view.mark(path for scope in run for path in layers_of(scope))
        mark = mark and Mark(mark.fate)  # the layers have the changes
        branch = parent.add(self.label(name, "", shape, cost, mark))
        with self.view.inside(tuple(run)):
            self.fill(branch, first)

    def label(
        self,
        name: str,
        words: str,
        shape: str,
        cost: CostRange,
        mark: Mark | None = None,
    ) -> Text:
        """Write a line of the tree."""
        parts = [(titled(name, mark), title_style(mark)), (words, PLAIN)]
        if mark is not None:
            parts.append((", ".join(mark.changes), mark_style(mark)))
        parts.append((shape, SHAPE))
        if cost.parameters:
            parts.append((shortened(cost.parameters), NUMBER))
        if cost.macs:
            parts.append((f"{cost.macs} MACs", NUMBER))
        text = Text()
        for part, style in parts:
            if part:
                shown = ascii_of(visible(part)) if self.ascii_only else visible(part)
                text.append("  " if text else "").append(shown, style)
        return text
