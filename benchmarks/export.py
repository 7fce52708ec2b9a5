"""Compare exported ONNX files with those of timm, with the same weights.

    python benchmarks/export.py [--models tiny small] [--engines onnxruntime openvino]
        [--batch N] [--threads N] [--rounds N] [--clock wall | cpu]

All files run in this process in turns, in the same engine and in float32. Ours are
those of `deit_spec.export` with a dynamic and with a fixed batch size. timm's model is
exported by timm's `onnx_export` with the settings of its script, with both exporters of
torch, and by `torch.onnx.export`. The speedup is the median of the time of the fastest
of these divided by theirs in the same round, with the quartiles. The outputs are
compared first.

On a machine with other load, `--clock cpu` measures the time of the processor.
"""

import argparse
import gc
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from paired import SPEEDUP_COLUMNS, all_in_turns, show, speedup
from peers import import_timm
from torch import nn

import deit_spec
from deit_spec.distill.optional_packages import import_package

SIZES = ("tiny", "small", "base")
SIDE = 224
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
TOLERANCE = 1e-5
"""The largest difference between the files, relative to the largest logit."""

Array = np.ndarray[Any, Any]
Run = Callable[[Array], Array]


def export_ours(name: str, weights: Path, folder: Path, batch: int) -> dict[str, Path]:
    """Export our model with a dynamic and with a fixed batch size."""
    files = {}
    for label, fixed in (("ours", None), (f"ours, --batch {batch}", batch)):
        files[label] = folder / f"{label}.onnx"
        deit_spec.export(name, files[label], weights=weights, batch=fixed, check=False)
    return files


def export_theirs(
    name: str, weights: Path, folder: Path, batch: int
) -> dict[str, Path]:
    """Export timm's model in all ways that its users have."""
    timm = import_timm()
    onnx_export = import_package("timm.utils.onnx").onnx_export
    files = {}
    for label, dynamo in (("timm's script", False), ("timm's script, dynamo", True)):
        model = timm.create_model(name, exportable=True)
        model.load_state_dict(torch.load(weights))
        files[label] = folder / f"{label}.onnx"
        size = (3, SIDE, SIDE)
        onnx_export(
            model, files[label], batch_size=batch, input_size=size, use_dynamo=dynamo
        )
    model = timm.create_model(name).eval()
    model.load_state_dict(torch.load(weights))
    for label, opset in (("torch.onnx.export", None), ("torch.onnx.export, 23", 23)):
        files[label] = folder / f"{label}.onnx"
        torch.onnx.export(
            model,
            (torch.zeros(batch, 3, SIDE, SIDE),),
            files[label],
            opset_version=opset,
            external_data=False,
            verbose=False,
        )
    return files


def in_onnxruntime(file: Path, threads: int) -> Run:
    """Open a file in ONNX Runtime."""
    runtime: Any = import_package("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    options.log_severity_level = 3
    session = runtime.InferenceSession(
        str(file), options, providers=["CPUExecutionProvider"]
    )
    name = session.get_inputs()[0].name
    return lambda images: session.run(None, {name: images})[0]  # type: ignore[no-any-return]


def in_openvino(file: Path, threads: int) -> Run:
    """Open a file in OpenVINO, in float32."""
    settings = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
    }
    core: Any = import_package("openvino").Core()
    request = core.compile_model(str(file), "CPU", settings).create_infer_request()
    return lambda images: request.infer([images], share_inputs=True)[0]  # type: ignore[no-any-return]


ENGINES = {"onnxruntime": in_onnxruntime, "openvino": in_openvino}


def require_equal(outputs: Mapping[str, Array]) -> None:
    """Check that all files compute the same logits."""
    first, *others = outputs.values()
    for label, found in zip(list(outputs)[1:], others, strict=True):
        difference = np.abs(found - first).max() / np.abs(first).max()
        if not difference <= TOLERANCE:
            raise SystemExit(f"{label} differs by {difference:.1e}")


def measure(size: str, options: argparse.Namespace, folder: Path) -> None:
    """Export one model in all ways, and print its times in each engine."""
    name = f"deit_{size}_distilled_patch16_224"
    weights = folder / "weights.pth"
    torch.save(initial_weights(name), weights)
    ours = export_ours(name, weights, folder, options.batch)
    theirs = export_theirs(name, weights, folder, options.batch)
    shape = (options.batch, 3, SIDE, SIDE)
    images = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    for engine in options.engines:
        runs = {
            label: ENGINES[engine](file, options.threads)
            for label, file in (ours | theirs).items()
        }
        require_equal({label: run(images).copy() for label, run in runs.items()})
        calls = {label: calling(run, images) for label, run in runs.items()}
        gc.collect()
        gc.freeze()  # so that collection before each call is fast
        times = all_in_turns(calls, options.rounds, CLOCKS[options.clock])
        gc.unfreeze()
        fastest = min(theirs, key=lambda label: median(times[label]))
        rows = [[label, *speedup(times[label], times[fastest])] for label in times]
        title = f"{size}, batch {options.batch}, {engine}, compared with {fastest}"
        show(title, SPEEDUP_COLUMNS, rows)


def initial_weights(name: str) -> dict[str, torch.Tensor]:
    """Random weights, with biases that are not all zero, as trained ones."""
    model: nn.Module = import_timm().create_model(name)
    for key, value in model.named_parameters():
        if key.endswith("bias"):
            nn.init.normal_(value, std=0.02)
    return model.state_dict()


def calling(run: Run, images: Array) -> Callable[[], object]:
    """Return a function that runs a file on these images."""
    return lambda: run(images)


def main() -> None:
    """Measure all models, and print the results."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", nargs="+", choices=SIZES, default=("tiny", "small"))
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=tuple(ENGINES))
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    options = parser.parse_args()
    torch.manual_seed(0)
    warnings.simplefilter("ignore")  # those of the exporters
    for size in options.models:
        with TemporaryDirectory() as folder:
            measure(size, options, Path(folder))


if __name__ == "__main__":
    main()
