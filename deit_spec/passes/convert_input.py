"""Take images in another form: as bytes, or with the channels last."""

from dataclasses import replace

from deit_spec.graph import LayerGraph
from deit_spec.ops import ChannelsFirst, Images, Op, PixelsToFloat
from deit_spec.passes.infer_shapes import infer_shapes


def convert_input(
    graph: LayerGraph, *, pixels: bool, channels_last: bool
) -> LayerGraph:
    """Change the input, and convert it to the images that the layers take.

    Bytes keep their values, so the weights have to include the normalisation.
    """
    ((images, op),) = ((p, op) for p, op in graph.ops() if isinstance(op, Images))
    readers, order = graph.readers(images), graph.order()
    graph.replace(images, replace(op, pixels=pixels, channels_last=channels_last))
    steps: list[tuple[str, Op]] = []
    if channels_last:
        steps.append(("channels_first", ChannelsFirst()))
    if pixels:
        steps.append(("pixels", PixelsToFloat()))
    source = images
    for path, step in steps:
        source = graph.add(path, step, [source], graph.span(images))
    for reader in readers:
        inputs = [source if p == images else p for p in graph.inputs(reader)]
        graph.replace(reader, graph.op(reader), inputs)
    first = [images, *(path for path, _ in steps)]
    graph.reorder([*first, *(path for path in order if path != images)])
    return infer_shapes(graph)
