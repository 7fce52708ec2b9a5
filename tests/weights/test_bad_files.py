"""Bad files: always a finding, never a traceback, and nothing is ever run.

A flipped bit in the numbers of a safetensors file cannot be seen: the format has
no checksum. torch's zip files have one for every record, and it is compared.
"""

import argparse
import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from support.checkpoints import PLAIN, model_of, same
from support.corruption import (
    GOOD,
    KINDS,
    STATE,
    archive,
    flipped,
    spliced,
    spoiled,
    torch_bytes,
    truncated,
)
from torch import Tensor

import deit_spec
from deit_spec import cli
from deit_spec.weights import WeightsError, open_checkpoint


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bad") / "w.pth"


def load(place: Path, data: bytes) -> dict[str, Tensor] | None:
    """The state of a loaded model, or None where it was refused with findings."""
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
def test_they_are_good(kind: str, place: Path) -> None:
    found = load(place, GOOD[kind])
    assert found is not None
    assert same(found, STATE)


@given(KINDS.flatmap(lambda kind: truncated(GOOD[kind])))
def test_truncated(place: Path, data: bytes) -> None:
    """No shorter file is taken, wherever it ends."""
    assert load(place, data) is None


@given(flipped(GOOD["zip"]) | spliced(GOOD["zip"]))
def test_checksums_are_compared(place: Path, data: bytes) -> None:
    """Of a zip file that is taken, only what means nothing was changed."""
    found = load(place, data)
    assert found is None or same(found, STATE)


@given(spoiled())
def test_spoiled(place: Path, data: bytes) -> None:
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


class Evil:
    """Unpickled, it would write a file."""

    def __init__(self, call: Any, *given: Any) -> None:
        self.parts = (call, given)

    def __reduce__(self) -> Any:
        return self.parts


class EvilNamespace(argparse.Namespace):
    """Looks like what the repository's recipes keep."""


MAKERS: dict[str, Callable[[Any], bytes]] = {
    "torch": torch_bytes,
    "torch, legacy": lambda v: torch_bytes(v, _use_new_zipfile_serialization=False),
    **{
        f"pickle {n}": lambda value, n=n: pickle.dumps(value, protocol=n)
        for n in range(6)
    },
}


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("where", ["alone", "beside", "among", "as a name", "in args"])
@pytest.mark.parametrize("call", ["open", "system", "eval"])
def test_nothing_is_run(
    maker: str, where: str, call: str, tmp_path: Path, capsys: Any
) -> None:
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
    bad.write_bytes(MAKERS[maker](value))
    with pytest.raises(WeightsError) as caught:
        open_checkpoint(bad)
    (found,) = caught.value.diagnostics
    assert found.code == ("DS402" if maker.startswith("pickle") else "DS404")
    for command in (["inspect", str(bad)], ["inspect", str(bad), "-o", str(target)]):
        assert run("weights", *command) == 1
    assert found.code in capsys.readouterr().err
    assert not target.exists()
    assert [each.name for each in tmp_path.iterdir()] == ["w.pth"]


def run(*arguments: str) -> int:
    """Run a command in this process; its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["deit-spec", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
    code = end.value.code
    return code if isinstance(code, int) else 0


def test_a_whole_module_and_another_namespace_need_code(tmp_path: Path) -> None:
    for value in (model_of(PLAIN), {"model": STATE, "args": EvilNamespace(a=1)}):
        path = tmp_path / "w.pth"
        path.write_bytes(torch_bytes(value))
        with pytest.raises(WeightsError) as caught:
            open_checkpoint(path)
        (found,) = caught.value.diagnostics
        assert found.code == "DS404"
        assert "it names" in found.notes[0]


@pytest.mark.parametrize(
    ("version", "refused"),
    [("2.5.1", True), ("2.9.1+cpu", True), ("2.10.0", False), ("3.0.0a0+git1", False)],
)
def test_a_torch_with_a_hole_reads_no_pickles(
    version: str,
    refused: bool,  # noqa: FBT001
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch, "__version__", version)
    for kind, data in GOOD.items():
        found = load(place, data)
        assert (found is None) == (refused and kind != "safetensors")


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
    path = tmp_path / "w.pth"
    path.write_bytes(data)
    with pytest.raises(WeightsError) as caught:
        open_checkpoint(path)
    assert [each.code for each in caught.value.diagnostics] == [code]


SPEC = deit_spec.load_spec(PLAIN).model_dump_json(exclude={"extends"})
COMMANDS = {
    "plan": ["plan", "s.yaml", "w", "--output-format", "json"],
    "inspect": ["inspect", "w", "-o", "out"],
    "hf": ["convert", "s.yaml", "w", "-o", "out", "--to", "hf", "--no-strict"],
    "timm": ["convert", "s.yaml", "w", "-o", "out.pth", "--to", "timm"],
}
LAYOUTS = ("a file", "a directory", "shards")


def lay(folder: Path, layout: str, data: bytes) -> None:
    """Put a bad file where a checkpoint is, or beside a good one."""
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


@given(spoiled(), st.sampled_from(LAYOUTS), st.sampled_from(sorted(COMMANDS)))
def test_the_commands_end_well(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, layout: str, command: str
) -> None:
    """Exit 0 or 1, no defect of ours, and what is refused writes nothing."""
    folder = tmp_path_factory.mktemp("f")
    lay(folder, layout, data)
    before = sorted(folder.rglob("*"))
    told = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("sys.stderr", told)
        code = run("weights", *COMMANDS[command])
    assert code in {0, 1}
    assert ("error[DS4" in told.getvalue()) == (code == 1)
    if code:
        assert sorted(folder.rglob("*")) == before
