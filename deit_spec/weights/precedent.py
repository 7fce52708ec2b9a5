"""The published models that a checkpoint's shapes may be of."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cache

from deit_spec import published
from deit_spec.spec import DeiTSpec, check_spec
from deit_spec.weights.shape_info import STRUCTURE, Facts

_LIKENESS = {
    "all shapes are those": tuple(field.name for field in fields(Facts)),
    "the blocks and the tables are those": STRUCTURE,
    "width, depth and MLP are those": ("embed_dim", "depth", "mlp_dim"),
}
"""How alike two models may be, the closest first, and the facts that then agree."""


@dataclass(frozen=True)
class Precedent:
    """Published models that are alike: what no shape shows is taken from the first."""

    likeness: str
    specs: tuple[DeiTSpec, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The published names."""
        return tuple(spec.name for spec in self.specs)

    @property
    def is_exact(self) -> bool:
        """Whether every shape agrees."""
        return self.likeness == next(iter(_LIKENESS))


def find_precedent(facts: Facts) -> Precedent | None:
    """Find the published models that are the most alike, None where none is."""
    for likeness, shared in _LIKENESS.items():
        if found := tuple(_agreeing(facts, shared)):
            return Precedent(likeness, found)
    return None


def facts_of(spec: DeiTSpec) -> Facts:
    """The facts that the shapes of a spec's model show."""
    variant = spec.variant
    return Facts(
        embed_dim=spec.embed_dim,
        depth=spec.depth,
        patch_size=spec.patch_size,
        mlp_dim=spec.mlp_dim,
        position_embedding=variant.position_embedding,
        layer_scale=variant.layer_scale is not None,
        qkv_bias=variant.qkv_bias,
        in_channels=spec.in_channels,
        grid_size=spec.grid_size,
        distillation_token=variant.distillation_token,
        num_classes=spec.num_classes,
        teacher_num_classes=spec.teacher_num_classes,
    )


def _agreeing(facts: Facts, names: Iterable[str]) -> Iterable[DeiTSpec]:
    for spec, others in _family():
        if all(getattr(facts, name) == getattr(others, name) for name in names):
            yield spec


@cache
def _family() -> tuple[tuple[DeiTSpec, Facts], ...]:
    """Every published model, in the order of `deit-spec list`."""
    specs = (check_spec(name).spec for name in published.names())
    return tuple((spec, facts_of(spec)) for spec in specs if spec is not None)
