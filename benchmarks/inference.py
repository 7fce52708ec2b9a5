"""Compare inference with timm and transformers, with the same weights.

    python benchmarks/inference.py [--models tiny small base] [--batches 1 8]
        [--dtypes float32 bfloat16] [--rounds N] [--threads N] [--compile]
        [--merge-tokens R] [--tap PATTERN] [--device cuda] [--mode reduce-overhead]
        [--baseline ours] [--cpu-time]

All models run in this process in turns, a forward pass each. The speedup is the median
of timm's time divided by theirs in the same round, with the quartiles. With `--baseline
ours`, it is our model's time that is divided. Their outputs are compared first.
`--compile` also runs each model under `torch.compile`. `--cpu-time` measures CPU time,
for one thread on a machine that is busy with other work.

The floor is the matrix products alone: `floor` those of the complete model, which timm
and transformers compute, and `floor, ours` those that our model computes, which leaves
out the tokens that the heads do not read. Attention counts as its two batched products,
which fused attention can beat where torch has no fast kernel for them in a dtype.
"""

import argparse
import gc
import tempfile
import time
from collections.abc import Callable, Iterator
from math import prod
from pathlib import Path
from typing import Any

import torch
from paired import SPEEDUP_COLUMNS, all_in_turns, show, speedup
from peers import import_timm, import_transformers
from torch import Tensor, nn
from train import synchronise

import deit_spec
from deit_spec.distill.memory_allocator import keep_freed_memory
from deit_spec.graph import LayerGraph
from deit_spec.ops import Attend
from deit_spec.weights import To, Writing, convert, make_plan, open_checkpoint

SIZES = ("tiny", "small", "base")
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
TOLERANCE = {"float32": 1e-4, "bfloat16": 5e-2}
"""The largest difference from timm in float32, relative to the largest logit."""
BASELINE = "timm"

Call = Callable[[], object]


class Transformers(nn.Module):
    """The logits of a model of transformers."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """Return the mean of both heads, `[B, K]`."""
        logits: Tensor = self.model(pixel_values=images).logits
        return logits


def make_models(name: str, options: argparse.Namespace) -> dict[str, nn.Module]:
    """Build all models of one size with the same weights."""
    start = deit_spec.load(name).state_dict()
    theirs: nn.Module = import_timm().create_model(name)
    theirs.load_state_dict(start, strict=True)
    models = {BASELINE: theirs, "transformers": in_transformers(name, start)}
    variants: dict[str, dict[str, Any]] = {"ours": {}}
    if options.merge_tokens:
        merged = f"ours, {options.merge_tokens} merged"
        variants[merged] = {"merge_tokens": options.merge_tokens}
    if options.tap:
        variants[f"ours, {options.tap}"] = {"taps": (options.tap,)}
    for label, arguments in variants.items():
        model = deit_spec.load(name, target="inference", **arguments)
        model.load_state_dict(theirs.state_dict(), strict=True)
        models[label] = model
    return {label: model.eval() for label, model in models.items()}


def in_transformers(name: str, weights: dict[str, Tensor]) -> nn.Module:
    """Build a model of transformers that uses fused attention."""
    kind = import_transformers().DeiTForImageClassificationWithTeacher
    graph = deit_spec.compile(name).graph
    with tempfile.TemporaryDirectory() as place:
        torch.save(weights, Path(place) / "weights.pth")
        checkpoint = open_checkpoint(Path(place) / "weights.pth")
        folder = Path(place) / "model"
        convert(graph, make_plan(graph, checkpoint), checkpoint, Writing(folder, To.HF))
        made = kind.from_pretrained(folder, attn_implementation="sdpa")
    return Transformers(made)


def products(
    graph: LayerGraph, batch: int, dtype: torch.dtype, device: str
) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Return the operands and the result of each matrix product of a graph."""

    def empty(*shape: int) -> Tensor:
        return torch.zeros(shape, dtype=dtype, device=device)

    found = []
    for path in sorted(graph.live()):
        op, inputs = graph.op(path), graph.input_shapes(path)
        macs = op.macs(*inputs)
        if not macs:
            continue
        first = sizes(inputs[0])
        if isinstance(op, Attend):
            heads, queries, width = first
            heads, keys = heads * batch, sizes(inputs[1])[1]
            weights = empty(heads, queries, keys)
            q, k, v = (empty(heads, each, width) for each in (queries, keys, keys))
            found += [(q, k.mT, weights), (weights, v, empty(heads, queries, width))]
            continue
        out = sizes(graph.shape(path))
        if len(out) > 2:  # noqa: PLR2004  -- a grid of patches, [C, h, w]
            outputs, rows = out[0], prod(out[1:])
            width = macs // (rows * outputs)
        else:
            rows, width = prod(first[:-1]), first[-1]
            outputs = macs // (rows * width)
        weight = empty(outputs, width).mT
        found.append((empty(batch * rows, width), weight, empty(batch * rows, outputs)))
    return found


def sizes(shape: tuple[Any, ...]) -> tuple[int, ...]:
    """Return the sizes of a shape without the batch."""
    return tuple(dim.size for dim in shape[1:])


def floor_of(graph: LayerGraph, batch: int, dtype: torch.dtype, device: str) -> Call:
    """Return a function that computes the matrix products of a graph alone."""
    found = products(graph, batch, dtype, device)

    def call() -> None:
        for left, right, out in found:
            torch.matmul(left, right, out=out)
        synchronise(torch.device(device))

    return call


def logits(output: Any) -> Tensor:
    """Return the first tensor of an output, in float32 on the CPU."""
    while not isinstance(output, Tensor):
        output = output[0]
    return output.float().cpu().clone()


def require_equal(
    name: str, models: dict[str, nn.Module], images: Tensor, wanted: Tensor, dtype: str
) -> None:
    """Check that the outputs are those of timm in float32, except of merged tokens."""
    for label, model in models.items():
        if "merged" in label:
            continue
        difference = (logits(model(images)) - wanted).abs().max() / wanted.abs().max()
        if not difference <= TOLERANCE[dtype]:
            raise SystemExit(f"{name}: {label} differs by {difference:.1e} ({dtype})")


def measure(name: str, options: argparse.Namespace) -> Iterator[tuple[str, list[Any]]]:
    """Measure one model at all batch sizes and dtypes; yield titles and rows."""
    models = make_models(name, options)
    device = options.device
    side = deit_spec.load_spec(name).image_size
    for dtype in options.dtypes:
        for batch in options.batches:
            images = torch.randn(batch, 3, side, side)
            wanted = logits(models[BASELINE].float().cpu()(images))
            for model in models.values():
                model.to(device=device, dtype=DTYPES[dtype])
            images = images.to(device=device, dtype=DTYPES[dtype])
            tried = dict(models)
            if options.compile:
                torch.compiler.reset()
                tried |= {
                    f"{label}, compiled": as_module(model, options.mode)
                    for label, model in models.items()
                }
            require_equal(name, tried, images, wanted, dtype)
            calls = {label: forward(each, images) for label, each in tried.items()}
            for label, graph in (
                ("floor", deit_spec.compile(name).graph),
                ("floor, ours", deit_spec.compile(name, target="inference").graph),
            ):
                calls[label] = floor_of(graph, batch, DTYPES[dtype], device)
            gc.collect()
            gc.freeze()  # so that collection before each call is fast
            clock = time.process_time if options.cpu_time else time.perf_counter
            times = all_in_turns(calls, options.rounds, clock)
            gc.unfreeze()
            baseline = times[options.baseline]
            rows = [[label, *speedup(times[label], baseline)] for label in times]
            yield f"{name}, batch {batch}, {dtype}", rows


def as_module(model: nn.Module, mode: str | None) -> nn.Module:
    """Compile a model for one shape."""
    compiled: Any = torch.compile(model, dynamic=False, mode=mode)
    return compiled  # type: ignore[no-any-return]


def forward(model: nn.Module, images: Tensor) -> Call:
    """Return a function that runs a forward pass."""

    def call() -> None:
        model(images)
        synchronise(images.device)

    return call


def main() -> None:
    """Measure all models, and print the results."""
    keep_freed_memory()
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", nargs="+", choices=SIZES, default=SIZES)
    parser.add_argument("--batches", nargs="+", type=int, default=(1, 8))
    parser.add_argument("--dtypes", nargs="+", choices=DTYPES, default=tuple(DTYPES))
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--mode", help="of torch.compile, such as reduce-overhead")
    parser.add_argument("--merge-tokens", type=int, help="also merge tokens")
    parser.add_argument("--tap", help="also return the values of these paths")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--baseline", choices=(BASELINE, "ours"), default=BASELINE)
    parser.add_argument("--cpu-time", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    with torch.inference_mode():
        for size in options.models:
            name = f"deit_{size}_distilled_patch16_224"
            for title, rows in measure(name, options):
                show(
                    f"{title}, compared with {options.baseline}", SPEEDUP_COLUMNS, rows
                )


if __name__ == "__main__":
    main()
