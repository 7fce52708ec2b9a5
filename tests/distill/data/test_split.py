"""Who is held out, and who is trained on."""

from collections import Counter
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from deit_spec.distill.data.split import choose, hold_out

labels_of = st.lists(st.integers(0, 4), min_size=1, max_size=60)
seeds = st.integers(0, 2**31)


@given(labels_of, st.data(), seeds)
def test_every_image_is_in_one_part(
    labels: list[int], data: st.DataObject, seed: int
) -> None:
    count = data.draw(st.integers(0, len(labels)))
    rest, held = hold_out(labels, count, seed)
    assert len(held) == count
    assert sorted(rest + held) == list(range(len(labels)))
    assert (rest, held) == (sorted(rest), sorted(held))


@given(labels_of, st.data(), seeds)
def test_no_class_is_held_out_entirely_without_need(
    labels: list[int], data: st.DataObject, seed: int
) -> None:
    count = data.draw(st.integers(0, len(labels) - len(set(labels))))
    rest, _ = hold_out(labels, count, seed)
    assert {labels[place] for place in rest} == set(labels)


@given(labels_of, st.data(), seeds)
def test_classes_are_held_out_in_proportion(
    labels: list[int], data: st.DataObject, seed: int
) -> None:
    labels = labels * 2  # at least two of each, so that one may stay
    count = data.draw(st.integers(0, len(labels) // 2))
    _, held = hold_out(labels, count, seed)
    there, found = Counter(labels), Counter(labels[place] for place in held)
    for label, number in there.items():
        assert abs(found[label] - Fraction(count * number, len(labels))) < 1


@given(labels_of, st.data(), seeds)
def test_as_many_of_each_class_are_chosen(
    labels: list[int], data: st.DataObject, seed: int
) -> None:
    count = data.draw(st.integers(0, len(labels)))
    chosen = choose(labels, count, seed)
    assert len(set(chosen)) == len(chosen) == count
    there, found = Counter(labels), Counter(labels[place] for place in chosen)
    most = max((found[label] for label in there), default=0)
    assert all(found[label] >= min(most - 1, there[label]) for label in there)


@given(labels_of, st.data(), seeds)
def test_a_smaller_choice_is_part_of_a_larger(
    labels: list[int], data: st.DataObject, seed: int
) -> None:
    more = data.draw(st.integers(0, len(labels)))
    fewer = data.draw(st.integers(0, more))
    assert {*choose(labels, fewer, seed)} <= {*choose(labels, more, seed)}


def test_the_seed_decides() -> None:
    labels = [0, 1] * 50
    assert hold_out(labels, 50, 0) == hold_out(labels, 50, 0) != hold_out(labels, 50, 1)
    assert choose(labels, 50, 0) == choose(labels, 50, 0) != choose(labels, 50, 1)
