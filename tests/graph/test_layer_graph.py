"""The graph as users analyse it."""

import networkx as nx
import pytest
from hypothesis import given
from support.strategies import specs

import deit_spec
from deit_spec import DeiTSpec, LayerGraph
from deit_spec.graph import IllegalGraphError, build_scopes
from deit_spec.ops import Gelu, Images
from deit_spec.passes import infer_shapes


def test_network_is_a_digraph_with_documented_attributes() -> None:
    graph = deit_spec.lower({"depth": 2, "num_classes": 10})
    network = graph.network
    assert type(network) is nx.DiGraph
    assert set(network.graph) == {
        "name",
        "digest",
        "target",
        "stage",
        "outputs",
        "taps",
        "predict",
        "places",
    }
    for path, node in network.nodes(data=True):
        assert set(node) == {"path", "op", "parameters", "span", "shape"}
        assert node["path"] == path
        assert node["parameters"] == node["op"].parameters
    for source, _, edge in network.edges(data=True):
        assert set(edge) == {"argument", "shape"}
        assert edge["shape"] == network.nodes[source]["shape"]


def test_nodes_keep_the_line_they_come_from() -> None:
    graph = deit_spec.lower({"depth": 2, "num_heads": 6, "num_classes": 10})
    lines = {path: str(graph.span(path)) for path in graph.network}
    assert lines["blocks.1.attn.split"] == "<mapping>:2:12"
    assert lines["head"] == "<mapping>:3:14"


def test_bypass_keeps_arguments_and_outputs() -> None:
    graph = deit_spec.lower({"depth": 1, "num_classes": 10})
    graph.bypass("blocks.0.drop_path1")
    assert graph.inputs("blocks.0.add1") == ("pos_drop", "blocks.0.attn.proj_drop")
    graph.bypass("read_cls")
    assert graph.inputs("head") == ("norm",)


@pytest.mark.parametrize(
    ("path", "inputs"),
    [("images", []), ("x", ["nowhere"]), ("x", ["images", "images"])],
)
def test_add_refuses_duplicate_and_unknown_nodes(path: str, inputs: list[str]) -> None:
    graph = deit_spec.lower({"depth": 1})
    before = len(graph)
    with pytest.raises(ValueError, match=f"cannot add {path}"):
        graph.add(path, Gelu(), inputs)
    assert len(graph) == before


def test_scopes_that_read_each_other_are_refused() -> None:
    graph = LayerGraph("two", "")
    graph.add("images", Images(3, 8))
    path = "images"
    for name in ("a.first", "b.first", "a.second", "b.second"):
        path = graph.add(name, Gelu(), [path])
    graph.outputs = {"x": path}
    with pytest.raises(IllegalGraphError, match="run after it began"):
        build_scopes(infer_shapes(graph))


@given(specs())
def test_longest_path_crosses_every_block(spec: DeiTSpec) -> None:
    network = deit_spec.lower(spec).network
    longest = nx.dag_longest_path(network)
    assert {p.split(".")[1] for p in longest if p.startswith("blocks.")} == {
        str(index) for index in range(spec.depth)
    }


@given(specs())
def test_equal_blocks_have_equal_structure(spec: DeiTSpec) -> None:
    """All blocks with drop path have one structure, as have all without."""
    root = build_scopes(deit_spec.compile(spec).graph)
    (blocks,) = (scope for scope in root.scopes if scope.name == "blocks")
    structures = [block.structure for block in blocks.scopes]
    with_drop_path = spec.variant.drop_path > 0 and spec.depth > 1
    assert len(set(structures)) == (2 if with_drop_path else 1)
    assert len(set(structures[1:])) <= 1
    assert blocks.is_chain()
