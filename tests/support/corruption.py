"""Valid checkpoint files in every format, and strategies that corrupt them."""

import io
import json
import zipfile
from typing import Any

import torch
from hypothesis import strategies as st
from safetensors.torch import save as safetensors_bytes

from support.checkpoints import PLAIN, state_of

STATE = state_of(PLAIN)


def torch_bytes(value: Any, **options: Any) -> bytes:
    """What torch.save writes."""
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return buffer.getvalue()


def archive(records: dict[str, bytes], **options: Any) -> bytes:
    """A zip file of records, with the right checksums."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as file:
        for name, data in records.items():
            file.writestr(name, data)
    return buffer.getvalue()


def records_of(data: bytes) -> dict[str, bytes]:
    """The records of a zip file."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return {name: file.read(name) for name in file.namelist()}


GOOD = {
    "safetensors": safetensors_bytes(STATE),
    "zip": torch_bytes({"model": STATE, "epoch": 3}),
    "legacy": torch_bytes(STATE, _use_new_zipfile_serialization=False),
}
KINDS = st.sampled_from(sorted(GOOD))


def offsets_in(data: bytes) -> st.SearchStrategy[int]:
    """Offsets in a file, mostly near its beginning and its end."""
    last = len(data) - 1
    near = st.integers(0, min(3000, last)) | st.integers(max(last - 400, 0), last)
    return near | st.integers(0, last)


@st.composite
def truncated(draw: st.DrawFn, data: bytes) -> bytes:
    """The beginning of a file."""
    return data[: draw(offsets_in(data))]


@st.composite
def flipped(draw: st.DrawFn, data: bytes) -> bytes:
    """A file with some bits flipped."""
    changed = bytearray(data)
    for at in draw(st.lists(offsets_in(data), min_size=1, max_size=3)):
        changed[at] ^= 1 << draw(st.integers(0, 7))
    return bytes(changed)


@st.composite
def spliced(draw: st.DrawFn, data: bytes) -> bytes:
    """A file in which some bytes are replaced by others."""
    start = draw(offsets_in(data))
    end = draw(st.integers(start, min(start + 64, len(data))))
    return data[:start] + draw(st.binary(max_size=64)) + data[end:]


@st.composite
def repickled(draw: st.DrawFn) -> bytes:
    """A zip file with a corrupt pickle and the right checksums."""
    records = records_of(GOOD["zip"])
    (name,) = (each for each in records if each.endswith("/data.pkl"))
    corrupt = draw(st.sampled_from([truncated, flipped, spliced]))
    return archive({**records, name: draw(corrupt(records[name]))})


@st.composite
def reordered(draw: st.DrawFn) -> bytes:
    """A zip file with records swapped, missing or truncated, with right checksums."""
    records = records_of(GOOD["zip"])
    picked = st.sampled_from(sorted(records))
    for _ in range(draw(st.integers(1, 3))):
        one, other = draw(picked), draw(picked)
        first, second = records.get(one, b""), records.get(other, b"")
        change = draw(st.sampled_from(["exchange", "drop", "cut"]))
        if change == "exchange":
            records[one], records[other] = second, first
        elif change == "drop":
            records.pop(one, None)
        else:
            records[one] = first[: draw(st.integers(0, 8))]
    return archive(records)


@st.composite
def reheaded(draw: st.DrawFn) -> bytes:
    """A safetensors file whose header is valid JSON with wrong values."""
    good = GOOD["safetensors"]
    start = 8 + int.from_bytes(good[:8], "little")
    header = json.loads(good[8:start])
    numbers = st.sampled_from([-1, 0, 1, 2, 24, 2**31, 2**62, 2**63, 2**64, 10**30])
    odd = st.sampled_from([None, True, 0.5, "x", [], {}])
    kinds = st.sampled_from(["F16", "BF16", "U16", "F8_E8M0", "F6_E2M3", "F4", "?"])
    for key in draw(st.lists(st.sampled_from(sorted(header)), max_size=2)):
        field = draw(st.sampled_from(["dtype", "shape", "data_offsets"]))
        values = kinds if field == "dtype" else st.lists(numbers | odd, max_size=5)
        header[key][field] = draw(values | odd)
    if draw(st.booleans()):  # a tensor without bytes, anywhere
        sides = numbers.filter(lambda number: number >= 0)
        shape = [0, *draw(st.lists(sides, max_size=3))]
        header["none"] = {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]}
    raw = json.dumps(header).encode()
    return len(raw).to_bytes(8, "little") + raw + good[start:]


def corrupted() -> st.SearchStrategy[bytes]:
    """A file of any format, corrupted in any way."""
    ways = st.sampled_from([truncated, flipped, spliced])
    raw = st.builds(lambda kind, way: way(GOOD[kind]), KINDS, ways).flatmap(lambda s: s)
    return raw | repickled() | reordered() | reheaded()
