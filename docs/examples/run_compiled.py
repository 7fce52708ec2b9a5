"""Run a compiled model on random images. Needs only torch and the compiled file.

python run_compiled.py build/base.py
"""
# ruff: noqa: INP001, T201  -- a script that prints

import importlib.util
import sys
import time
from pathlib import Path
from types import ModuleType

import torch

BATCH = 2


def import_file(path: Path) -> ModuleType:
    """Import a compiled model from its file."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        sys.exit(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(path: Path) -> None:
    """Run one batch, and print the output shapes and the time."""
    compiled = import_file(path)
    model = compiled.DeiT().eval()
    images = torch.randn(
        BATCH, compiled.CHANNELS, compiled.IMAGE_SIZE, compiled.IMAGE_SIZE
    )
    print(f"images {list(images.shape)}")
    start = time.perf_counter()
    with torch.inference_mode():
        output = model(images)
    seconds = time.perf_counter() - start
    names = getattr(output, "_fields", ["output"])
    tensors = output if isinstance(output, tuple) else [output]
    for name, tensor in zip(names, tensors, strict=True):
        print(f"{name} {list(tensor.shape)}")
    print(f"one forward pass took {seconds:.2f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
