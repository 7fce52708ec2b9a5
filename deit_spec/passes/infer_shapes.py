"""Infer the shape of every layer and edge, and report errors with their location."""

from collections.abc import Mapping

from deit_spec.diagnostics import DiagnosedError, Diagnostic, Label, Span, diagnose
from deit_spec.graph import LayerGraph, Stage
from deit_spec.ops import Shape, ShapeError, show


class ShapeInferenceError(DiagnosedError):
    """The input shapes of some layers are invalid."""


def infer_shapes(graph: LayerGraph) -> LayerGraph:
    """Infer all shapes in the order of execution.

    Layers that depend on a failed layer are skipped, so each failure is reported once.

    Raises:
        ShapeInferenceError: With a diagnostic for each invalid layer.
    """
    findings: list[Diagnostic] = []
    shapes: dict[str, Shape] = {}
    # Blocks share their ops and shapes, so most steps are found by identity.
    known: dict[tuple[int, ...], Shape] = {}
    wiring, ops = graph.wiring(), dict(graph.ops())
    for path in graph.order():
        op, sources = ops[path], wiring[path]
        reaching = [shapes[source] for source in sources if source in shapes]
        if len(reaching) < len(sources):
            continue
        step = (id(op), *map(id, reaching))
        try:
            shape = known.get(step) or op.infer(*reaching)
        except ShapeError as error:
            findings.append(
                _finding(graph, path, error, dict(zip(sources, reaching, strict=True)))
            )
            continue
        shapes[path] = known[step] = shape
    if findings:
        raise ShapeInferenceError(findings)
    graph.set_shapes(shapes)
    graph.stage = Stage.TYPED
    return graph


def _finding(
    graph: LayerGraph, path: str, error: ShapeError, shapes: Mapping[str, Shape]
) -> Diagnostic:
    span = graph.span(path) or Span.of_file(f"<{graph.name}>")
    reaching = [f"{source} returns {show(shape)}" for source, shape in shapes.items()]
    return diagnose(
        "DS301",
        f"{path} {error}",
        Label(span, f"{path} comes from here"),
        notes=reaching,
    )
