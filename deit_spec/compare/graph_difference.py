"""The differences between two graphs after the passes."""

import hashlib

from deit_spec.graph import LayerGraph


def digest_of(graph: LayerGraph) -> str:
    """A hash of what a graph computes, whatever its spec looks like."""
    layers = [
        (path, graph.op(path), graph.inputs(path), graph.shape(path))
        for path in sorted(graph.network)
    ]
    returned = sorted(graph.outputs.items()), sorted(graph.taps.items())
    content = repr((graph.target, layers, returned, graph.predict))
    return hashlib.sha256(content.encode()).hexdigest()[:12]
