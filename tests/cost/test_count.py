"""Costs of the published models, from the graph alone.

Parameters and multiply-accumulates are facts of the published architectures
(DeiT, Touvron et al. 2021; DeiT III, Touvron et al. 2022).
"""

from typing import Any

import pytest
from hypothesis import given
from support.strategies import specs

import deit_spec
from deit_spec import DeiTSpec
from deit_spec.cost import short, total

PLAIN = {"distillation_token": False}
DEIT3 = {**PLAIN, "position_embedding": "patches", "layer_scale": 1e-6}


def model(width: int, heads: int, depth: int = 12, **more: Any) -> dict[str, Any]:
    sizes = {
        "embed_dim": width,
        "num_heads": heads,
        "depth": depth,
        "num_classes": 1000,
    }
    return {**sizes, **more}


PUBLISHED = {
    "tiny": (model(192, 3, variant=PLAIN), 5_717_416, "1.2537"),
    "tiny_distilled": (model(192, 3, teacher_num_classes=1000), 5_910_800, "1.2610"),
    "small": (model(384, 6, variant=PLAIN), 22_050_664, "4.5989"),
    "base": (model(768, 12, variant=PLAIN), 86_567_656, "17.5638"),
    "base_distilled": (model(768, 12, teacher_num_classes=1000), 87_338_192, "17.6568"),
    "base_distilled_384": (
        model(768, 12, image_size=384, teacher_num_classes=1000),
        87_630_032,
        "55.5913",
    ),
    "deit3_small": (model(384, 6, variant=DEIT3), 22_059_496, "4.5989"),
    "deit3_large": (model(1024, 16, 24, variant=DEIT3), 304_374_760, "61.5547"),
    "deit3_huge": (
        model(1280, 16, 32, patch_size=14, variant=DEIT3),
        632_126_440,
        "167.2951",
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_costs(name: str) -> None:
    spec, parameters, billions = PUBLISHED[name]
    cost = total(deit_spec.compile(spec).graph)
    assert cost.parameters == parameters
    assert f"{cost.macs / 1e9:.4f}" == billions


@given(specs())
def test_macs_follow_the_formula(spec: DeiTSpec) -> None:
    """P·c·p²·C + L(4NC² + 2NCM + 2N²C) + heads·K·C (documentation, semantics)."""
    n, c, m = spec.num_tokens, spec.embed_dim, spec.mlp_dim
    patches = spec.num_patches * spec.in_channels * spec.patch_size**2 * c
    block = 4 * n * c**2 + 2 * n * c * m + 2 * n**2 * c
    heads = spec.num_classes or 0
    if spec.has_two_heads:
        heads += spec.teacher_num_classes or 0
    wanted = patches + spec.depth * block + heads * c
    assert total(deit_spec.compile(spec).graph).macs == wanted


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (1000, "1.00 k"), (17_656_811_520, "17.66 G")],
)
def test_short(number: int, text: str) -> None:
    assert short(number) == text
