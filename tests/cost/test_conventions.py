"""Each counting convention, against its formula and published figures."""

import pytest
from hypothesis import given
from support.published import PUBLISHED
from support.strategies import specs

import deit_spec
from deit_spec import DeiTSpec
from deit_spec.cost import Convention, Setting, report, total


def counts(spec: DeiTSpec | str) -> dict[Convention, int]:
    return report(deit_spec.compile(spec).graph, Setting()).counts


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


@given(specs())
def test_conventions_follow_their_formulas(spec: DeiTSpec) -> None:
    n, c, blocks = spec.num_tokens, spec.embed_dim, spec.depth
    found = counts(spec)
    matmul = found[Convention.MATMUL]
    assert found[Convention.FVCORE] - matmul == 5 * n * c * (2 * blocks + 1)
    assert matmul - found[Convention.NO_ATTENTION] == 2 * n * n * c * blocks
    assert found[Convention.FLOPS] == 2 * matmul


FVCORE = {
    # MMPretrain's page on DeiT III prints these, counted by fvcore.
    "deit3_small_patch16_224": "4.61",
    "deit3_small_patch16_384": "15.52",
    "deit3_medium_patch16_224": "8.00",
    "deit3_base_patch16_224": "17.58",
    "deit3_base_patch16_384": "55.54",
    # timm's model cards print these, in "GMACs".
    "deit3_large_patch16_224": "61.6",
    "deit3_large_patch16_384": "191.2",
    "deit3_huge_patch14_224": "167.4",
}


@pytest.mark.parametrize("name", FVCORE)
def test_fvcore_is_what_fvcore_says(name: str) -> None:
    digits = len(FVCORE[name].partition(".")[2])
    assert f"{counts(name)[Convention.FVCORE] / 1e9:.{digits}f}" == FVCORE[name]


def test_published_figures_are_within_rounding() -> None:
    """DeiT III, table of the authors' model zoo: GFLOPs are multiply-accumulates."""
    zoo = {
        "deit3_small_patch16_224": 4.6,
        "deit3_small_patch16_384": 15.5,
        "deit3_base_patch16_224": 17.5,
        "deit3_base_patch16_384": 55.5,
        "deit3_large_patch16_224": 61.6,
        "deit3_large_patch16_384": 191.2,
        "deit3_huge_patch14_224": 167.4,
    }
    for name, billions in zoo.items():
        assert name in PUBLISHED
        found = counts(name)[Convention.FVCORE] / 1e9
        assert abs(found - billions) < 0.1, name


def test_unused_head_counts_nothing() -> None:
    spec = {
        "num_classes": 10,
        "teacher_num_classes": 20,
        "variant": {"fusion": "cls"},
    }
    graphs = [
        deit_spec.compile(spec, target=target, drop_unread=False).graph
        for target in ("train", "inference")
    ]
    trained, predicting = (report(graph, Setting()) for graph in graphs)
    for convention, times in (("matmul", 1), ("fvcore", 1), ("flops", 2)):
        key = Convention(convention)
        assert trained.counts[key] - predicting.counts[key] == times * 20 * 768
    assert trained.total.parameters == predicting.total.parameters
