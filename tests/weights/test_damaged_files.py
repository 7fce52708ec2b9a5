"""Damaged files: a finding, never a traceback."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.checkpoints import PLAIN, same
from support.commands import run
from support.corruption import (
    GOOD,
    KINDS,
    STATE,
    corrupted,
    flipped,
    spliced,
    truncated,
)
from torch import Tensor

import deit_spec
from deit_spec.weights import WeightsError


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bad") / "w.pth"


def load(place: Path, data: bytes) -> dict[str, Tensor] | None:
    """The state of a loaded model, or None if it was refused with findings."""
    place.unlink(missing_ok=True)
    place.write_bytes(data)
    try:
        model = deit_spec.load(PLAIN, weights=place, strict=False)
    except WeightsError as error:
        refused = error
    else:
        return dict(model.state_dict())
    assert refused.diagnostics
    assert all(each.code.startswith("DS4") for each in refused.diagnostics)
    assert str(refused)
    return None


@pytest.mark.parametrize("kind", GOOD)
def test_undamaged_files_load(kind: str, place: Path) -> None:
    found = load(place, GOOD[kind])
    assert found is not None
    assert same(found, STATE)


@given(KINDS.flatmap(lambda kind: truncated(GOOD[kind])))
def test_truncated(place: Path, data: bytes) -> None:
    """No truncated file is accepted, wherever it ends."""
    assert load(place, data) is None


@given(flipped(GOOD["zip"]) | spliced(GOOD["zip"]))
def test_checksums_are_compared(place: Path, data: bytes) -> None:
    """If a damaged zip file is accepted, its tensors are the same."""
    found = load(place, data)
    assert found is None or same(found, STATE)


@given(corrupted())
def test_corrupted(place: Path, data: bytes) -> None:
    load(place, data)


@given(
    st.sampled_from([b"", b"PK\x03\x04", b"\x80\x02", b"\x10" + b"\0" * 7 + b"{"]),
    st.binary(max_size=300),
)
@example(b"", b"")
@example(b"\x80\x02", b"}.")
@example(b"\x02" + b"\0" * 7, b"{}")
def test_anything_at_all(place: Path, start: bytes, rest: bytes) -> None:
    assert load(place, start + rest) is None


SPEC = deit_spec.load_spec(PLAIN).model_dump_json(exclude={"extends"})


COMMANDS = {
    "plan": ["plan", "s.yaml", "w", "--output-format", "json"],
    "inspect": ["inspect", "w", "-o", "out"],
    "hf": ["convert", "s.yaml", "w", "-o", "out", "--to", "hf", "--no-strict"],
    "timm": ["convert", "s.yaml", "w", "-o", "out.pth", "--to", "timm"],
}


LAYOUTS = ("a file", "a directory", "shards")


def lay(folder: Path, layout: str, data: bytes) -> None:
    """Write a damaged file as a checkpoint, or beside an undamaged one."""
    (folder / "s.yaml").write_text(SPEC)
    if layout == "a file":
        (folder / "w").write_bytes(data)
        return
    (folder / "w").mkdir()
    if layout == "a directory":
        (folder / "w" / "model.safetensors").write_bytes(data)
        return
    (folder / "w" / "1.bin").write_bytes(data)
    (folder / "w" / "2.bin").write_bytes(GOOD["safetensors"])
    places = {"cls_token": "1.bin", "pos_embed": "2.bin"}
    index = json.dumps({"weight_map": places})
    (folder / "w" / "pytorch_model.bin.index.json").write_text(index)


@given(corrupted(), st.sampled_from(LAYOUTS), st.sampled_from(sorted(COMMANDS)))
def test_commands_report_damage(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, layout: str, command: str
) -> None:
    """The exit code is 0 or 1, never 3, and on 1 nothing is written."""
    folder = tmp_path_factory.mktemp("f")
    lay(folder, layout, data)
    before = sorted(folder.rglob("*"))
    done = run("weights", *COMMANDS[command], cwd=folder)
    assert done.returncode in {0, 1}
    assert ("error[DS4" in done.stderr) == (done.returncode == 1)
    if done.returncode:
        assert sorted(folder.rglob("*")) == before
