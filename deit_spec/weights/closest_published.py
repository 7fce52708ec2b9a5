"""The published models, by what their tensor shapes show."""

from functools import cache
from operator import attrgetter

from deit_spec import published
from deit_spec.lowering import lower
from deit_spec.spec import DeiTSpec, check_spec
from deit_spec.weights.shape_info import GraphParameters, ShapeInfo


@cache
def published_models() -> tuple[tuple[DeiTSpec, ShapeInfo], ...]:
    """Every published model, in the order of `deit-spec list`."""
    specs = (check_spec(name).spec for name in published.names())
    return tuple(
        (spec, GraphParameters(lower(spec)).info) for spec in specs if spec is not None
    )


def closest_published(info: ShapeInfo) -> DeiTSpec | None:
    """A published model of the same shapes, or else of the same size."""
    size = attrgetter("embed_dim", "depth", "mlp_dim")
    found = [pair for pair in published_models() if size(pair[1]) == size(info)]
    found.sort(key=lambda pair: pair[1] != info)
    return found[0][0] if found else None
