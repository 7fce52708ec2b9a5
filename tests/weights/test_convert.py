"""From one format to another and back; written whole or not at all."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest
import torch
from peers import import_timm
from safetensors import safe_open
from support.checkpoints import DEIT3, DISTILLED, PLAIN, same, save, state_of

import deit_spec
from deit_spec.model.library_preprocessing import to_transformers
from deit_spec.model.preprocessing import Preprocessing
from deit_spec.weights import To, Writing, convert, make_plan, open_checkpoint

IMAGES = to_transformers(Preprocessing(32))


def written(spec: Any, source: Path, out: Path, to: str, **options: Any) -> Path:
    graph = deit_spec.compile(spec).graph
    checkpoint = open_checkpoint(source)
    plan = make_plan(graph, checkpoint)
    options = {"preprocessing": IMAGES, **options}
    convert(graph, plan, checkpoint, Writing(out, To(to), **options))
    return out


@pytest.mark.parametrize("spec", [DISTILLED, PLAIN])
def test_a_round_trip_gives_the_same_bytes(
    spec: dict[str, Any], tmp_path: Path
) -> None:
    """From the original repository to timm, transformers and back.

    The order of the tensors is that of the repository's and of timm's modules.
    """
    name = "deit_tiny_patch16_224"
    if spec["variant"].get("distillation_token", True):
        name = "deit_tiny_distilled_patch16_224"
    with torch.device("meta"):
        order = list(import_timm().create_model(name).state_dict())
    held = state_of(spec)
    state = {key: held[key] for key in order if key in held}
    assert len(state) == len(held)
    first = tmp_path / "first.pth"
    with first.open("wb") as file:
        torch.save({"model": state}, file)
    timm = written(spec, first, tmp_path / "timm.safetensors", "timm")
    hf = written(spec, timm, tmp_path / "hf", "hf")
    last = written(spec, hf, tmp_path / "last.pth", "deit")
    found = torch.load(last, weights_only=True)
    assert same(found["model"], state)
    assert last.read_bytes() == first.read_bytes()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_the_same_tensors_give_the_same_bytes(suffix: str, tmp_path: Path) -> None:
    """Whatever the name of the file is."""
    first = save({"model": state_of(PLAIN)}, tmp_path / "w.pth")
    one, other = (
        written(PLAIN, first, tmp_path / f"{name}{suffix}", "deit").read_bytes()
        for name in ("one", "other")
    )
    assert one == other


def test_a_round_trip_of_deit3(tmp_path: Path) -> None:
    """The repository says gamma_1 where timm says ls1.gamma."""
    state = state_of(DEIT3)
    first = save(state, tmp_path / "timm.pth")
    deit = written(DEIT3, first, tmp_path / "deit.pth", "deit")
    assert "blocks.1.gamma_2" in torch.load(deit, weights_only=True)["model"]
    last = written(DEIT3, deit, tmp_path / "last.pth", "timm")
    assert same(torch.load(last, weights_only=True), state)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_timm_opens_what_we_write(suffix: str, tmp_path: Path) -> None:
    """By a spec of the published size; timm is strict about names."""
    name = "deit_tiny_distilled_patch16_224"
    spec = {
        "embed_dim": 192,
        "num_heads": 3,
        "num_classes": 7,
        "teacher_num_classes": 7,
    }
    torch.manual_seed(0)
    ours = deit_spec.load(spec).eval()
    path = save({"model": ours.state_dict()}, tmp_path / "w.pt")
    out = written(spec, path, tmp_path / f"timm{suffix}", "timm")
    theirs = import_timm().create_model(name, num_classes=7, checkpoint_path=str(out))
    images = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(
            ours.predict(images), theirs.eval()(images), rtol=0, atol=1e-5
        )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_dtype(dtype: torch.dtype, tmp_path: Path) -> None:
    state = state_of(DISTILLED)
    path = save(state, tmp_path / "w.pth")
    half = written(DISTILLED, path, tmp_path / "hf", "hf", dtype=dtype)
    name = str(dtype).removeprefix("torch.")
    assert f'"torch_dtype": "{name}"' in (half / "config.json").read_text()
    kept = written(DISTILLED, half, tmp_path / "w.safetensors", "timm")
    with safe_open(kept, "pt") as file:
        assert all(
            torch.equal(file.get_tensor(key), state[key].to(dtype)) for key in state
        )


def test_files_are_no_larger_than_their_tensors(tmp_path: Path) -> None:
    """Parts of a larger tensor are not written with all of it."""
    table = torch.randn(1000, 24)
    state = {**state_of(PLAIN), "norm.weight": table[0], "norm.bias": table[1]}
    out = written(PLAIN, save(state, tmp_path / "w.pth"), tmp_path / "o.pth", "timm")
    assert out.stat().st_size < (tmp_path / "w.pth").stat().st_size - table.nbytes // 2


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return save(state_of(DISTILLED), tmp_path / "w.pth")


def test_nothing_is_replaced_without_force(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.pth"
    out.write_text("mine")
    with pytest.raises(FileExistsError):
        written(DISTILLED, source, out, "deit")
    assert out.read_text() == "mine"
    written(DISTILLED, source, out, "deit", force=True)
    assert same(torch.load(out, weights_only=True)["model"], state_of(DISTILLED))
    written(DISTILLED, source, out, "timm", force=True)
    assert same(torch.load(out, weights_only=True), state_of(DISTILLED))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.pth", "w.pth"]


def test_the_checkpoint_is_not_overwritten(source: Path, tmp_path: Path) -> None:
    """Not by its name, a link to it, a file in it, nor the directory around it."""
    soft, hard = tmp_path / "soft.pth", tmp_path / "hard.pth"
    soft.symlink_to(source)
    hard.hardlink_to(source)
    hf = written(DISTILLED, source, tmp_path / "hf", "hf")
    linked = tmp_path / "linked"
    linked.symlink_to(hf)
    model = hf / "model.safetensors"
    bytes_of = {path: path.read_bytes() for path in (source, *hf.iterdir())}
    for read, out, to in (
        (source, source, "timm"),
        (source, soft, "timm"),
        (source, hard, "timm"),
        (soft, source, "deit"),
        (hf, model, "timm"),
        (hf, hf, "hf"),
        (hf, linked, "hf"),
        (model, hf, "hf"),
        (model, linked / "model.safetensors", "timm"),
    ):
        with pytest.raises(FileExistsError, match="this is the checkpoint"):
            written(DISTILLED, read, out, to, force=True)
    assert {path: path.read_bytes() for path in bytes_of} == bytes_of
    assert soft.is_symlink()
    assert hard.samefile(source)


def test_a_link_stays_a_link(source: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.pth"
    link.symlink_to(tmp_path / "real.pth")
    with pytest.raises(FileExistsError):
        written(DISTILLED, source, link, "deit")
    written(DISTILLED, source, link, "deit", force=True)
    assert link.is_symlink()
    assert (tmp_path / "real.pth").is_file()


def test_only_files_of_the_format_are_replaced(source: Path, tmp_path: Path) -> None:
    """An existing directory is filled; with `force` its three files are replaced."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "notes.txt").write_text("mine")
    out = tmp_path / "hf"
    out.symlink_to("real")
    written(DISTILLED, source, out, "hf")
    with pytest.raises(
        FileExistsError, match="already exists; use --force to overwrite it"
    ):
        written(DISTILLED, source, out, "hf")
    (out / "config.json").write_text("old")
    written(DISTILLED, source, out, "hf", force=True)
    assert (out / "config.json").read_text() != "old"
    assert (out / "notes.txt").read_text() == "mine"
    assert out.is_symlink()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["hf", "real", "w.pth"]


@pytest.mark.parametrize("force", [True, False])
def test_files_and_directories_differ(
    force: bool,  # noqa: FBT001
    source: Path,
    tmp_path: Path,
) -> None:
    (tmp_path / "out.pth").mkdir()
    (tmp_path / "out").touch()
    for to, path in (("hf", tmp_path / "out"), ("timm", tmp_path / "out.pth")):
        with pytest.raises(OSError, match=r"[Ee]xists|Is a directory"):
            written(DISTILLED, source, path, to, force=force)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "out.pth", "w.pth"]


def test_a_file_is_refused_before_the_conversion(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").touch()
    monkeypatch.setitem(convert.__globals__, "realise", None)
    with pytest.raises(FileExistsError, match="it exists and is not a directory"):
        written(DISTILLED, source, tmp_path / "out", "hf", force=True)


def test_the_weights_are_moved_last(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And every file is on the disk before the first one is moved."""
    events: list[str] = []
    replace, sync = Path.replace, os.fsync

    def record_replace(path: Path, target: Path) -> Path:
        if target.parent == tmp_path / "hf":
            events.append(target.name)
        return replace(path, target)

    def record_sync(handle: int) -> None:
        if stat.S_ISREG(os.fstat(handle).st_mode):
            events.append("sync")
        sync(handle)

    monkeypatch.setattr(Path, "replace", record_replace)
    monkeypatch.setattr(os, "fsync", record_sync)
    written(DISTILLED, source, tmp_path / "hf", "hf")
    names = ["config.json", "preprocessor_config.json", "model.safetensors"]
    assert events == ["sync", "sync", "sync", *names]


def test_the_current_directory(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    written(DISTILLED, source, Path(), "hf")
    names = ["config.json", "model.safetensors", "preprocessor_config.json"]
    assert sorted(p.name for p in Path().iterdir()) == names


@pytest.mark.parametrize("to", ["hf", "timm", "deit"])
@pytest.mark.parametrize("there", [True, False])
def test_a_failed_conversion_changes_nothing(
    to: str,
    there: bool,  # noqa: FBT001
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / ("hf" if to == "hf" else "out.pth")
    if there:
        written(DISTILLED, source, out, to)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    for place in ("torch.save", "deit_spec.weights.safetensors_file.write"):
        monkeypatch.setattr(place, full)
    with pytest.raises(OSError, match="No space"):
        written(DISTILLED, source, out, to, force=there)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
    assert out.exists() == there


@pytest.mark.parametrize("to", ["timm", "deit"])
def test_another_extension_is_refused(to: str, source: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must be \.safetensors, .* or \.bin"):
        written(DISTILLED, source, tmp_path / "out.yaml", to)


def test_values_beyond_the_range_are_reported(tmp_path: Path) -> None:
    """By the names and the values that become infinite; what is infinite stays."""
    state = state_of(DISTILLED)
    state["head.bias"][:3] = torch.tensor([70_000.0, -80_000.0, 65_504.0])
    state["norm.weight"][0] = 1e30
    state["norm.bias"][0] = torch.inf
    path = save(state, tmp_path / "w.pth")
    checkpoint, graph = open_checkpoint(path), deit_spec.compile(DISTILLED).graph
    plan = make_plan(graph, checkpoint)
    half, brain = tmp_path / "half.pth", tmp_path / "brain.pth"
    writing = Writing(half, To.TIMM, torch.float16)
    (found,) = convert(graph, plan, checkpoint, writing)
    assert (found.code, found.primary.span.source.name) == ("DS427", str(path))
    assert found.message == "2 tensors have values beyond the range of float16"
    values = "norm.weight with 1e+30, head.bias with -80,000"
    assert found.notes == (f"values above 65,504 become infinite: {values}",)
    assert found.helps[0].startswith("`--dtype bfloat16`")
    assert torch.load(half, weights_only=True)["head.bias"][1] == -torch.inf
    writing = Writing(brain, To.TIMM, torch.bfloat16)
    assert convert(graph, plan, checkpoint, writing) == ()


def test_metadata_is_in_one_file(source: Path, tmp_path: Path) -> None:
    """A folder has the same in its config, and torch.save has no place for it."""
    metadata = {"deit_spec.version": "0"}
    for to, name in (("deit", "d.safetensors"), ("timm", "t.safetensors")):
        out = written(DISTILLED, source, tmp_path / name, to, metadata=metadata)
        with safe_open(out, "pt") as file:
            assert file.metadata() == {"format": "pt", **metadata}
    out = written(DISTILLED, source, tmp_path / "timm", "timm", metadata=metadata)
    with safe_open(out / "model.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt"}
