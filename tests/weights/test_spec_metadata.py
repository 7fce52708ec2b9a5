"""The metadata of safetensors files: the spec is read, not inferred."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from support.checkpoints import DEIT3, DISTILLED, PLAIN, model_of, spec_of, state_of
from support.commands import run

import deit_spec
from deit_spec.weights import WeightsError, inspect, open_checkpoint, safetensors_file
from deit_spec.weights.spec_metadata import make_metadata

ALL = {
    **DISTILLED,
    "num_heads": 2,
    "dropout": 0.1,
    "name": "birds",
    "variant": {"init": "fan_in", "layer_norm_eps": 1e-5, "fusion": "dist"},
}
SINGLE = {**PLAIN, "variant": {"init": "fan_in"}}
"""A distillation token, and one head."""


def write(path: Path, state: Any, metadata: dict[str, str]) -> Path:
    with path.open("wb") as file:
        safetensors_file.write(file, state, metadata=metadata)
    return path


@pytest.mark.parametrize("spec", [ALL, DISTILLED, PLAIN, DEIT3])
def test_inspect_finds_the_whole_spec(tmp_path: Path, spec: dict[str, Any]) -> None:
    """Also what no shape shows: heads, dropout, the epsilon and the fusion."""
    checked = deit_spec.load_spec(spec)
    path = write(tmp_path / "a.safetensors", state_of(spec), make_metadata(checked))
    for opened in (path, path.rename(tmp_path / "model.safetensors"), tmp_path):
        if not opened.exists():
            continue
        found = inspect(open_checkpoint(opened))
        assert found.diagnostics == ()
        assert spec_of(found.as_yaml()) == checked


def change(metadata: dict[str, str], **values: Any) -> dict[str, str]:
    spec = {**json.loads(metadata["deit_spec.spec"]), **values}
    return {**metadata, "deit_spec.spec": json.dumps(spec)}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"depth": 3}, "depth is 2 in the checkpoint and 3 in the spec"),
        ({"num_classes": 7}, "2 tensors would need `heads`"),
        ({"image_size": 64}, "1 tensor would need `resample`"),
    ],
)
def test_a_spec_of_other_weights(
    tmp_path: Path, values: dict[str, Any], message: str
) -> None:
    metadata = make_metadata(deit_spec.load_spec({**DISTILLED, **values}))
    path = write(tmp_path / "model.safetensors", state_of(DISTILLED), metadata)
    with pytest.raises(WeightsError) as raised:
        inspect(open_checkpoint(path))
    codes = {each.code for each in raised.value.diagnostics}
    assert codes == {"DS425"}
    assert message in raised.value.diagnostics[0].message


def test_a_spec_that_was_edited(tmp_path: Path) -> None:
    """No shape shows the number of heads, but the digest depends on it."""
    metadata = change(make_metadata(deit_spec.load_spec(DISTILLED)), num_heads=6)
    path = write(tmp_path / "model.safetensors", state_of(DISTILLED), metadata)
    with pytest.raises(WeightsError, match="the digest in the metadata is") as raised:
        inspect(open_checkpoint(path))
    assert raised.value.diagnostics[0].code == "DS425"
    # Another version may compute another digest of the same spec.
    metadata["deit_spec.version"] = "0.0.1"
    found = inspect(open_checkpoint(write(path, state_of(DISTILLED), metadata)))
    assert found.values["num_heads"] == 6


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"embed_dim": "a"}', "\0"])
def test_damaged_metadata(tmp_path: Path, text: str) -> None:
    metadata = {**make_metadata(deit_spec.load_spec(PLAIN)), "deit_spec.spec": text}
    path = write(tmp_path / "model.safetensors", state_of(PLAIN), metadata)
    with pytest.raises(WeightsError) as raised:
        inspect(open_checkpoint(path))
    first = raised.value.diagnostics[0]
    assert str(first.primary.span) == f"{path}:1:1"
    # Without any text, it is a valid spec, but of another model.
    assert not text or first.notes[0] == "in its metadata (deit_spec.spec)"


@pytest.mark.parametrize(
    ("written", "other", "message"),
    [
        (
            DISTILLED,
            {"num_heads": 6},
            "error[DS415]: num_heads is 3 in the metadata and 6 in the spec",
        ),
        (
            SINGLE,
            {"variant": {"init": "fan_in", "readout": "mean_tokens"}},
            'error[DS415]: readout is "cls" in the metadata and "mean_tokens" in the',
        ),
        (
            PLAIN,
            {"variant": {**PLAIN["variant"], "layer_norm_eps": 1e-2}},
            "warning[DS416]: layer_norm_eps is 1e-06 in the metadata and 0.01 in the",
        ),
    ],
)
def test_a_spec_that_computes_something_else(
    tmp_path: Path, written: dict[str, Any], other: dict[str, Any], message: str
) -> None:
    """The tensors fit both specs, and the outputs differ."""
    model = model_of(written).eval()
    metadata = make_metadata(deit_spec.load_spec(written))
    path = write(tmp_path / "a.safetensors", model.state_dict(), metadata)
    images = torch.randn(2, 3, 32, 32)
    changed = deit_spec.load({**written, **other}).eval()
    changed.load_state_dict(model.state_dict())
    assert not torch.allclose(changed.predict(images), model.predict(images), atol=1e-3)
    same = deit_spec.load(written, weights=path).eval()
    assert torch.equal(same.predict(images), model.predict(images))
    spec = tmp_path / "spec.yaml"
    spec.write_text(json.dumps({**written, **other}))
    found = run("weights", "plan", str(spec), str(path))
    assert message in found.stderr + found.stdout
    assert found.returncode == message.startswith("error")


def test_a_new_head_may_read_other_tokens(tmp_path: Path) -> None:
    metadata = make_metadata(deit_spec.load_spec(SINGLE))
    path = write(tmp_path / "a.safetensors", state_of(SINGLE), metadata)
    variant = {**SINGLE["variant"], "readout": "mean_tokens"}
    spec = {**SINGLE, "num_classes": 7, "variant": variant}
    deit_spec.load(spec, weights=path, allow={"heads"})


def test_a_run_describes_itself(trained_run: Path) -> None:
    found = inspect(open_checkpoint(trained_run / "model.safetensors"))
    assert found.diagnostics == ()
    assert spec_of(found.as_yaml()) == deit_spec.load_spec(trained_run / "spec.yaml")
    metadata = found.checkpoint.metadata
    assert json.loads(metadata["deit_spec.classes"]) == list("0123456789")
    assert json.loads(metadata["deit_spec.preprocessing"]) == {
        "size": 8,
        "channels": 1,
        "crop": 1.0,
        "interpolation": "bicubic",
        "mean": [0.3053],
        "std": [0.3760],
        "resize": "shorter",
        "offset": "round",
    }
    assert metadata["deit_spec.version"] == deit_spec.__version__
