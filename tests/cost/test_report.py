"""The rows of a report add up, by node and by stage, in every format."""

import csv
import io
import json

from hypothesis import given
from hypothesis import strategies as st
from support.strategies import specs

import deit_spec
from deit_spec import DeiTSpec
from deit_spec.cost import (
    By,
    Convention,
    Dtype,
    Row,
    Setting,
    as_csv,
    as_json,
    report,
    total,
)

SETTINGS = st.builds(
    Setting,
    st.integers(1, 300),
    st.sampled_from(Dtype),
    st.sampled_from(Convention),
    st.just(By.NODE),
)
TARGETS = st.sampled_from(["train", "inference"])
NUMBERS = ("parameters", "count", "forward_bytes", "training_bytes")


def sums(rows: tuple[Row, ...]) -> list[int | None]:
    """The sum of each column. A column is None in all rows or in none."""
    columns = [[getattr(row, name) for row in rows] for name in NUMBERS]
    return [None if column[0] is None else sum(column) for column in columns]


@given(specs(), SETTINGS, TARGETS)
def test_nodes_and_stages_add_up(spec: DeiTSpec, setting: Setting, target: str) -> None:
    graph = deit_spec.compile(spec, target=target).graph
    nodes = report(graph, setting)
    stages = report(
        graph, Setting(setting.batch, setting.dtype, setting.convention, By.STAGE)
    )
    assert nodes.total == stages.total
    whole = [getattr(nodes.total, name) for name in NUMBERS]
    assert sums(nodes.rows) == sums(stages.rows) == whole
    assert nodes.total.count == nodes.counts[setting.convention]
    assert nodes.counts[Convention.MATMUL] == setting.batch * total(graph).macs
    assert nodes.total.parameters == total(graph).parameters
    blocks = [f"blocks.{index}" for index in range(spec.depth)]
    assert [row.path for row in stages.rows] == ["embedding", *blocks, "readout"]
    assert [row.path for row in nodes.rows] == graph.order()
    assert (nodes.total.training_bytes is None) == (target == "inference")


@given(specs(), SETTINGS, TARGETS)
def test_formats_agree(spec: DeiTSpec, setting: Setting, target: str) -> None:
    found = report(deit_spec.compile(spec, target=target).graph, setting)
    data = json.loads(json.dumps(as_json(found)))
    rows = list(csv.DictReader(io.StringIO(as_csv(found))))
    assert [row["path"] for row in rows] == [row["path"] for row in data["rows"]]
    for row, same in zip(rows, data["rows"], strict=True):
        read = {name: int(row[name]) if row[name] else None for name in NUMBERS}
        assert read == {name: same[name] for name in NUMBERS}
    assert data["total"]["count"] == data["counts"][setting.convention.value]
    size = found.setting.dtype.size
    assert data["total"]["parameter_bytes"] == size * data["total"]["parameters"]
    assert data["version"] == 1
