"""A built model is an ordinary torch module."""

import copy
import io
import pickle
import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from support.execution import images_for
from torch import Tensor, nn

import deit_spec
from deit_spec.runtime import import_source

TINY = Path(__file__).parents[2] / "specs" / "tiny.yaml"


@pytest.fixture
def model() -> nn.Module:
    return deit_spec.load(TINY).eval()


@pytest.fixture
def images() -> Tensor:
    return images_for(deit_spec.load_spec(TINY))


def equal(one: nn.Module, other: nn.Module, images: Tensor) -> bool:
    return all(
        torch.equal(a, b) for a, b in zip(one(images), other(images), strict=True)
    )


def test_pickle_copy_and_save(model: nn.Module, images: Tensor) -> None:
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    copies = [
        pickle.loads(pickle.dumps(model)),
        copy.deepcopy(model),
        torch.load(file, weights_only=False),
    ]
    for other in copies:
        assert type(other) is type(model)
        assert equal(model, other, images)
    output = pickle.loads(pickle.dumps(model(images)))
    assert type(output).__name__ == "DeiTOutput"


@pytest.mark.parametrize("target", ["train", "inference"])
def test_compile_without_breaks(images: Tensor, target: str) -> None:
    model = deit_spec.load(TINY, target=target).eval()
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(images), model(images))
    assert torch._dynamo.explain(model)(images).graph_break_count == 0


def test_compile_in_training(images: Tensor) -> None:
    """Dropout and drop path do not break the graph."""
    spec = {**deit_spec.load_spec(TINY).model_dump(), "dropout": 0.1}
    spec["variant"]["drop_path"] = 0.1
    model = deit_spec.load(spec).train()
    torch.compile(model, fullgraph=True, backend="eager")(images).cls.sum().backward()


def test_export_saves(model: nn.Module, images: Tensor) -> None:
    """An exported inference model can be saved and loaded, for any batch size."""
    inference = deit_spec.load(TINY, target="inference").eval()
    inference.load_state_dict(model.state_dict())
    batch = torch.export.Dim("batch")
    exported = torch.export.export(inference, (images,), dynamic_shapes=({0: batch},))
    file = io.BytesIO()
    torch.export.save(exported, file)
    file.seek(0)
    again = torch.export.load(file).module()
    more = images.repeat(3, 1, 1, 1)
    torch.testing.assert_close(again(more), model.predict(more))


def test_traceback_shows_generated_lines(model: nn.Module) -> None:
    with pytest.raises(ValueError, match=r"expected images \[B, 1, 8, 8\]") as caught:
        model(torch.zeros(2, 3, 8, 8))
    text = "".join(traceback.format_exception(caught.value))
    assert 'raise ValueError(f"expected images {expected}, got {found}")' in text


def test_equal_source_is_one_module() -> None:
    assert type(deit_spec.load(TINY)) is type(deit_spec.load(TINY))
    assert type(deit_spec.load(TINY)) is not type(
        deit_spec.load(TINY, target="inference")
    )


def test_seed_decides_weights(images: Tensor) -> None:
    torch.manual_seed(3)
    one = deit_spec.load(TINY).eval()
    torch.manual_seed(3)
    assert equal(one, deit_spec.load(TINY).eval(), images)


@pytest.mark.parametrize("dtype", ["bfloat16", torch.float64])
def test_dtype(dtype: str | torch.dtype) -> None:
    wanted = getattr(torch, dtype) if isinstance(dtype, str) else dtype
    model = deit_spec.load(TINY, dtype=dtype)
    assert {p.dtype for p in model.parameters()} == {wanted}
    out = model(torch.zeros(1, 1, 8, 8, dtype=wanted))
    assert out.cls.dtype == wanted


def test_unknown_dtype_and_target_are_refused() -> None:
    with pytest.raises(ValueError, match="dtype must be one of float32"):
        deit_spec.load(TINY, dtype="float23")
    with pytest.raises(ValueError, match="target must be one of train, inference"):
        deit_spec.load(TINY, target="test")


@pytest.mark.parametrize("dtype", [torch.int32, torch.complex64, 3, "int64"])
def test_only_floating_types(dtype: object) -> None:
    with pytest.raises(ValueError, match="dtype must be one of"):
        deit_spec.load(TINY, dtype=dtype)


@pytest.mark.parametrize("spec", [None, [], 3, b"specs/base.yaml"])
def test_values_that_are_not_a_spec(spec: object) -> None:
    with pytest.raises(TypeError, match="a spec is a path, a mapping or a DeiTSpec"):
        deit_spec.load(spec)


def test_warnings_are_kept() -> None:
    compiled = deit_spec.compile({"teacher_num_classes": 5, "depth": 1})
    assert [found.code for found in compiled.diagnostics] == ["DS208"]


def test_threads_share_a_module() -> None:
    """No thread gets a module that is still being executed."""
    source = deit_spec.compile({"depth": 1, "name": "threads"}).source
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            models = list(
                pool.map(lambda _: import_source(source, "t").DeiT, range(64))
            )
    finally:
        sys.setswitchinterval(before)
    assert len(set(models)) == 1


def test_device() -> None:
    model = deit_spec.load(TINY, device="meta")
    assert {p.device.type for p in model.parameters()} == {"meta"}


STANDALONE = """
import sys
sys.modules["deit_spec"] = None  # importing it fails
sys.path.insert(0, sys.argv[1])
import torch
import model as generated
model = generated.DeiT().eval()
model.load_state_dict(torch.load(sys.argv[1] + "/weights.pt"), strict=True)
out = model(torch.load(sys.argv[1] + "/images.pt"))
torch.save(tuple(out), sys.argv[1] + "/out.pt")
ours = ("deit_spec.", "networkx", "pydantic")
assert not any(name.startswith(ours) for name in sys.modules)
"""


def test_written_module_stands_alone(
    model: nn.Module, images: Tensor, tmp_path: Path
) -> None:
    """Without deit-spec the written module gives the same outputs, bit for bit."""
    (tmp_path / "model.py").write_text(deit_spec.compile(TINY).source, encoding="utf-8")
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    torch.save(images, tmp_path / "images.pt")
    command = [sys.executable, "-W", "ignore", "-c", STANDALONE, str(tmp_path)]
    subprocess.run(command, check=True)
    for found, wanted in zip(
        torch.load(tmp_path / "out.pt"), model(images), strict=True
    ):
        assert torch.equal(found, wanted)
