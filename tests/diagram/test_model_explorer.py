"""Model Explorer's own classes load the graph and the numbers."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
from diagram.graphs_to_draw import HAND_MADE, SIZES, TINY, graph_of, graphs, wired
from hypothesis import given
from hypothesis import strategies as st

from deit_spec.cost import total
from deit_spec.diagram import (
    Heat,
    Quantity,
    as_model_explorer,
    as_node_data,
    computed_heat,
)
from deit_spec.graph import LayerGraph
from deit_spec.ops import show


def check(graph: LayerGraph) -> None:
    document = as_model_explorer(graph)
    assert json.dumps(as_model_explorer(graph)) == json.dumps(document)
    (found,) = document["graphs"]
    assert [node["id"] for node in found["nodes"]] == graph.order()
    edges = {
        (edge["sourceNodeId"], node["id"]): int(edge["targetNodeInputId"])
        for node in found["nodes"]
        for edge in node["incomingEdges"]
    }
    assert edges == {(s, t): k for s, t, k in graph.network.edges(data="argument")}
    groups = found["groupNodeAttributes"]
    for node in found["nodes"]:
        scope = f"{node['namespace']}/" if node["namespace"] else ""
        assert f"{scope}{node['label']}".replace("/", ".") == node["id"]
        assert node["namespace"] in groups
        (value,) = node["outputsMetadata"]
        assert attributes(value)["shape"] == show(graph.shape(node["id"]))
    assert groups[""]["parameters"] == str(total(graph).parameters)
    assert groups[""]["MACs"] == str(total(graph).macs)


def attributes(item: dict[str, Any]) -> dict[str, str]:
    return {pair["key"]: pair["value"] for pair in item["attrs"]}


@given(graphs())
def test_every_spec(graph: LayerGraph) -> None:
    check(graph)


@pytest.mark.parametrize("make", HAND_MADE.values(), ids=HAND_MADE)
def test_hand_made(make: Callable[[], LayerGraph]) -> None:
    check(make())


@given(st.data())
def test_any_wiring(data: st.DataObject) -> None:
    check(wired(data))


def test_attributes_of_a_layer() -> None:
    graph = graph_of(**TINY, **SIZES, num_classes=10)
    nodes = as_model_explorer(graph)["graphs"][0]["nodes"]
    found = {node["id"]: attributes(node) for node in nodes}
    assert found["head"] == {
        "op": "Linear",
        "summary": "Linear 12 → 10",
        "shape": "[B, K=10]",
        "tensors": "weight [K=10, C=12], bias [K=10]",
        "parameters": "130",
        "MACs": "120",
        "outputs": "logits, predict",
    }


def test_a_layer_without_a_number_has_that_of_its_scope() -> None:
    graph = graph_of(**TINY)
    numbers = {"blocks.0": -1.0, "blocks.0.attn": 0.5, "blocks.0.attn.qkv": 2.0}
    heat = Heat("sparsity", numbers, False, str)  # noqa: FBT003
    found = as_node_data(graph, heat)["tiny"]
    results = {path: each["value"] for path, each in found["results"].items()}
    assert results["blocks.0.norm1"] == -1.0
    assert results["blocks.0.attn.proj"] == 0.5
    assert results["blocks.0.attn.qkv"] == 2.0
    assert "blocks.1.norm1" not in results
    bounds = [each["value"] for each in found["thresholds"]]
    assert bounds == pytest.approx([-0.5, 0.0, 0.5, 1.0, 1.5, 2.0])


def test_its_own_classes_load_the_files() -> None:
    graph_builder = pytest.importorskip("model_explorer.graph_builder")
    node_data_builder = pytest.importorskip("model_explorer.node_data_builder")
    dacite = pytest.importorskip("dacite")
    strict = dacite.Config(strict=True)
    graph = graph_of(**TINY, num_classes=10, teacher_num_classes=10)
    document = as_model_explorer(graph)
    found = dacite.from_dict(graph_builder.GraphCollection, document, strict)
    assert {node.id for node in found.graphs[0].nodes} == {*graph}
    again = json.loads(json.dumps(dataclasses.asdict(found)))
    assert [node["attrs"] for node in again["graphs"][0]["nodes"]] == [
        node["attrs"] for node in document["graphs"][0]["nodes"]
    ]
    for quantity in Quantity:
        data = as_node_data(graph, computed_heat(graph, quantity))
        results = {"graphsData": data}
        loaded = dacite.from_dict(node_data_builder.ModelNodeData, results, strict)
        (numbers,) = json.loads(loaded.to_json_string()).values()
        assert numbers["results"] == data["tiny"]["results"]
