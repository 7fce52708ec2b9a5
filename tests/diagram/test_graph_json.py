"""Graphs as JSON: everything is in it, and the compact form says the same."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from diagram.graphs_to_draw import HAND_MADE, graph_of, graphs, wired
from hypothesis import given
from hypothesis import strategies as st

from deit_spec.diagram import as_json
from deit_spec.graph import LayerGraph, Target


def expanded(document: dict[str, Any]) -> dict[str, Any]:
    """List the nodes and the edges of every block, as the documentation describes."""
    nodes = list(document["nodes"])
    edges = {(e["target"], e["argument"]): e for e in document["edges"]}
    for run in document["repeated"]:
        first, *others = run["paths"]
        inside = [node for node in nodes if node["path"].startswith(f"{first}.")]
        end = nodes.index(inside[-1]) + 1
        inner = [
            edge
            for edge in document["edges"]
            if all(edge[k].startswith(f"{first}.") for k in ("source", "target"))
        ]
        for path in others:
            copies = [*moved(inside, first, path, run["differences"])]
            nodes[end:end] = copies
            end += len(copies)
            for edge in moved(inner, first, path, {}):
                edges.setdefault((edge["target"], edge["argument"]), edge)
    places = {node["path"]: place for place, node in enumerate(nodes)}
    order = sorted(edges, key=lambda key: (places[key[0]], key[1]))
    whole = {"nodes": nodes, "edges": [edges[key] for key in order], "repeated": []}
    return document | whole


def moved(
    values: list[dict[str, Any]], first: str, path: str, differences: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    text = json.dumps(values).replace(f'"{first}.', f'"{path}.')
    for value in json.loads(text):
        yield value | differences.get(value.get("path"), {})


def check(graph: LayerGraph) -> None:
    full, compact = as_json(graph, expand=True), as_json(graph)
    assert [node["path"] for node in full["nodes"]] == graph.order()
    assert {(e["source"], e["target"]): e["argument"] for e in full["edges"]} == {
        (source, target): argument
        for source, target, argument in graph.network.edges(data="argument")
    }
    assert json.dumps(expanded(compact)) == json.dumps(full)
    assert json.dumps(as_json(graph)) == json.dumps(compact)
    assert json.loads(json.dumps(full)) == full


@given(graphs())
def test_every_spec(graph: LayerGraph) -> None:
    check(graph)


@pytest.mark.parametrize("make", HAND_MADE.values(), ids=HAND_MADE)
def test_hand_made(make: Callable[[], LayerGraph]) -> None:
    check(make())


@given(st.data())
def test_any_wiring(data: st.DataObject) -> None:
    check(wired(data))


def test_equal_blocks_are_listed_once() -> None:
    found = as_json(graph_of(Target.INFERENCE, depth=6, drop_path=0.1))
    (run,) = found["repeated"]
    # The last block computes only the tokens that are read.
    assert run["paths"] == [f"blocks.{index}" for index in range(5)]
    assert run["differences"] == {}
    assert len(found["nodes"]) < 50


def test_a_rate_is_a_difference() -> None:
    found = as_json(graph_of(depth=6, drop_path=0.1))
    (run,) = found["repeated"]
    # The first block has no drop path.
    assert (run["path"], run["count"]) == ("blocks.1", 5)
    assert run["differences"]["blocks.2.drop_path1"] == {
        "summary": "DropPath 0.04",
        "fields": {"rate": 0.04},
    }
