"""The scan of pickles: what it lets through, and what it refuses."""

import argparse
import collections
import contextlib
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.checkpoints import PLAIN, same, state_of

from deit_spec.weights import open_checkpoint
from deit_spec.weights.pickle_scan import (
    NESTED,
    BrokenPickleError,
    ForbiddenPickleError,
    scan,
)


@pytest.mark.parametrize(
    "body",
    [b"", b".", b"R.", b"\x85.", b"(\x85.", b"h\x07.", b"t.", b"q\x00.", b"N", b"NQ."],
)
def test_invalid_pickles(body: bytes) -> None:
    with pytest.raises(BrokenPickleError):
        scan(b"\x80\x02" + body)


@pytest.mark.parametrize("length", [2**31, 2**62, 2**64 - 1])
def test_lengths_past_the_end_take_no_memory(length: int) -> None:
    """A string that claims to be longer than the file; also bytes of protocol 4."""
    for start in (b"\x8d", b"\x8e", b"\x96"):
        with pytest.raises((BrokenPickleError, ForbiddenPickleError)):
            scan(b"\x80\x04" + start + length.to_bytes(8, "little") + b"abc.")
    with pytest.raises(BrokenPickleError):
        scan(b"\x80\x02X" + (2**32 - 1).to_bytes(4, "little") + b"abc.")


@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    """No other error, whatever is in them."""
    with contextlib.suppress(BrokenPickleError, ForbiddenPickleError):
        scan(b"\x80\x02" + data)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=4)
        | st.dictionaries(st.text(max_size=3), inner, max_size=4).map(
            collections.OrderedDict
        )
        | st.builds(argparse.Namespace, a=inner)
    ),
    max_leaves=20,
)


@given(VALUES)
def test_plain_values_are_accepted(value: Any) -> None:
    """Anything that training scripts save beside a model, and that torch reads."""
    scan(pickle.dumps(value, protocol=2))


def kept() -> Iterator[Any]:
    """What training scripts save beside a state dict."""
    model = torch.nn.Linear(3, 2)
    for optimizer in (
        torch.optim.AdamW(model.parameters()),
        torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9),
    ):
        model(torch.ones(3)).sum().backward()
        optimizer.step()
        yield optimizer.state_dict()
        for schedule in (
            torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 9),
            torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 4]),
            torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=9),
        ):
            yield schedule.state_dict()
    yield torch.amp.GradScaler("cpu").state_dict()
    yield torch.get_rng_state()
    yield argparse.Namespace(lr=0.1, betas=(0.9, 0.999), kind=torch.float16)
    yield {"device": torch.device("cuda:1"), "size": torch.Size([2]), "seen": {1, 2}}
    yield tuple(range(10 * NESTED))


@pytest.mark.parametrize("legacy", [True, False])
def test_what_training_scripts_save_is_accepted(legacy: bool, tmp_path: Path) -> None:  # noqa: FBT001
    state = state_of(PLAIN)
    value = {"model": state, **{f"v{n}": each for n, each in enumerate(kept())}}
    torch.save(value, tmp_path / "w", _use_new_zipfile_serialization=not legacy)
    assert same(dict(open_checkpoint(tmp_path / "w").tensors), state)


def test_nested_lists_beside_a_model_are_not_visited(tmp_path: Path) -> None:
    value: Any = []
    for _ in range(60):
        value = [value, value]
    deep: Any = []
    for _ in range(300):
        deep = [deep]
    state = state_of(PLAIN)
    torch.save({"model": state, "laughs": value, "deep": deep}, tmp_path / "w")
    found = open_checkpoint(tmp_path / "w")
    assert same(dict(found.tensors), state)
    assert found.beside == ("laughs", "deep")


def test_integers_whose_hashes_collide(tmp_path: Path) -> None:
    """Thousands of such keys would take minutes; a few are seeds."""
    meeting = [n * (2**61 - 1) for n in range(1, 2000)]
    few = {"model": {"a": torch.zeros(1)}, "seeds": meeting[:100]}
    torch.save(few, tmp_path / "few.pth")
    assert set(open_checkpoint(tmp_path / "few.pth").tensors) == {"a"}
    with pytest.raises(ForbiddenPickleError, match="more than 1,000 integers of more"):
        scan(pickle.dumps({"seeds": meeting}, protocol=2))


def test_another_protocol_is_refused() -> None:
    with pytest.raises(
        ForbiddenPickleError, match="its pickle has the operation FRAME"
    ):
        scan(pickle.dumps({"w": 0}, protocol=4))
