"""The table of a study, from results that nobody ran."""

import json

import pytest
from pytest_regressions.file_regression import FileRegressionFixture
from support.results import results, study

from deit_spec.distill.study import Summary, as_json, as_markdown, summarise
from deit_spec.distill.study.study_report import draw


def whole() -> Summary:
    return summarise("digits", study(), results())


def test_markdown(file_regression: FileRegressionFixture) -> None:
    file_regression.check(as_markdown(whole(), "study.png"), extension=".txt")


def test_json(file_regression: FileRegressionFixture) -> None:
    text = json.dumps(as_json(whole()), indent=2) + "\n"
    file_regression.check(text, extension=".json")


def test_answer_of_one_head_is_the_class_head() -> None:
    """None at 90 % and 91 %; hard has 92 % and 93 %, and two more fused."""
    none, _, hard = whole().rows[:3]
    assert none.answer == none.cls
    assert (none.dist, none.teacher) == (None, None)
    assert hard.answer is not None
    assert hard.answer.mean == pytest.approx(0.9 + 0.02 + 0.005 + 0.01 + 0.02)
    found = whole().difference("hard", "none", 100)
    assert found is not None
    assert found.mean == pytest.approx(0.04)
    assert found.error == pytest.approx(0, abs=1e-12)


def test_baseline_comes_first() -> None:
    found = summarise("digits", study(baseline="hard"), results())
    pairs = dict.fromkeys((each.arm, each.over) for each in found.differences)
    assert list(pairs) == [("none", "hard"), ("soft", "hard"), ("soft", "none")]


def test_half_a_study_says_so() -> None:
    some = {key: each for key, each in results().items() if key[0] == "none"}
    found = summarise("digits", study(), some)
    text = as_markdown(found)
    assert "4 of 12 runs are done" in text
    assert "| 100 | hard | - | - | - | - |" in text
    assert found.difference("hard", "none", 100) is None


def test_one_seed_has_no_error() -> None:
    found = summarise("digits", study(seeds=(0,)), results((0,)))
    assert "one seed" in as_markdown(found)
    assert "±" not in as_markdown(found)


def test_plot_is_the_same_each_time() -> None:
    one, other = draw(whole()), draw(whole())
    assert one == other
    assert one["png"].startswith(b"\x89PNG")
    svg = one["svg"].decode()
    for text in ("none", "soft", "hard", "teacher", "training images", "top-1 %"):
        assert f">{text}" in svg
