"""The file of results: whole lines, whatever happens while one is written."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.results import result, results

from deit_spec.distill.study.study_results import RESULTS, Results


def test_results_come_back(tmp_path: Path) -> None:
    file = Results(tmp_path)
    for each in results().values():
        file.add(each)
    again = Results(tmp_path).done
    assert again == {each.key: each for each in results().values()} == file.done


@given(cut=st.integers(1, 400))
def test_line_that_breaks_off_is_dropped(
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
