"""Reading the JSON files of runs and studies, whatever is in them."""

import contextlib
import json
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.runs import results

from deit_spec.recipe.run_files import CLASSES, METRICS
from deit_spec.recipe.run_records import (
    MetricsLine,
    ResultLine,
    RunFileError,
    read_classes,
    read_lines,
)

HEAD = {"top1": 0.5, "top5": 1.0, "nll": 0.7, "ece": 0.1}
TRAINED = {"step": 3, "loss": 1.5, "labels": 1.0, "teacher": 2.0, "seconds": 0.5}
SCORED = {"step": 6, "cls": HEAD, "dist": HEAD, "fused": HEAD, "images": 100}

keys = st.sampled_from([*TRAINED, *SCORED, *HEAD, "unreadable", "x"])
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from([10**400, 1e308, -1, 1.5, "3", [], {}, HEAD, ["\udce9"]]),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=8,
)
"""What JSON can express, in places where a number or a head is expected."""


def test_every_line_of_a_run_has_the_schema(trained_run: Path) -> None:
    path = trained_run / METRICS
    found = read_lines(path, MetricsLine)
    assert (found.damaged, found.warning) == ((), None)
    assert b"".join(found.texts) == path.read_bytes()
    written = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line.step, line.loss) for line in found.records] == [
        (line["step"], line.get("loss")) for line in written
    ]
    assert [line.cls and line.cls.top1 for line in found.records] == [
        line["cls"]["top1"] if "cls" in line else None for line in written
    ]
    assert read_classes(trained_run / CLASSES) == tuple("0123456789")


@pytest.mark.parametrize(
    "damage",
    [
        '{"step": "3"}',
        '{"step": null}',
        '{"step": true}',
        '{"step": 1e999}',
        '{"step": -1}',
        "{}",
        "[1]",
        "3",
        json.dumps({k: v for k, v in TRAINED.items() if k != "labels"}),
        json.dumps({**TRAINED, "loss": {}}),
        json.dumps({**TRAINED, "seconds": "1"}),
        json.dumps(TRAINED).replace("1.5", "1e999"),
        json.dumps(TRAINED).replace("1.5", "NaN"),
        json.dumps(TRAINED).replace("0.5", "1e308"),
        json.dumps({**SCORED, "cls": 0.5}),
        json.dumps({**SCORED, "cls": None}),
        json.dumps({**SCORED, "dist": {"top1": 0.5}}),
        json.dumps({**SCORED, "cls": {**HEAD, "top1": 1.01}}),
        '{"step": 3, "unreadable": "a.png"}',
        '{"step": 3, "unreadable": [1]}',
        "[" * 100_000,
        "1" * 10_000,
        "\0",
        "\ufeff{}",
    ],
    ids=range(24),
)
def test_a_damaged_line_is_skipped_and_counted(damage: str, tmp_path: Path) -> None:
    path = tmp_path / METRICS
    good = f"{json.dumps(TRAINED)}\n"
    path.write_text(f"{good}{damage}\n{json.dumps(SCORED)}\n{good[:9]}")
    found = read_lines(path, MetricsLine)
    assert [line.step for line in found.records] == [3, 6]
    assert found.damaged == (2,)
    assert found.size == path.stat().st_size - 9
    warning = found.warning
    assert warning is not None
    assert (warning.code, warning.notes) == ("DS553", ("line 2",))
    assert warning.message == "1 of 3 lines was damaged and skipped"


@given(st.lists(st.dictionaries(keys, values, max_size=8) | values, max_size=5))
def test_any_json_is_read(
    tmp_path_factory: pytest.TempPathFactory, lines: list[object]
) -> None:
    """And what is read can be plotted, and written again."""
    path = tmp_path_factory.mktemp("run") / METRICS
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    for schema in (MetricsLine, ResultLine):
        found = read_lines(path, schema)
        assert len(found.records) + len(found.damaged) == len(lines)
        for record in found.records:
            json.dumps(record.model_dump(), allow_nan=False)
    for line in read_lines(path, MetricsLine).records:
        assert 0 <= float(line.step) <= 2**53
        assert (line.loss is None) == (line.labels is None) == (line.teacher is None)


@given(st.binary(max_size=60))
def test_any_bytes_are_read(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("run") / METRICS
    path.write_bytes(data)
    found = read_lines(path, MetricsLine)
    assert len(found.records) + len(found.damaged) == data.count(b"\n")
    with contextlib.suppress(RunFileError):
        assert all(isinstance(name, str) for name in read_classes(path))


def test_a_name_may_have_bytes_that_are_not_utf_8(tmp_path: Path) -> None:
    """The file system returns them as surrogates, which JSON escapes."""
    name = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    path = tmp_path / METRICS
    path.write_text(json.dumps({"step": 3, "unreadable": [name]}) + "\n")
    (line,) = read_lines(path, MetricsLine).records
    assert line.unreadable == (name,)
    path.write_text(json.dumps([name, "b"]))
    assert read_classes(path) == (name, "b")


@pytest.mark.parametrize("text", ["", "[]", "{}", "[1]", '"ab"', "null", '["a"', "\0"])
def test_damaged_classes_are_an_error(text: str, tmp_path: Path) -> None:
    path = tmp_path / CLASSES
    path.write_text(text)
    with pytest.raises(RunFileError, match="not a list of the names of classes") as it:
        read_classes(path)
    assert [each.code for each in it.value.diagnostics] == ["DS554"]
    path.unlink()
    with pytest.raises(RunFileError, match="damaged: no such file"):
        read_classes(path)


@pytest.mark.parametrize("key", ["key", "cls", "teacher", "evaluated", "seconds"])
def test_a_result_without_a_part_is_damaged(key: str, tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    whole = [asdict(each) for each in results().values()]
    path.write_text("".join(f"{json.dumps(each)}\n" for each in whole))
    found = read_lines(path, ResultLine)
    assert [line.model_dump() for line in found.records] == whole
    del whole[4][key]
    path.write_text("".join(f"{json.dumps(each)}\n" for each in whole))
    assert read_lines(path, ResultLine).damaged == (5,)
