"""The table of a plan, as a terminal shows it."""

import io
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_regressions.file_regression import FileRegressionFixture
from support.checkpoints import DISTILLED, PLAIN, changed, planned, state_of

from deit_spec.cli.weights_table import Row, fold, layout, lines, list_rows
from deit_spec.weights.convert_checkpoint import rename
from deit_spec.weights.naming_schemes import HF

TUNED = changed(DISTILLED, image_size=48, num_classes=7, teacher_num_classes=7)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("names", ["ours", "hf"])
def test_on_a_terminal(
    width: int,
    names: str,
    monkeypatch: pytest.MonkeyPatch,
    file_regression: FileRegressionFixture,
) -> None:
    """Plain to distilled, for larger images and other classes; no line is too long."""
    state = state_of(PLAIN)
    if names == "hf":
        state = dict(rename(HF["ViTForImageClassification"], state))
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("COLUMNS", str(width))
    text = layout(planned(TUNED, state))
    assert max(map(len, text.splitlines())) <= width
    file_regression.check(f"{text}\n", encoding="utf-8")


def test_in_a_pipe_a_tensor_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    plan = planned(TUNED, state_of(PLAIN))
    _, *rows = layout(plan).splitlines()
    assert len(rows) == sum(plan.counts().values())
    starts = [row.partition(" ")[0] for row in rows]
    assert starts[: len(plan.steps)] == [step.name for step in plan.steps]


PARTS = st.sampled_from(["norm1.bias", "attn.qkv.weight"])
CELLS = st.sampled_from(["", "taken", "x.{}.y", "layer.{n}.norm.bias", "layer.3.x"])


@given(st.lists(st.tuples(PARTS, CELLS), max_size=8), st.integers(1, 12))
def test_folding_loses_nothing(parts: list[tuple[str, str]], depth: int) -> None:
    """Each row is spelt by just one of the folded rows, and none is added."""
    unique = dict(parts)
    rows = [
        Row(f"blocks.{n}.{part}", "3", "taken", (cell.replace("{n}", str(n)),))
        for n in range(depth)
        for part, cell in unique.items()
    ]
    assert unfolded(fold(rows)) == sorted(rows)


def unfolded(rows: list[Row]) -> list[Row]:
    """The rows that folded ones stand for, sorted."""
    found = []
    for row in rows:
        number = row.tensor.split(".")[1]
        first, _, last = number.partition("-")
        for n in range(int(first), int(last or first) + 1):
            made_of = (row.made_of[0].replace(f".{number}.", f".{n}."),)
            found.append(
                row._replace(
                    tensor=row.tensor.replace(number, str(n), 1), made_of=made_of
                )
            )
    return sorted(found)


def test_what_differs_is_not_folded() -> None:
    state: dict[str, Any] = state_of(PLAIN)
    state["blocks.1.attn.q_norm.weight"] = state["norm.bias"]
    rows = fold(list_rows(planned(PLAIN, state)))
    assert [row.made_of for row in rows if row.fate == "left over"] == [
        ("blocks.1.attn.q_norm.weight",)
    ]
    three = [Row(f"blocks.{n}.norm1.bias", "8", "taken", ()) for n in (0, 1, 3)]
    assert [row.tensor for row in fold(three)] == [
        "blocks.0-1.norm1.bias",
        "blocks.3.norm1.bias",
    ]


def test_control_characters_are_shown_as_symbols() -> None:
    evil = Row("a\x1b[31m", "", "left over", ("b\n\x07",))
    assert not any("\x1b" in line or "\x07" in line for line in lines([evil], 80))
