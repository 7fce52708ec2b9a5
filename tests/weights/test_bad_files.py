"""Bad files: always a finding, never a traceback, and nothing is ever run.

A flipped bit in the numbers of a safetensors file cannot be seen: the format has
no checksum. torch's zip files have one for every record, and it is compared.
"""

import argparse
import io
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
from safetensors.torch import save as safetensors_bytes
from support.checkpoints import PLAIN, model_of, same, state_of
from torch import Tensor

import deit_spec
from deit_spec import cli
from deit_spec.weights import WeightsError, open_checkpoint

STATE = state_of(PLAIN)


def torch_bytes(value: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return buffer.getvalue()


GOOD = {
    "safetensors": safetensors_bytes(STATE),
    "zip": torch_bytes({"model": STATE, "epoch": 3}),
    "legacy": torch_bytes(STATE, _use_new_zipfile_serialization=False),
}
KINDS = st.sampled_from(sorted(GOOD))


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


@given(KINDS, st.data())
def test_truncated(place: Path, kind: str, data: st.DataObject) -> None:
    """No shorter file is taken, wherever it ends."""
    whole = GOOD[kind]
    near = st.integers(0, 400) | st.integers(len(whole) - 400, len(whole) - 1)
    end = data.draw(near | st.integers(0, len(whole) - 1))
    assert load(place, whole[:end]) is None


@given(KINDS, st.data())
def test_flipped_bits(place: Path, kind: str, data: st.DataObject) -> None:
    changed = bytearray(GOOD[kind])
    head = 3000 if kind == "safetensors" else len(changed)
    places = st.integers(0, head - 1) | st.integers(0, len(changed) - 1)
    for at in data.draw(st.lists(places, min_size=1, max_size=3)):
        changed[at] ^= 1 << data.draw(st.integers(0, 7))
    found = load(place, bytes(changed))
    if kind == "zip" and found is not None:
        assert same(found, STATE)  # only what means nothing was changed


@given(KINDS, st.data())
def test_pieces_cut_out_put_in_and_overwritten(
    place: Path, kind: str, data: st.DataObject
) -> None:
    whole = GOOD[kind]
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(start + 64, len(whole))))
    put = data.draw(st.binary(max_size=64))
    found = load(place, whole[:start] + put + whole[end:])
    if kind == "zip" and found is not None:
        assert same(found, STATE)


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


def archive(records: dict[str, bytes], **options: Any) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as file:
        for name, data in records.items():
            file.writestr(name, data)
    return buffer.getvalue()


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


@given(KINDS, st.data())
def test_the_commands_end_well(
    tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject
) -> None:
    """Whatever the file: exit 0 or 1, no defect of ours, nothing half-written."""
    folder = tmp_path_factory.mktemp("f")
    changed = bytearray(GOOD[kind])
    for at in data.draw(st.lists(st.integers(0, 2000), max_size=3)):
        changed[at] ^= 1 << data.draw(st.integers(0, 7))
    bad, spec, out = folder / "w", folder / "s.yaml", folder / "hf"
    bad.write_bytes(changed[: data.draw(st.integers(0, len(changed)) | st.none())])
    spec.write_text(deit_spec.load_spec(PLAIN).model_dump_json(exclude={"extends"}))
    command = data.draw(st.sampled_from(["plan", "convert", "inspect"]))
    arguments = {
        "plan": [str(spec), str(bad), "--output-format", "json"],
        "convert": [str(spec), str(bad), "-o", str(out), "--to", "hf", "--no-strict"],
        "inspect": [str(bad)],
    }[command]
    code = run("weights", command, *arguments)
    assert code in {0, 1}
    written = {each.name for each in folder.iterdir()}
    assert written == {"w", "s.yaml"} | (
        {"hf"} if command == "convert" and not code else set()
    )
