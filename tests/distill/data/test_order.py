"""Which images a step has."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from peers import import_timm

from deit_spec.distill.data import order
from deit_spec.distill.data.order import Order

counts, sizes = st.integers(1, 80), st.integers(1, 100)


@given(counts, sizes, st.integers(1, 4), st.integers(0, 200))
def test_a_step_has_a_batch(count: int, size: int, repeats: int, step: int) -> None:
    chosen = Order(count, size, repeats, seed=0).at(step)
    assert chosen.shape == (size,)
    assert 0 <= chosen.min() <= chosen.max() < count


@given(counts, sizes)
def test_an_epoch_has_every_image_once_at_most(count: int, size: int) -> None:
    of = Order(count, min(size, count), 1, seed=0)
    seen = torch.cat([of.at(step) for step in range(of.steps)]).tolist()
    assert len(set(seen)) == len(seen) == of.steps * of.batch_size
    assert count - len(seen) < of.batch_size


def test_epochs_and_seeds_differ() -> None:
    first = Order(40, 40, 1, seed=0)
    assert first.at(0).tolist() != first.at(1).tolist()
    assert first.at(0).tolist() != Order(40, 40, 1, seed=1).at(0).tolist()


@pytest.mark.parametrize("world", [1, 2, 4])
@pytest.mark.parametrize("repeats", [1, 3])
def test_processes_see_what_the_sampler_of_timm_gives_them(
    world: int, repeats: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_timm()
    from timm.data.distributed_sampler import RepeatAugSampler  # noqa: PLC0415

    def as_timm(count: int, _: int, epoch: int) -> torch.Tensor:
        return torch.randperm(count, generator=torch.Generator().manual_seed(epoch))

    monkeypatch.setattr(order, "_shuffled", as_timm)
    size, of = 16, Order(600, 16, repeats, seed=0)
    for rank in range(world):
        sampler = RepeatAugSampler(range(600), world, rank, num_repeats=repeats)
        sampler.set_epoch(2)
        theirs = list(sampler)
        steps = [of.at(2 * of.steps + step)[rank::world] for step in range(of.steps)]
        ours = torch.cat(steps).tolist()
        assert len(ours) >= len(theirs)  # it rounds an epoch down to 256s
        assert ours[: len(theirs)] == theirs
        assert len(steps[0]) == size // world
