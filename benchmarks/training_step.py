"""Compare a training step, forward and backward, with timm, with the same weights.

    python benchmarks/training_step.py [--models tiny small base] [--batches 8]
        [--dtypes float32 bfloat16] [--rounds N] [--threads N] [--compile]
        [--device cuda] [--mode MODE]

The loss is the mean cross-entropy of both heads. Our model is measured with
`drop_unread`, as `deit-spec train` uses it, and complete. All run in this process in
turns, and the speedup is the median of timm's time divided by theirs in the same round,
with the quartiles. Losses and gradients are compared first. bfloat16 is autocast.

Memory is the peak of what a step allocates for tensors above what it found (weights,
images, labels): activations, gradients and temporary results. On the CPU it comes from
the allocations that torch's profiler records, so it does not depend on the allocator.
"""

import argparse
import gc
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from inference import BASELINE, DTYPES, SIZES, as_module
from paired import SPEEDUP_COLUMNS, all_in_turns, show, speedup
from peers import import_timm
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.profiler import ProfilerActivity, profile
from train import synchronise

import deit_spec
from deit_spec.distill.memory_allocator import keep_freed_memory

TOLERANCE = {"float32": 1e-4, "bfloat16": 1e-1}
"""The largest difference from timm's gradients, relative to the largest of them."""

Call = Callable[[], Tensor]


def make_models(name: str) -> dict[str, nn.Module]:
    """Build all models of one size with the same weights."""
    theirs: Any = import_timm().create_model(name)
    models: dict[str, nn.Module] = {
        BASELINE: theirs,
        "ours": deit_spec.load(name, drop_unread=True),
        "ours, complete": deit_spec.load(name),
    }
    theirs.load_state_dict(models["ours"].state_dict(), strict=True)
    models["ours, complete"].load_state_dict(theirs.state_dict(), strict=True)
    theirs.set_distilled_training()
    return {label: model.train() for label, model in models.items()}


def step_of(model: nn.Module, images: Tensor, labels: Tensor, dtype: str) -> Call:
    """Return a function that runs a step and returns the loss."""
    device = images.device

    def call() -> Tensor:
        model.zero_grad()
        with torch.autocast(device.type, torch.bfloat16, enabled=dtype == "bfloat16"):
            cls, dist = model(images)
            loss = (cross_entropy(cls, labels) + cross_entropy(dist, labels)) / 2
        loss.backward()  # type: ignore[no-untyped-call]
        synchronise(device)
        return loss.detach()

    return call


def require_equal(
    name: str, models: dict[str, nn.Module], calls: dict[str, Call], dtype: str
) -> None:
    """Check that losses and gradients are those of timm."""
    loss = calls[BASELINE]()
    wanted = gradients(models[BASELINE])
    largest = max(float(each.abs().max()) for each in wanted.values())
    for label, call in calls.items():
        torch.testing.assert_close(call(), loss, rtol=TOLERANCE[dtype], atol=0)
        for key, gradient in gradients(models[label]).items():
            difference = float((gradient - wanted[key]).abs().max()) / largest
            if not difference <= TOLERANCE[dtype]:
                message = f"{label} differs by {difference:.1e} in {key} ({dtype})"
                raise SystemExit(f"{name}: {message}")


def gradients(model: nn.Module) -> dict[str, Tensor]:
    """Return a copy of the gradients by name."""
    found = {}
    for key, weight in model.named_parameters():
        assert weight.grad is not None  # noqa: S101  -- after a step
        found[key.removeprefix("_orig_mod.")] = weight.grad.clone()
    return found


def peak_memory(model: nn.Module, call: Call) -> int:
    """Return the peak of the bytes that a step allocates for tensors."""
    model.zero_grad()
    gc.collect()
    if torch.cuda.is_available() and next(model.parameters()).is_cuda:
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        call()
        return torch.cuda.max_memory_allocated() - before
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        call()
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "trace.json"
        profiled.export_chrome_trace(str(path))
        events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
    events = [each for each in events if each["name"] == "[memory]"]
    return peak([each["args"]["Bytes"] for each in sorted(events, key=start)])


def start(event: dict[str, Any]) -> float:
    """Return the time of an event."""
    return float(event["ts"])


def peak(changes: Sequence[int]) -> int:
    """Return the largest sum of the changes up to any of them."""
    highest = current = 0
    for change in changes:
        current += change
        highest = max(highest, current)
    return highest


def measure(name: str, options: argparse.Namespace) -> Iterator[tuple[str, list[Any]]]:
    """Measure one model at all batch sizes and dtypes; yield titles and rows."""
    spec, device = deit_spec.load_spec(name), options.device
    models = {label: each.to(device) for label, each in make_models(name).items()}
    for dtype in options.dtypes:
        for batch in options.batches:
            images = torch.randn(batch, 3, spec.image_size, spec.image_size)
            labels = torch.randint(0, spec.num_classes or 0, (batch,), device=device)
            images = images.to(device)
            tried = dict(models)
            if options.compile:
                torch.compiler.reset()
                tried |= {
                    f"{label}, compiled": as_module(model, options.mode)
                    for label, model in models.items()
                }
            calls = {
                label: step_of(model, images, labels, dtype)
                for label, model in tried.items()
            }
            require_equal(name, tried, calls, dtype)
            memory = {label: peak_memory(tried[label], calls[label]) for label in calls}
            gc.collect()
            gc.freeze()  # so that collection before each call is fast
            times = all_in_turns(calls, options.rounds)
            gc.unfreeze()
            rows = [
                [
                    label,
                    *speedup(times[label], times[BASELINE]),
                    f"{memory[label] / 2**20:,.1f} MiB",
                    f"{memory[label] / memory[BASELINE]:.3f}",
                ]
                for label in times
            ]
            yield f"{name}, batch {batch}, {dtype}", rows


def main() -> None:
    """Measure all models, and print the results."""
    keep_freed_memory()
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", nargs="+", choices=SIZES, default=SIZES)
    parser.add_argument("--batches", nargs="+", type=int, default=(8,))
    parser.add_argument("--dtypes", nargs="+", choices=DTYPES, default=("float32",))
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--mode", help="of torch.compile")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    columns = (*SPEEDUP_COLUMNS, "peak memory", "of timm's")
    for size in options.models:
        name = f"deit_{size}_distilled_patch16_224"
        for title, rows in measure(name, options):
            show(f"{title}, compared with timm", columns, rows)


if __name__ == "__main__":
    main()
