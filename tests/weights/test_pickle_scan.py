"""Pickles that run nothing and would still take all the memory or time there is.

Each is made of operations that `torch.load(weights_only=True)` carries out.
"""

import argparse
import collections
import contextlib
import io
import os
import pickle
import pickletools
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.checkpoints import PLAIN, same, state_of
from support.corruption import archive, records_of, torch_bytes

from deit_spec.weights import WeightsError, open_checkpoint
from deit_spec.weights.pickle_scan import (
    NESTED,
    PICKLE_BYTES,
    BrokenPickleError,
    NeedsMoreError,
    scan,
)

MEBIBYTE = 1 << 20


def text(value: str) -> bytes:
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def program(body: bytes) -> bytes:
    """A pickle of protocol 2 with an empty dict below what the body does."""
    return b"\x80\x02}" + text("a") + body + b"s."


def doubled(times: int) -> bytes:
    """Bytes that are written in hexadecimal, and that again, and so on."""
    call = b"c_codecs\nencode\n"
    start = call + text("x" * 1000) + text("latin1") + b"\x86R"
    return call * times + start + (text("hex") + b"\x86R") * times


def laughs(levels: int) -> bytes:
    """A tuple, a tuple of that twice, a tuple of that twice, and so on."""
    return b")q\x00" + b"h\x00h\x00\x86q\x00" * levels


BOMBS = {
    "bytearray": b"cbuiltins\nbytearray\n" + b"J" + b"\xff\xff\xff\x7f" + b"\x85R",
    "bytearray of old": b"c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R",
    "hexadecimal": doubled(24),
    "a tensor": b"ctorch\nTensor\nJ\xff\xff\xff\x7f\x85R",
    "a key of tuples": b"}" + laughs(60) + b"Ns",
    "a set of tuples": b"cbuiltins\nset\n" + laughs(60) + b"\x85R",
    "a deep key": b"}" + b")" + b"\x85" * 1_000_000 + b"Ns",
}


def as_zip(pickled: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("a/data.pkl", pickled)
        file.writestr("a/byteorder", "little")
        file.writestr("a/version", "3\n")
    return buffer.getvalue()


def as_legacy(pickled: bytes) -> bytes:
    buffer = io.BytesIO()
    torch.save({}, buffer, _use_new_zipfile_serialization=False)
    whole = buffer.getvalue()
    file, ends = io.BytesIO(whole), []
    for _ in range(4):
        collections.deque(pickletools.genops(file), maxlen=0)
        ends.append(file.tell())
    return whole[: ends[2]] + pickled + whole[ends[3] :]


MAKERS: dict[str, Callable[[bytes], bytes]] = {"zip": as_zip, "legacy": as_legacy}

CHILD = """
import sys
from pathlib import Path
import torch
import deit_spec.weights
from deit_spec import cli

def peak():
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM:")))

before = peak()
try:
    cli.main()
finally:
    print((peak() - before) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs(bomb: str, maker: str, tmp_path: Path) -> None:
    """A finding, exit 1, soon, and without the memory that it asks for."""
    (tmp_path / "w.pth").write_bytes(MAKERS[maker](program(BOMBS[bomb])))
    done = subprocess.run(
        [sys.executable, "-c", CHILD, "weights", "inspect", "w.pth"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "error[DS404]: the file needs code to be run" in done.stderr
    assert int(done.stdout) < 300


def refused(path: Path, data: bytes) -> tuple[str, str]:
    path.write_bytes(data)
    with pytest.raises(WeightsError) as caught:
        open_checkpoint(path)
    (found,) = caught.value.diagnostics
    return found.code, " ".join([found.message, *found.notes])


@pytest.mark.parametrize("maker", MAKERS)
def test_what_torch_would_print_at_length_is_not_called(
    maker: str, tmp_path: Path
) -> None:
    """Its error would quote a list that holds another twice, and so on."""
    lists = b"]q\x00" + b"]q\x01(h\x00h\x00eq\x00" * 60
    code, words = refused(tmp_path / "w", MAKERS[maker](program(lists + b")R")))
    assert (code, "calls what is no name" in words) == ("DS403", True)


def test_lists_in_lists_beside_a_model_are_not_walked(tmp_path: Path) -> None:
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


def test_a_long_pickle_is_not_read(tmp_path: Path) -> None:
    sets = program(b"(" + b"\x8f" * PICKLE_BYTES + b"t")
    assert refused(tmp_path / "w", as_zip(sets))[0] == "DS405"
    assert refused(tmp_path / "w", as_legacy(sets))[0] == "DS403"


def test_two_pickles_are_one_too_many(tmp_path: Path) -> None:
    """torch finds its record whatever the case of the name, and could take either."""
    torch.save({"w": torch.zeros(1)}, tmp_path / "w")
    with zipfile.ZipFile(tmp_path / "w", "a") as file:
        file.writestr("W/DATA.PKL", program(BOMBS["bytearray"]))
    code, words = refused(tmp_path / "w", (tmp_path / "w").read_bytes())
    assert (code, "several records" in words) == ("DS403", True)


def test_another_protocol_is_said(tmp_path: Path) -> None:
    torch.save({"w": torch.zeros(1)}, tmp_path / "w", pickle_protocol=4)
    code, words = refused(tmp_path / "w", (tmp_path / "w").read_bytes())
    assert code == "DS404"
    assert "its pickle has the operation FRAME" in words


@pytest.mark.parametrize(
    "body",
    [b"", b".", b"R.", b"\x85.", b"(\x85.", b"h\x07.", b"t.", b"q\x00.", b"N"],
)
def test_pickles_that_make_no_sense(body: bytes) -> None:
    with pytest.raises(BrokenPickleError):
        scan(b"\x80\x02" + body)


@pytest.mark.parametrize("length", [2**31, 2**62, 2**64 - 1])
def test_lengths_past_the_end_take_no_memory(length: int) -> None:
    """A text that says it is longer than the file; likewise bytes of protocol 4."""
    for start in (b"\x8d", b"\x8e", b"\x96"):
        with pytest.raises((BrokenPickleError, NeedsMoreError)):
            scan(b"\x80\x04" + start + length.to_bytes(8, "little") + b"abc.")
    with pytest.raises(BrokenPickleError):
        scan(b"\x80\x02X" + (2**32 - 1).to_bytes(4, "little") + b"abc.")


@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    """No other error, whatever is in them."""
    with contextlib.suppress(BrokenPickleError, NeedsMoreError):
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
def test_plain_values_are_let_through(value: Any) -> None:
    """Whatever recipes keep beside a model, and torch reads."""
    scan(pickle.dumps(value, protocol=2))


def kept() -> Iterator[Any]:
    """What training scripts write beside a state dict."""
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
def test_what_recipes_keep_is_let_through(legacy: bool, tmp_path: Path) -> None:  # noqa: FBT001
    state = state_of(PLAIN)
    value = {"model": state, **{f"v{n}": each for n, each in enumerate(kept())}}
    torch.save(value, tmp_path / "w", _use_new_zipfile_serialization=not legacy)
    assert same(dict(open_checkpoint(tmp_path / "w").tensors), state)


def test_a_record_that_is_too_short_is_not_read_on_into_the_next(
    tmp_path: Path,
) -> None:
    """torch maps as many numbers as the pickle says, whatever the record has."""
    records = records_of(torch_bytes({"a": torch.ones(24), "b": torch.zeros(24)}))
    key = next(name for name in records if name.endswith("/data/0"))
    (tmp_path / "whole.pth").write_bytes(archive(records))
    assert set(open_checkpoint(tmp_path / "whole.pth").tensors) == {"a", "b"}
    records[key] = records[key][:8]
    code, message = refused(tmp_path / "cut.pth", archive(records))
    assert code == "DS403"
    assert "storage 0 takes 96 bytes, not 8" in message


def test_two_directories_show_one_pickle_each(tmp_path: Path) -> None:
    """zipfile finds the last directory, and torch the one at the offset that is said.

    Both are whole: to the one the file is harmless, to the other a bomb.
    """
    harmless = records_of(torch_bytes({"a": torch.ones(2)}))
    bomb = dict.fromkeys(harmless, b"")
    key = next(name for name in harmless if name.endswith("data.pkl"))
    bomb[key] = program(BOMBS["bytearray"])
    one, other = archive(bomb), archive(harmless)
    seen = zipfile.ZipFile(io.BytesIO(one + other)).read(key)
    assert seen == harmless[key]
    code, message = refused(tmp_path / "two.pth", one + other)
    assert code == "DS403"
    assert "its directory is not where its end says" in message


def test_integers_whose_hashes_meet(tmp_path: Path) -> None:
    """Thousands of such keys would take minutes; a few are seeds."""
    meeting = [n * (2**61 - 1) for n in range(1, 2000)]
    few = {"model": {"a": torch.zeros(1)}, "seeds": meeting[:100]}
    torch.save(few, tmp_path / "few.pth")
    assert set(open_checkpoint(tmp_path / "few.pth").tensors) == {"a"}
    code, message = refused(tmp_path / "many.pth", torch_bytes({"seeds": meeting}))
    assert code == "DS404"
    assert "over 1,000 integers of over 60 bits" in message
