"""The texts that the fuzzer begins with are answered as it demands of all."""

import pytest
from fuzz import texts
from fuzz.answer import answer, answer_every_option

SEEDS = [*texts.seeds()]


def test_there_are_seeds_of_every_kind() -> None:
    found = [len([*texts.ROOT.glob(pattern)]) for pattern in texts.SEEDS]
    assert all(found)
    assert sum(found) == len(SEEDS)


@pytest.mark.parametrize("seed", SEEDS, ids=range(len(SEEDS)))
def test_a_seed_is_answered(seed: bytes) -> None:
    answer(seed)
    answer_every_option(seed)


@pytest.mark.parametrize("text", ["", "\ufeff", "{" * 99])
def test_an_extreme_is_answered(text: str) -> None:
    answer(text.encode())
    answer_every_option(text.encode())


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["a: 1\n" * 9_000, "a:1\n" * 9_000, "depth:3\n" * 7_500]
)
def test_many_lines_are_answered(text: str) -> None:
    answer(text.encode())
    answer_every_option(text.encode())
