"""Which images are held out, which are trained on, and which a step has."""

from collections import Counter
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deit_spec.distill.data import sampler
from deit_spec.distill.data.sampler import Sampler, choose, hold_out
from deit_spec.distill.optional_packages import import_package

counts, sizes = st.integers(1, 80), st.integers(1, 100)


@given(counts, sizes, st.integers(1, 4), st.integers(0, 200))
def test_a_step_has_a_batch(count: int, size: int, repeats: int, step: int) -> None:
    chosen = Sampler(count, size, repeats, seed=0).at(step)
    assert chosen.shape == (size,)
    assert 0 <= chosen.min() <= chosen.max() < count


@given(counts, sizes)
def test_an_epoch_has_every_image_once_at_most(count: int, size: int) -> None:
    of = Sampler(count, min(size, count), 1, seed=0)
    seen = torch.cat([of.at(step) for step in range(of.steps)]).tolist()
    assert len(set(seen)) == len(seen) == of.steps * of.batch_size
    assert count - len(seen) < of.batch_size


def test_epochs_and_seeds_differ() -> None:
    first = Sampler(40, 40, 1, seed=0)
    assert first.at(0).tolist() != first.at(1).tolist()
    assert first.at(0).tolist() != Sampler(40, 40, 1, seed=1).at(0).tolist()


@pytest.mark.parametrize("world", [1, 2, 4])
@pytest.mark.parametrize("repeats", [1, 3])
def test_processes_see_what_the_sampler_of_timm_gives_them(
    world: int, repeats: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_package("timm")
    from timm.data.distributed_sampler import RepeatAugSampler  # noqa: PLC0415

    def as_timm(count: int, _: int, epoch: int) -> torch.Tensor:
        return torch.randperm(count, generator=torch.Generator().manual_seed(epoch))

    monkeypatch.setattr(sampler, "_shuffled", as_timm)
    size, of = 16, Sampler(600, 16, repeats, seed=0)
    for rank in range(world):
        theirs_sampler = RepeatAugSampler(range(600), world, rank, num_repeats=repeats)
        theirs_sampler.set_epoch(2)
        theirs = list(theirs_sampler)
        steps = [of.at(2 * of.steps + step)[rank::world] for step in range(of.steps)]
        ours = torch.cat(steps).tolist()
        assert len(ours) >= len(theirs)  # it rounds an epoch down to 256s
        assert ours[: len(theirs)] == theirs
        assert len(steps[0]) == size // world


classes_of = st.lists(st.integers(0, 4), min_size=1, max_size=60)


@given(classes_of, st.integers(1, 4), st.integers(0, 200))
def test_balanced_classes_take_turns(
    labels: list[int], repeats: int, first: int
) -> None:
    """Each class comes once, with images of its own, before any comes again."""
    count, classes = len(labels), len(set(labels))
    of = Sampler(count, count * repeats, repeats, seed=0, labels=torch.tensor(labels))
    chosen = of.at(first)
    assert torch.equal(chosen, of.at(first))
    images = chosen[::repeats].tolist()
    assert chosen.tolist() == [image for image in images for _ in range(repeats)]
    drawn = [labels[image] for image in images]
    for start in range(0, count, classes):
        turn = drawn[start : start + classes]
        assert len(set(turn)) == len(turn)


def test_balanced_images_are_drawn_with_replacement() -> None:
    """Each image of a class is as likely as the others."""
    labels = torch.tensor([0] * 4 + [1] * 396)
    of = Sampler(400, 400, 1, seed=0, labels=labels)
    seen = Counter(torch.cat([of.at(step) for step in range(100)]).tolist())
    rare = [seen[image] for image in range(4)]
    assert sum(rare) == sum(seen.values()) / 2
    assert all(4500 < each < 5500 for each in rare)  # 8 standard deviations
    common = [seen[image] for image in range(4, 400)]
    assert all(0 < each < 120 for each in common)
    assert of.at(0).tolist() != of.at(1).tolist()


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
