"""Safetensors files: mapped, checked, and written without NumPy."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from support.checkpoints import PLAIN, state_of
from torch import Tensor

import deit_spec
from deit_spec.weights import WeightsError, make_plan, open_checkpoint
from deit_spec.weights.safetensors_file import read, write

DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


@st.composite
def states(draw: st.DrawFn) -> dict[str, Tensor]:
    """Tensors of every type that models run in and of odd shapes, under odd names."""
    names = draw(st.lists(st.text(max_size=6), max_size=5, unique=True))
    state = {}
    for name in names:
        kind = draw(st.sampled_from(DTYPES))
        shape = draw(st.lists(st.integers(0, 3), max_size=3))
        state["t" + name] = torch.randn(shape).to(kind)
    return state


def bits(tensor: Tensor) -> Any:
    raw = tensor.contiguous().view(-1).view(torch.uint8)
    return tensor.dtype, tuple(tensor.shape), raw.tolist()


def write_to(path: Path, state: dict[str, Tensor], **options: Any) -> None:
    with path.open("wb") as file:
        write(file, state, **options)


@given(states())
def test_both_ways(
    tmp_path_factory: pytest.TempPathFactory, state: dict[str, Tensor]
) -> None:
    folder = tmp_path_factory.mktemp("files")
    ours, theirs = folder / "ours", folder / "theirs"
    write_to(ours, state)
    save_file(state, theirs, metadata={"format": "pt"})
    assert ours.read_bytes() == theirs.read_bytes()
    wanted = {name: bits(tensor) for name, tensor in state.items()}
    assert {name: bits(tensor) for name, tensor in read(theirs, "w").items()} == wanted
    assert {name: bits(tensor) for name, tensor in load_file(ours).items()} == wanted


def test_tensors_that_are_not_contiguous_are_written(tmp_path: Path) -> None:
    turned = torch.arange(6.0).view(2, 3).T
    write_to(tmp_path / "w", {"a": turned, "b": turned[1:]})
    found = read(tmp_path / "w", "w")
    assert torch.equal(found["a"], turned)
    assert torch.equal(found["b"], turned[1:])


class Recorder(io.BytesIO):
    """A file that records the length of its longest write."""

    longest = 0

    def write(self, data: Any) -> int:
        written = super().write(data)
        self.longest = max(self.longest, written)
        return written


def test_tensors_are_written_one_at_a_time() -> None:
    """The file is never a second time in memory."""
    state = {name: torch.ones(1000) for name in "abcdefgh"}
    file = Recorder()
    write(file, state)
    assert file.longest == 4000
    assert len(file.getvalue()) > 8 * 4000


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "nowhere", "w")


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_reading_takes_no_memory(tmp_path: Path) -> None:
    """The file is mapped: what is not touched is not read."""
    path = tmp_path / "w"
    with path.open("wb") as file:
        size = 1 << 32
        entry = {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}
        header = json.dumps({"a": entry}).encode()
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + size)
    tensor = read(path, "w")["a"]
    tensor[0] = 1
    assert tensor.untyped_storage().nbytes() == size
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (kibibytes,) = (int(line.split()[1]) for line in lines if "VmRSS" in line)
    assert kibibytes * 1024 < size
    with path.open("rb") as file:
        file.seek(8 + len(header))
        assert file.read(1) == b"\0"


def test_numpy_is_not_needed(tmp_path: Path) -> None:
    """Files are written and read in a process without NumPy."""
    program = """
import sys, warnings
class NoNumpy:
    def find_spec(self, name, *rest):
        if name.partition(".")[0] == "numpy":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, NoNumpy())
warnings.simplefilter("ignore")
import torch
from pathlib import Path
from deit_spec.weights.safetensors_file import read, write
with open("w", "wb") as file:
    write(file, {"a": torch.arange(3.0)})
assert read(Path("w"), "w")["a"].tolist() == [0, 1, 2]
assert "numpy" not in sys.modules
"""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program]
    subprocess.run(command, cwd=tmp_path, env=env, check=True)


def place(folder: Path, header: Any, data: bytes = b"\0" * 8) -> Path:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    path = folder / "w"
    path.write_bytes(len(raw).to_bytes(8, "little") + raw + data)
    return path


def entry(**changes: Any) -> dict[str, Any]:
    return {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}}


def empty(*shape: int) -> dict[str, Any]:
    """A tensor without data, beside one that has all of it."""
    none = {"dtype": "F32", "shape": list(shape), "data_offsets": [0, 0]}
    return {"none": none, **entry()}


BAD = {
    "no mapping": [],
    "dtype": entry(dtype="F31"),
    "no dtype": {"a": {"shape": [2], "data_offsets": [0, 8]}},
    "an entry that is none": {"a": 3},
    "negative": entry(shape=[-2]),
    "true": entry(shape=[True, 2]),
    "float": entry(shape=[2.0]),
    "too large": entry(shape=[3]),
    "huge": entry(shape=[2**70, 0, 2**70], data_offsets=[0, 8]),
    "three offsets": entry(data_offsets=[0, 8, 8]),
    "turned": entry(data_offsets=[8, 0]),
    "hole": entry(data_offsets=[4, 12]),
    "beyond": {**entry(), "b": {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]}},
    "overlap": {
        **entry(),
        "b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]},
    },
    "nothing there": {},
    "empty and past any integer": empty(0, 10**30),
    "empty and past an unsigned word": empty(0, 2**64),
    "empty and past a signed word": empty(0, 2**63),
    "empty and past a word together": empty(0, 2**62, 4),
    "empty, at the end": empty(2**40, 2**40, 0),
}


@pytest.mark.parametrize("name", BAD)
def test_inconsistent_headers(name: str, tmp_path: Path) -> None:
    path = place(tmp_path, BAD[name])
    with pytest.raises(WeightsError) as caught:
        read(path, "w")
    assert [each.code for each in caught.value.diagnostics] == ["DS403"]


@pytest.mark.parametrize(
    "header",
    [b"{", b"\xff{", b'{"a": 1, "a": 1}', b"[" * 100_000, b"9" * 5000],
)
def test_headers_that_are_not_json(header: bytes, tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        read(place(tmp_path, header), "w")
    assert [each.code for each in caught.value.diagnostics] == ["DS403"]


def test_an_empty_tensor_is_valid(tmp_path: Path) -> None:
    found = read(place(tmp_path, empty(3, 0, 5)), "w")
    assert found["none"].shape == (3, 0, 5)


@pytest.mark.parametrize("kind", ["F6_E2M3", "F6_E3M2"])
def test_a_type_that_torch_does_not_have_is_not_damage(
    kind: str, tmp_path: Path
) -> None:
    with pytest.raises(WeightsError) as caught:
        read(place(tmp_path, entry(dtype=kind, shape=[8]), b"\0" * 6), "w")
    (found,) = caught.value.diagnostics
    assert found.code == "DS403"  # its bytes do not fit: eight numbers of six bits
    path = place(tmp_path, entry(dtype=kind, shape=[8], data_offsets=[0, 6]), b"\0" * 6)
    with pytest.raises(WeightsError) as caught:
        read(path, "w")
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == (
        "DS407",
        f"a has the type {kind}, which torch does not have",
    )


@pytest.mark.parametrize(
    ("kind", "width"),
    [
        ("U16", 2),
        ("U32", 4),
        ("U64", 8),
        ("F8_E8M0", 1),
        ("F8_E4M3FNUZ", 1),
        ("F8_E5M2FNUZ", 1),
        ("C64", 8),
        ("F4", 0.5),
    ],
)
def test_unusable_types_are_reported_by_the_plan(
    kind: str, width: float, tmp_path: Path
) -> None:
    """They are read, and refused if the model needs them."""
    state = state_of(PLAIN)
    del state["norm.bias"]
    save_file(state, tmp_path / "w")
    raw = (tmp_path / "w").read_bytes()
    start = 8 + int.from_bytes(raw[:8], "little")
    header, data = json.loads(raw[8:start]), raw[start:]
    end = len(data)
    size = int(24 * width)
    header["norm.bias"] = {
        "dtype": kind,
        "shape": [24],
        "data_offsets": [end, end + size],
    }
    checkpoint = open_checkpoint(place(tmp_path, header, data + bytes(size)))
    plan = make_plan(deit_spec.lower(PLAIN), checkpoint)
    codes = [found.code for found in plan.diagnostics]
    assert "DS407" in codes
    assert "DS403" not in codes
    (found,) = (each for each in plan.diagnostics if each.code == "DS407")
    assert found.message.startswith("norm.bias has the type")


@given(st.data())
def test_headers_changed_entry_by_entry(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """A well-formed header with wrong values gives tensors or a finding."""
    folder = tmp_path_factory.mktemp("f")
    header = json.loads(json.dumps({**entry(), **empty(0, 3)}))
    number = st.one_of(
        st.integers(0, 9),
        st.sampled_from([-1, 2**31, 2**32, 2**53, 2**62, 2**63, 2**64, 10**30]),
        st.sampled_from([True, None, 0.0, 1e400, "2", [], {}]),
    )
    kinds = st.sampled_from(["F32", "F16", "U8", "F4", "F6_E2M3", "F8_E8M0", "X", 3])
    for key in ("a", "none"):
        if data.draw(st.booleans()):
            header[key]["shape"] = data.draw(st.lists(number, max_size=4))
        if data.draw(st.booleans()):
            header[key]["data_offsets"] = data.draw(st.lists(number, max_size=3))
        if data.draw(st.booleans()):
            header[key]["dtype"] = data.draw(kinds)
        if data.draw(st.booleans()):
            del header[key][data.draw(st.sampled_from(sorted(header[key])))]
    path = place(folder, header)
    try:
        size = sum(t.nbytes for t in open_checkpoint(path).tensors.values())
    except WeightsError as error:
        codes = {found.code for found in error.diagnostics}
    else:
        codes = set()
        assert size == 8
    assert codes <= {"DS403", "DS407"}
