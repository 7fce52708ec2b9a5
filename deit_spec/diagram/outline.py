"""The layers as a tree, nested by path."""

from collections import defaultdict

from rich.text import Text
from rich.tree import Tree

from deit_spec.cost import Cost, short, total
from deit_spec.diagnostics.printable import visible
from deit_spec.diagram.boxes import shortened
from deit_spec.diagram.canvas import FAINT, NUMBER, PLAIN, SHAPE, TITLE, ascii_of
from deit_spec.diagram.graph_view import View, around
from deit_spec.graph import LayerGraph, Scope, runs


class _AsciiTree(Tree):
    """A tree with ASCII guides on every console."""

    TREE_GUIDES = [Tree.ASCII_GUIDES] * len(Tree.TREE_GUIDES)


def tree(graph: LayerGraph, *, expand: bool = False, ascii_only: bool = False) -> Tree:
    """Nest the layers by path, each with its output shape and its cost.

    `expand` shows equal blocks separately. The tree is for a rich console.
    """
    outline = _Outline(graph, expand=expand, ascii_only=ascii_only)
    cost = total(graph)
    words = f"{graph.target.value}  {cost.parameters:,} parameters"
    label = outline.label(graph.name, words, "", Cost(macs=cost.macs))
    root = (_AsciiTree if ascii_only else Tree)(label, guide_style=FAINT)
    outline.fill(root, outline.view.root)
    return root


class _Outline:
    def __init__(self, graph: LayerGraph, *, expand: bool, ascii_only: bool) -> None:
        self.view = View(graph, expand=expand, detail=False)
        self.ascii_only = ascii_only
        self.sums: dict[str, Cost] = defaultdict(Cost)
        for path, cost in self.view.costs.items():
            for scope in around(path):
                self.sums[scope] += cost

    def fill(self, parent: Tree, scope: Scope) -> None:
        """Add the contents of a scope."""
        view = self.view
        joined = scope.is_sequence and not view.expand
        cut = runs(scope.scopes) if joined else [[inner] for inner in scope.scopes]
        groups = {run[0].name: run for run in cut}
        for name, item in scope.items.items():
            if isinstance(item, str):
                words, shape = view.summary(item), view.shape(item)
                parent.add(self.label(name, words, shape, view.costs[item]))
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
        cost = sum((self.sums[scope.path] for scope in run), Cost())
        shape = self.view.shape(last.outputs[-1]) if last.outputs else ""
        branch = parent.add(self.label(name, "", shape, cost))
        with self.view.inside(tuple(run)):
            self.fill(branch, first)

    def label(self, name: str, words: str, shape: str, cost: Cost) -> Text:
        """Write a line of the tree."""
        parts = [(name, TITLE), (words, PLAIN), (shape, SHAPE)]
        if cost.parameters:
            parts.append((shortened(cost.parameters), NUMBER))
        if cost.macs:
            parts.append((f"{short(cost.macs)} MACs", NUMBER))
        text = Text()
        for part, style in parts:
            if part:
                shown = ascii_of(visible(part)) if self.ascii_only else visible(part)
                text.append("  " if text else "").append(shown, style)
        return text
