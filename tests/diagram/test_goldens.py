"""Figures, trees and JSON compared with golden files."""

import json
from collections.abc import Callable

import pytest
from diagram.graphs_to_draw import HAND_MADE, graph_of
from pytest_regressions.file_regression import FileRegressionFixture
from rich.console import Console

from deit_spec.diagram import as_json, draw, tree
from deit_spec.graph import LayerGraph, Target
from deit_spec.lowering import lower
from deit_spec.passes import PassOptions, run_passes
from deit_spec.spec import DeiTSpec

HEADS = {"num_classes": 1000, "teacher_num_classes": 1000}


@pytest.fixture
def base() -> LayerGraph:
    return graph_of(name="base", **HEADS)


def test_base_80(base: LayerGraph, file_regression: FileRegressionFixture) -> None:
    file_regression.check(draw(base, width=80).plain)


def test_base_120(base: LayerGraph, file_regression: FileRegressionFixture) -> None:
    file_regression.check(draw(base, width=120).plain)


def test_base_ascii(base: LayerGraph, file_regression: FileRegressionFixture) -> None:
    file_regression.check(draw(base, width=80, ascii_only=True).plain)


def test_two_blocks_expanded(file_regression: FileRegressionFixture) -> None:
    graph = graph_of(depth=2, drop_path=0.1, layer_scale=1e-5, dropout=0.1, **HEADS)
    file_regression.check(draw(graph, width=100, expand=True).plain)


def test_blocks_with_drop_path(file_regression: FileRegressionFixture) -> None:
    """The first block has the rate 0, so all blocks are drawn as one."""
    graph = graph_of(depth=12, drop_path=0.1, **HEADS)
    file_regression.check(draw(graph, width=80).plain)


def test_a_dead_head_is_listed(file_regression: FileRegressionFixture) -> None:
    graph = graph_of(Target.INFERENCE, fusion="cls", **HEADS)
    file_regression.check(draw(graph, width=80).plain)


def test_one_token_no_head(file_regression: FileRegressionFixture) -> None:
    graph = graph_of(distillation_token=False, position_embedding="patches")
    file_regression.check(draw(graph, width=80).plain)


def test_taps(file_regression: FileRegressionFixture) -> None:
    """The rows of attention beside the kernel, and a grid, with their names."""
    taps = ("blocks.*.attn.weights.cls", "blocks.*.attn.weights.dist", "norm.patches")
    spec = DeiTSpec(depth=3, num_classes=1000, teacher_num_classes=1000)
    graph = run_passes(lower(spec), Target.INFERENCE, PassOptions(taps=taps))
    file_regression.check(draw(graph, width=80).plain)


def test_largest_numbers(file_regression: FileRegressionFixture) -> None:
    graph = graph_of(
        embed_dim=1_048_576, num_heads=16, num_classes=10**9, teacher_num_classes=10**9
    )
    file_regression.check(draw(graph, width=80).plain)


@pytest.mark.parametrize("make", HAND_MADE.values(), ids=HAND_MADE)
def test_hand_made(
    make: Callable[[], LayerGraph], file_regression: FileRegressionFixture
) -> None:
    file_regression.check(draw(make(), width=80).plain)


def printed(graph: LayerGraph, *, ascii_only: bool) -> str:
    console = Console(width=120, color_system=None)
    with console.capture() as capture:
        console.print(tree(graph, ascii_only=ascii_only))
    return capture.get()


def test_tree(base: LayerGraph, file_regression: FileRegressionFixture) -> None:
    file_regression.check(printed(base, ascii_only=False))


def test_tree_ascii(base: LayerGraph, file_regression: FileRegressionFixture) -> None:
    text = printed(base, ascii_only=True)
    assert text.isascii()
    file_regression.check(text)


def test_json(file_regression: FileRegressionFixture) -> None:
    graph = graph_of(depth=3, drop_path=0.1, **HEADS)
    text = json.dumps(as_json(graph), indent=2, ensure_ascii=False) + "\n"
    file_regression.check(text, extension=".json")
