"""The metadata of our safetensors files: a spec that needs no guess."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.checkpoints import DEIT3, DISTILLED, PLAIN, spec_of, state_of

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
    span = raised.value.diagnostics[0].primary.span
    assert span.source.name.startswith(str(path))


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
