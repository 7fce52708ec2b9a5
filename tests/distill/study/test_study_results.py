"""The file of results, means and paired differences, and the tables of a study."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_regressions.file_regression import FileRegressionFixture
from support.runs import result, results, study

from deit_spec.distill.study import Summary, as_json, as_markdown, summarise
from deit_spec.distill.study.study_report import draw
from deit_spec.distill.study.study_results import (
    RESULTS,
    Mean,
    Results,
    mean_of,
    paired,
)
from deit_spec.recipe.run_records import RunFileError


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


def test_an_incomplete_study_is_marked() -> None:
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


numbers = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20)


def test_hand_values() -> None:
    """Deviations -1, 0 and 1 about 3: variance 1, and an error of √(1/3)."""
    assert mean_of([2.0, 3.0, 4.0]) == Mean(3.0, pytest.approx(math.sqrt(1 / 3)), 3)
    assert mean_of([5.0]) == Mean(5.0, None, 1)
    assert mean_of([]) is None


def test_paired_differences_by_hand() -> None:
    """Differences 1, 3 and 5, whatever the seeds have in common."""
    one = {0: 11.0, 1: 103.0, 2: 1005.0, 9: 7.0}
    other = {2: 1000.0, 0: 10.0, 1: 100.0, 8: 7.0}
    found = paired(one, other)
    assert found == Mean(3.0, pytest.approx(2 / math.sqrt(3)), 3)
    assert paired({0: 1.0}, {1: 1.0}) is None


@given(numbers, st.floats(-1e3, 1e3))
def test_what_seeds_share_is_no_error(values: list[float], shift: float) -> None:
    """Pairs that all differ alike have no error, however far the seeds are apart."""
    one = {seed: value + shift for seed, value in enumerate(values)}
    found = paired(one, dict(enumerate(values)))
    assert found is not None
    assert found.mean == pytest.approx(shift, abs=1e-6)
    assert found.error == pytest.approx(0, abs=1e-6)


def test_results_come_back(tmp_path: Path) -> None:
    file = Results(tmp_path)
    for each in results().values():
        file.add(each)
    again = Results(tmp_path).done
    assert again == {each.key: each for each in results().values()} == file.done


def test_a_damaged_line_is_not_done(tmp_path: Path) -> None:
    file = Results(tmp_path)
    first, second = result("none", 100, 0, 0.9), result("hard", 100, 0, 0.8)
    file.add(first)
    file.add(second)
    text = file.path.read_text()
    file.path.write_text(text.replace('"top1": 0.9', '"top1": {}', 1))
    found = Results(tmp_path)
    assert found.done == {second.key: second}
    assert found.warning is not None
    assert found.warning.code == "DS553"
    file.path.write_text("[]\n")
    with pytest.raises(RunFileError, match="no line of it is a result of a study"):
        Results(tmp_path)


@given(cut=st.integers(1, 400))
def test_an_incomplete_line_is_removed(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("results")
    file = Results(folder)
    first, second = result("none", 100, 0, 0.9), result("hard", 100, 0, 0.8)
    file.add(first)
    file.add(second)
    path = folder / RESULTS
    data = path.read_bytes()
    path.write_bytes(data[:-cut])
    lost = Results(folder)
    whole = data[:-cut].count(b"\n")
    assert list(lost.done.values()) == [first, second][:whole]
    lost.add(second)
    assert Results(folder).done[second.key] == second
