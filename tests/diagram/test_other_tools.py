"""Graphviz, Mermaid and D2 accept our text and read the same nodes and edges in it."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from diagram.graphs_to_draw import HAND_MADE, SIZES, TINY, graph_of
from diagram.reading_svg import read_svg

from deit_spec.diagram import Detail, as_d2, as_dot, as_mermaid, as_svg
from deit_spec.graph import LayerGraph

TOOLS = Path(__file__).parent / "other_tools"
SECONDS = 300
ODD = {
    "depth": 4,
    "drop_path": 0.2,
    "layer_scale": 1e-5,
    "merge_tokens": 3,
    "num_classes": 1,
    "position_embedding": "patches",
    "taps": ("blocks.*.attn.weights", "blocks.*.attn.q", "norm"),
}
NAME = "a \"b\" 'c' [d] {e} <b>&</b> #35; `f` \\n \\ $g$ | --> %% 日本"


def odd() -> LayerGraph:
    return graph_of(**TINY | SIZES | ODD)


def named() -> LayerGraph:
    """Every text that a user chooses has characters that are syntax somewhere."""
    graph = graph_of(**TINY, num_classes=10)
    graph.network.graph["name"] = NAME
    graph.outputs = {NAME: "head"}
    return graph


MADE: dict[str, Callable[[], LayerGraph]] = {
    **HAND_MADE,
    "odd": odd,
    "named": named,
}
FIGURES = [(name, detail) for name in MADE for detail in Detail]


def check(found: dict[str, Any], graph: LayerGraph, detail: Detail) -> None:
    figure = read_svg(as_svg(graph, detail=detail))
    names = {k: label for k, label in found["labels"].items() if k in figure.boxes}
    outputs = {k: v for k, v in found["labels"].items() if k not in figure.boxes}
    assert names.keys() == figure.boxes.keys()
    assert all(k.startswith("output-") for k in outputs)
    for path, label in names.items():
        first, *_, shape = label.split("\n")
        assert path.endswith(first) or "–" in first  # noqa: RUF001  -- as we write it
        assert shape.startswith("[")
    edges = [(source, target) for source, target in found["edges"]]
    assert len(edges) == len(set(edges))
    inner = {edge for edge in edges if edge[1] not in outputs}
    assert inner == set(figure.edges)
    assert {target for _, target in edges} >= set(outputs)
    if NAME in graph.outputs:
        assert [*outputs.values()] == [NAME]


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@pytest.mark.parametrize(("name", "detail"), FIGURES)
def test_graphviz(name: str, detail: Detail) -> None:
    graph = MADE[name]()
    command = ["dot", "-Kdot", "-Tdot_json"]
    document = json.loads(run(command, as_dot(graph, detail)))
    every = document["objects"]
    nodes = {k: each for k, each in enumerate(every) if "nodes" not in each}
    found = {
        "labels": {each["name"]: unescaped(each["label"]) for each in nodes.values()},
        "edges": [
            (every[edge["tail"]]["name"], every[edge["head"]]["name"])
            for edge in document["edges"]
        ],
    }
    check(found, graph, detail)
    assert unescaped(document["name"]) == graph.name


@pytest.mark.skipif(
    shutil.which("node") is None or not (TOOLS / "node_modules").is_dir(),
    reason="run `npm install` in tests/diagram/other_tools",
)
@pytest.mark.slow
def test_mermaid_and_d2() -> None:
    graphs = [(MADE[name](), detail) for name, detail in FIGURES]
    writers = {"mermaid": as_mermaid, "d2": as_d2}
    texts = [
        {"format": format_, "text": write(graph, detail)}
        for graph, detail in graphs
        for format_, write in writers.items()
    ]
    command = ["node", str(TOOLS / "read.mjs")]
    every = json.loads(run(command, json.dumps(texts)))
    assert len(every) == len(texts)
    for place, found in enumerate(every):
        check(found, *graphs[place // len(writers)])


def unescaped(label: str) -> str:
    return re.sub(r"\\(.)", lambda c: "\n" if c[1] == "n" else c[1], label)


def run(command: list[str], text: str) -> str:
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=SECONDS, check=True
    )
    assert done.stderr == ""
    return done.stdout
