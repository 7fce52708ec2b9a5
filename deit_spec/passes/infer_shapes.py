"""Give every layer and edge its shape, or say of each failure where it is from."""

from deit_spec.diagnostics import Diagnostic, Label, Source, Span, diagnose
from deit_spec.graph import LayerGraph, Stage
from deit_spec.ops import ShapeError, show


class ShapeInferenceError(Exception):
    """Some layers cannot take the shapes that reach them."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        super().__init__("\n".join(d.message for d in diagnostics))
        self.diagnostics = tuple(diagnostics)


def infer_shapes(graph: LayerGraph) -> LayerGraph:
    """Type the graph in the order in which it runs.

    What depends on a failed layer is passed over, so each failure is told once.

    Raises:
        ShapeInferenceError: With a finding for each layer that does not fit.
    """
    findings: list[Diagnostic] = []
    failed: set[str] = set()
    for path in graph.order():
        sources = graph.inputs(path)
        if failed and failed.intersection(sources):
            failed.add(path)
            continue
        shapes = tuple(graph.shape(source) for source in sources)
        try:
            graph.set_shape(path, graph.op(path).infer(*shapes))
        except ShapeError as error:
            failed.add(path)
            findings.append(_finding(graph, path, error))
    if findings:
        raise ShapeInferenceError(findings)
    graph.stage = Stage.TYPED
    return graph


def _finding(graph: LayerGraph, path: str, error: ShapeError) -> Diagnostic:
    span = graph.span(path) or Span(Source(f"<{graph.name}>", ""), 1, 1, 1, 1)
    reaching = [
        f"{source} gives {show(graph.shape(source))}" for source in graph.inputs(path)
    ]
    return diagnose(
        "DS301",
        f"{path} {error}",
        Label(span, f"{path} comes from here"),
        notes=reaching,
    )
