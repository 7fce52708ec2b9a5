"""A report adds up, however its rows are cut and its numbers are written."""

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
    short_bytes,
    total,
)

SETTINGS = st.builds(
    Setting,
    st.integers(1, 300),
    st.sampled_from(Dtype),
    st.sampled_from(Convention),
    st.just(By.NODE),
)
NUMBERS = ("parameters", "count", "forward_bytes", "training_bytes")


def sums(rows: tuple[Row, ...]) -> list[int]:
    return [sum(getattr(row, name) for row in rows) for name in NUMBERS]


@given(specs(), SETTINGS, st.sampled_from(["train", "inference"]))
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


@given(specs(), SETTINGS)
def test_forms_say_the_same(spec: DeiTSpec, setting: Setting) -> None:
    found = report(deit_spec.compile(spec).graph, setting)
    data = json.loads(json.dumps(as_json(found)))
    rows = list(csv.DictReader(io.StringIO(as_csv(found))))
    assert [row["path"] for row in rows] == [row["path"] for row in data["rows"]]
    for row, same in zip(rows, data["rows"], strict=True):
        assert {name: int(row[name]) for name in NUMBERS} == {
            name: same[name] for name in NUMBERS
        }
    assert data["total"]["count"] == data["counts"][setting.convention.value]
    size = found.setting.dtype.size
    assert data["total"]["parameter_bytes"] == size * data["total"]["parameters"]
    assert data["version"] == 1


def test_short_bytes() -> None:
    numbers = [0, 1023, 1024, 1024**2 * 3 // 2, 5 * 1024**3, 1024**5]
    wanted = ["0 B", "1023 B", "1.00 KiB", "1.50 MiB", "5.00 GiB", "1024.00 TiB"]
    assert [short_bytes(number) for number in numbers] == wanted
