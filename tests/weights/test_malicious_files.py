"""Malicious files: nothing is executed, and memory and time are bounded."""

import argparse
import collections
import io
import json
import os
import pickle
import pickletools
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from support.checkpoints import (
    PLAIN,
    error_of,
    model_of,
    same,
)
from support.commands import run
from support.corruption import (
    GOOD,
    STATE,
    archive,
    records_of,
    torch_bytes,
)

from deit_spec.weights import WeightsError, open_checkpoint
from deit_spec.weights.pickle_scan import (
    PICKLE_BYTES,
)


def text(value: str) -> bytes:
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def program(body: bytes) -> bytes:
    """A pickle of protocol 2 that puts the result of the body into a dict."""
    return b"\x80\x02}" + text("a") + body + b"s."


def doubled(times: int) -> bytes:
    """Bytes that are encoded in hexadecimal again and again."""
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
import json, sys
from pathlib import Path
from deit_spec.weights import WeightsError, open_checkpoint

def peak():
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM:")))

found = {}
for path in sys.argv[1:]:
    before = peak()
    try:
        open_checkpoint(path)
    except WeightsError as error:
        (finding,) = error.diagnostics
        found[path] = [finding.code, (peak() - before) // 1024]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, int]]:
    """The code for each bomb, and by how many MiB it raised the peak of a process."""
    folder = tmp_path_factory.mktemp("bombs")
    for kind, maker in MAKERS.items():
        for bomb, body in BOMBS.items():
            (folder / f"{kind} {bomb}").write_bytes(maker(program(body)))
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *sorted(each.name for each in folder.iterdir())],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    found: dict[str, tuple[str, int]] = json.loads(done.stdout)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs(bomb: str, maker: str, opened: dict[str, tuple[str, int]]) -> None:
    """A finding, soon, and without the memory that the file asks for."""
    code, mebibytes = opened[f"{maker} {bomb}"]
    assert code == "DS404"
    assert mebibytes < 300


def refused(path: Path, data: bytes) -> tuple[str, str]:
    """The code of a file that is refused, and its message with the notes."""
    path.write_bytes(data)
    found = error_of(path)
    return found.code, " ".join([found.message, *found.notes])


LISTS = b"]q\x00" + b"]q\x01(h\x00h\x00eq\x00" * 60


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (LISTS + b")R", "calls something that is not a name"),
        (LISTS + b"Q", "has an invalid reference to a storage"),
        (LISTS + b"\x85Q", "has an invalid reference to a storage"),
        (
            b"(" + text("storage") + b"ctorch\nFloatStorage\n" + LISTS
            + text("cpu") + b"K\x01tQ",
            "has an invalid reference to a storage",
        ),
    ],
)  # fmt: skip
def test_a_long_error_of_torch_is_avoided(
    maker: str, body: bytes, reason: str, tmp_path: Path
) -> None:
    """Its error would quote a list that contains another one twice, and so on."""
    code, words = refused(tmp_path / "w", MAKERS[maker](program(body)))
    assert code == "DS403"
    assert f"its pickle {reason}" in words


def test_a_long_pickle_is_not_read(tmp_path: Path) -> None:
    long = program(text("x" * PICKLE_BYTES))
    assert refused(tmp_path / "w", as_zip(long))[0] == "DS405"
    assert refused(tmp_path / "w", as_legacy(long))[0] == "DS403"


@pytest.mark.parametrize("first", [True, False])
def test_the_pickle_that_is_scanned_is_the_one_that_torch_reads(
    first: bool,  # noqa: FBT001
    tmp_path: Path,
) -> None:
    """torch ignores the case of a record's name, so it could read either of two."""
    records = records_of(torch_bytes({"a": torch.zeros(1)}))
    bomb = {
        f"{next(iter(records)).partition('/')[0]}/DATA.PKL": program(BOMBS["bytearray"])
    }
    both = {**bomb, **records} if first else {**records, **bomb}
    path = tmp_path / "w"
    path.write_bytes(archive(both))
    try:
        assert set(open_checkpoint(path).tensors) == {"a"}
    except WeightsError as error:
        assert error.diagnostics[0].code == "DS404"  # noqa: PT017  -- one of two


def test_two_directories_show_one_pickle_each(tmp_path: Path) -> None:
    """zipfile reads the last directory, torch the one at the offset in the file.

    Both are valid: with one of them the file is harmless, with the other it is a bomb.
    """
    records = records_of(torch_bytes({"a": torch.ones(2)}))
    key = next(name for name in records if name.endswith("data.pkl"))
    bomb = program(BOMBS["bytearray"])
    assert len(bomb) <= len(records[key])
    padded = {**records, key: bomb.ljust(len(records[key]), b"\0")}
    data = archive(padded) + archive(records)
    assert zipfile.ZipFile(io.BytesIO(data)).read(key) == records[key]
    code, words = refused(tmp_path / "two.pth", data)
    assert code == "DS404"
    assert "it references `builtins.bytearray`" in words


def test_a_mapping_that_contains_itself(tmp_path: Path) -> None:
    """Under many keys, so that there are trillions of paths of three keys."""
    loop: dict[str, Any] = {}
    loop |= dict.fromkeys(map(str, range(20_000)), loop)
    assert refused(tmp_path / "w", torch_bytes(loop))[0] == "DS405"


def test_a_record_that_is_listed_many_times(tmp_path: Path) -> None:
    """A short file would take hours to read."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("a/data.pkl", program(text("x" * PICKLE_BYTES)))
        file.filelist *= 10_000
    code, words = refused(tmp_path / "w", buffer.getvalue())
    assert code == "DS403"
    assert "its records are longer than the file" in words


@pytest.mark.parametrize("length", [8, 100])
def test_a_storage_has_the_length_that_the_pickle_says(
    length: int, tmp_path: Path
) -> None:
    """torch maps as many bytes as the pickle says, also those of the next record."""
    records = records_of(torch_bytes({"a": torch.ones(24), "b": torch.zeros(24)}))
    key = next(name for name in records if name.endswith("/data/0"))
    path = tmp_path / "w.pth"
    path.write_bytes(archive(records))
    assert set(open_checkpoint(path).tensors) == {"a", "b"}
    changed = {**records, key: records[key].ljust(length, b"\0")[:length]}
    code, message = refused(path, archive(changed))
    assert code == "DS403"
    assert f"storage 0 needs 96 bytes and has {length}" in message


def test_the_largest_of_several_references_to_a_storage_counts(tmp_path: Path) -> None:
    """They may disagree about its length."""

    def reference(count: int) -> bytes:
        parts = text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu")
        return b"(" + parts + b"K" + bytes([count]) + b"tQ"

    two = reference(2) + b"s" + text("b") + reference(200)
    data = archive({**records_of(as_zip(program(two))), "a/data/0": bytes(8)})
    code, message = refused(tmp_path / "w", data)
    assert code == "DS403"
    assert "storage 0 needs 800 bytes and has 8" in message


def test_a_storage_ends_with_the_file(tmp_path: Path) -> None:
    """torch maps as many bytes as the pickle says, but none after the file."""
    records = records_of(torch_bytes({"a": torch.ones(24)}))
    key = next(name for name in records if name.endswith("data.pkl"))
    size = b"\x8a\x08" + (2**40).to_bytes(8, "little")
    changed = records[key].replace(b"K\x18", size)
    assert changed.count(size) == 2  # of the storage and of the tensor
    code, message = refused(tmp_path / "w", archive({**records, key: changed}))
    assert code == "DS403"
    assert "storage" in message


class Evil:
    """Unpickled, it would write a file."""

    def __init__(self, call: Any, *given: Any) -> None:
        self.parts = (call, given)

    def __reduce__(self) -> Any:
        return self.parts


class EvilNamespace(argparse.Namespace):
    """Looks like the arguments in a checkpoint of the original repository."""


SAVERS: dict[str, Callable[[Any], bytes]] = {
    "torch": torch_bytes,
    "torch, legacy": lambda v: torch_bytes(v, _use_new_zipfile_serialization=False),
    **{
        f"pickle {n}": lambda value, n=n: pickle.dumps(value, protocol=n)
        for n in range(6)
    },
}


@pytest.mark.parametrize("maker", SAVERS)
@pytest.mark.parametrize("where", ["alone", "beside", "among", "as a name", "in args"])
@pytest.mark.parametrize("call", ["open", "system", "eval"])
def test_nothing_is_executed(maker: str, where: str, call: str, tmp_path: Path) -> None:
    """A pickle that would write a file: a finding, exit 1, and no file."""
    target = tmp_path / "written"
    evil = {
        "open": Evil(open, str(target), "w"),
        "system": Evil(os.system, f"touch {target}"),
        "eval": Evil(eval, f"open({str(target)!r}, 'w')"),
    }[call]
    value = {
        "alone": evil,
        "beside": {"model": STATE, "optimizer": evil},
        "among": {**STATE, "cls_token": evil},
        "as a name": {"model": {(evil,): STATE["cls_token"]}},
        "in args": {"model": STATE, "args": argparse.Namespace(hook=evil)},
    }[where]
    bad = tmp_path / "w.pth"
    bad.write_bytes(SAVERS[maker](value))
    with pytest.raises(WeightsError) as caught:
        open_checkpoint(bad)
    (found,) = caught.value.diagnostics
    assert found.code == ("DS402" if maker.startswith("pickle") else "DS404")
    done = run("weights", "inspect", str(bad), "-o", str(target))
    assert done.returncode == 1
    assert found.code in done.stderr
    assert not target.exists()
    assert [each.name for each in tmp_path.iterdir()] == ["w.pth"]


def test_a_whole_module_and_another_namespace_need_code(tmp_path: Path) -> None:
    for value in (model_of(PLAIN), {"model": STATE, "args": EvilNamespace(a=1)}):
        code, words = refused(tmp_path / "w.pth", torch_bytes(value))
        assert code == "DS404"
        assert "it references" in words


@pytest.mark.parametrize(
    ("version", "is_refused"),
    [("2.5.1", True), ("2.9.1+cpu", True), ("2.10.0", False), ("3.0.0a0+git1", False)],
)
def test_a_vulnerable_torch_reads_no_pickles(
    version: str,
    is_refused: bool,  # noqa: FBT001
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch, "__version__", version)
    for kind, data in GOOD.items():
        path = tmp_path / kind
        path.write_bytes(data)
        if is_refused and kind != "safetensors":
            assert error_of(path).code == "DS409"
        else:
            assert same(dict(open_checkpoint(path).tensors), STATE)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (archive({"a.txt": b"hello"}), "DS402"),
        (archive({"word/document.xml": b"<a/>"}), "DS402"),
        (archive({"a/data.pkl": b"."}, compression=zipfile.ZIP_DEFLATED), "DS402"),
        (archive({"a/data.pkl": b"."}), "DS403"),
        (archive({"a/data.pkl": b"\x80\x02}.", "a/constants.pkl": b""}), "DS404"),
    ],
)
def test_other_archives(data: bytes, code: str, tmp_path: Path) -> None:
    assert refused(tmp_path / "w.pth", data)[0] == code


@pytest.mark.parametrize("is_negative", [False, True])
def test_a_tensor_that_is_expanded(
    is_negative: bool,  # noqa: FBT001
    tmp_path: Path,
) -> None:
    """A few bytes of a file may claim to be terabytes."""
    number = torch.zeros(1, dtype=torch.complex64).conj().imag if is_negative else None
    one = torch.zeros(1) if number is None else number
    vast = one.expand(2**20, 2**22)
    assert vast.is_neg() == is_negative
    torch.save({"a": vast}, tmp_path / "w.pth")
    found = error_of(tmp_path / "w.pth")
    assert found.code == "DS407"
    assert "a is expanded to much more memory" in found.message
