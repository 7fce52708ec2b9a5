"""Means and paired differences, by hand and by numpy."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deit_spec.distill.study.study_summary import Mean, mean_of, paired

numbers = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20)


def test_hand_values() -> None:
    """Deviations -1, 0 and 1 about 3: variance 1, and an error of √(1/3)."""
    assert mean_of([2.0, 3.0, 4.0]) == Mean(3.0, math.sqrt(1 / 3), 3)
    assert mean_of([5.0]) == Mean(5.0, None, 1)
    assert mean_of([]) is None


def test_paired_differences_by_hand() -> None:
    """Differences 1, 3 and 5, whatever the seeds have in common."""
    one = {0: 11.0, 1: 103.0, 2: 1005.0, 9: 7.0}
    other = {2: 1000.0, 0: 10.0, 1: 100.0, 8: 7.0}
    found = paired(one, other)
    assert found == Mean(3.0, pytest.approx(2 / math.sqrt(3)), 3)
    assert paired({0: 1.0}, {1: 1.0}) is None


@given(numbers)
def test_error_is_the_deviation_over_the_root(values: list[float]) -> None:
    found = mean_of(values)
    assert found is not None
    assert found.error is not None
    expected = statistics.stdev(values) / math.sqrt(len(values))
    assert found.mean == pytest.approx(statistics.fmean(values))
    assert found.error == pytest.approx(expected, rel=1e-6, abs=1e-6)


@given(numbers, st.floats(-1e3, 1e3))
def test_what_seeds_share_is_no_error(values: list[float], shift: float) -> None:
    """Pairs that all differ alike have no error, however far the seeds are apart."""
    one = {seed: value + shift for seed, value in enumerate(values)}
    found = paired(one, dict(enumerate(values)))
    assert found is not None
    assert found.mean == pytest.approx(shift, abs=1e-6)
    assert found.error == pytest.approx(0, abs=1e-6)
