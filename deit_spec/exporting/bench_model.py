"""Measure a model in several runtimes, in turns."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from itertools import groupby
from statistics import quantiles
from time import perf_counter
from typing import Final

import torch
from torch import Tensor, nn

from deit_spec.diagnostics import DiagnosedError
from deit_spec.diagnostics.printable import first_line_of
from deit_spec.distill.trained_model import TrainedModel
from deit_spec.exporting.bench_candidates import (
    Candidate,
    Choices,
    Combination,
    Exporter,
    make_candidates,
    torch_candidate,
)
from deit_spec.exporting.check_images import CheckImages
from deit_spec.exporting.compare_export import Comparison, compare
from deit_spec.exporting.process_memory import peak_growth
from deit_spec.runtime.inference_engines import switch_off_telemetry

_IMPORTED: Final = {
    "eager": "torch",
    "compile": "torch._inductor.compile_fx",
    "onnxruntime": "onnxruntime",
    "openvino": "openvino",
}
"""What a process has imported before its memory is measured, by runtime."""


@dataclass(frozen=True)
class Latency:
    """The quartiles of the seconds that a batch takes."""

    lower: float
    median: float
    upper: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Latency":
        """Compute the quartiles of at least one measurement.

        >>> Latency.of([3.0, 1.0, 2.0, 5.0, 4.0])
        Latency(lower=2.0, median=3.0, upper=4.0)
        """
        several = seconds if len(seconds) > 1 else [*seconds, *seconds]
        return cls(*quantiles(several, n=4, method="inclusive"))


@dataclass(frozen=True)
class Measured:
    """The figures of a candidate.

    Attributes:
        combination: What it is.
        device: Where it ran.
        latency: The seconds of a batch.
        size: The bytes of its files, or for torch of its weights.
        comparison: Its logits, compared with those of the reference.
        memory: Its peak memory in bytes; None if it is not known.
    """

    combination: Combination
    device: str
    latency: Latency
    size: int
    comparison: Comparison
    memory: int | None

    @property
    def images_per_second(self) -> float:
        """The throughput, by the median of the latency."""
        return self.combination.batch / self.latency.median

    @property
    def agreement(self) -> float:
        """The share of images with the same top-1 class as the reference."""
        return self.comparison.agreement or 0.0

    def is_better_than(self, other: "Measured") -> bool:
        """Whether no figure of the Pareto front is worse, and one is better."""
        own, its = ((each.agreement, -each.latency.median) for each in (self, other))
        return own != its and all(a >= b for a, b in zip(own, its, strict=True))


@dataclass(frozen=True)
class Skipped:
    """A combination that cannot run, and the reason."""

    combination: Combination
    reason: str


@dataclass
class _Ready:
    """A candidate that can run, its input, and what has been measured so far."""

    candidate: Candidate
    images: Tensor
    size: int
    comparison: Comparison
    memory: int | None
    seconds: list[float] = field(default_factory=list)


class Bench:
    """A benchmark of a trained model, which can be stopped at any time.

    `prepare` and `measure` do a piece of work for each item of their iterators.

    Attributes:
        trained: The model.
        images: The images to compare outputs on.
        candidates: What is measured.
        reference: Whose outputs the others are compared with.
        threads: The number of threads of each runtime.
        skipped: The combinations that cannot run.
        rounds: The number of complete rounds.
    """

    def __init__(
        self,
        trained: TrainedModel,
        images: CheckImages,
        candidates: Sequence[Candidate],
        reference: Candidate,
    ) -> None:
        self.trained, self.images = trained, images
        self.candidates, self.reference = candidates, reference
        self.threads = torch.get_num_threads()
        self.skipped: list[Skipped] = []
        self.rounds = 0
        self._ready: list[_Ready] = []

    def prepare(self) -> Iterator[Combination]:
        """Open each candidate, compare its outputs and measure its memory.

        Raises:
            DiagnosedError: The weights cannot be used, or no image can be read.
        """
        ((names, inputs),) = self.images.batches(len(self.images.names))
        self.reference.prepare()
        expected = _outputs(self.reference, inputs)
        for candidate in self.candidates:
            yield candidate.combination
            try:
                ready = self._prepared(candidate, names, inputs, expected)
            except Exception as error:  # noqa: BLE001  -- runtimes raise many kinds
                reason = _reason_of(error)
                self.skipped.append(Skipped(candidate.combination, reason))
            else:
                self._ready.append(ready)

    def measure(self, rounds: int) -> Iterator[None]:
        """Measure each candidate once a round; every other round is in reverse order.

        It runs twice in its turn, and the second run counts: in the first one, the
        caches have the weights of another candidate, whose threads may still be active.
        """
        with _without_collection():
            for index in range(rounds):
                for ready in self._ready[:: -1 if index % 2 else 1]:
                    yield
                    ready.candidate.run(ready.images)
                    began = perf_counter()
                    ready.candidate.run(ready.images)
                    ready.seconds.append(perf_counter() - began)
                self.rounds += 1

    @property
    def turns(self) -> int:
        """The number of measurements of a round."""
        return len(self._ready)

    @property
    def results(self) -> list[Measured]:
        """The figures so far: by batch size, the fastest first."""
        found = [_measured(ready) for ready in self._ready if ready.seconds]
        return sorted(
            found, key=lambda each: (each.combination.batch, each.latency.median)
        )

    def _prepared(
        self,
        candidate: Candidate,
        names: Sequence[str],
        inputs: Tensor,
        expected: Tensor,
    ) -> _Ready:
        candidate.write()
        batch = _padded(inputs, candidate.combination.batch).to(candidate.device)
        memory = self._open(candidate, batch)
        comparison = compare(
            lambda _: expected,
            lambda images: _outputs(candidate, images),
            [(names, inputs)],
        )
        return _Ready(candidate, batch, candidate.size, comparison, memory)

    def _open(self, candidate: Candidate, images: Tensor) -> int | None:
        """Open a candidate and run it once; its peak memory in bytes, if known."""
        device = candidate.device
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
            before = torch.cuda.memory_allocated(device)
            candidate.prepare()
            candidate.run(images)
            return torch.cuda.max_memory_allocated(device) - before
        candidate.prepare()
        if device.type != "cpu":
            return None
        runtime = candidate.combination.runtime
        return peak_growth(
            partial(_import_runtime, runtime, self.threads),
            partial(_open_and_run, candidate.open, images.shape),
            [__name__],
        )


def make_bench(
    exporter: Exporter, choices: Choices, images: CheckImages, device: torch.device
) -> Bench:
    """A benchmark of all combinations; `device` is that of eager and compile."""
    trained = exporter.trained
    merged, batch = trained.spec.variant.merge_tokens, choices.batches[0]
    reference = Combination("eager", "fp32", merged, batch)
    return Bench(
        trained,
        images,
        make_candidates(exporter, choices, device),
        torch_candidate(trained, reference, device),
    )


def pareto_front(results: Sequence[Measured]) -> list[Measured]:
    """The results that no other one of the same batch size is better than."""
    front = []
    for _, group in groupby(results, key=lambda each: each.combination.batch):
        same = list(group)
        front += [
            each for each in same if not any(o.is_better_than(each) for o in same)
        ]
    return front


@contextmanager
def torch_threads(count: int | None) -> Iterator[int]:
    """Let torch use so many threads, or as many as it does; yield the number."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield count or before
    finally:
        torch.set_num_threads(before)


def _measured(ready: _Ready) -> Measured:
    candidate = ready.candidate
    return Measured(
        candidate.combination,
        str(candidate.device),
        Latency.of(ready.seconds),
        ready.size,
        ready.comparison,
        ready.memory,
    )


def _outputs(candidate: Candidate, images: Tensor) -> Tensor:
    """The logits `[B, K]` of images, which are run in complete batches."""
    batch = candidate.combination.batch
    parts = [
        candidate.run(_padded(part, batch).to(candidate.device))[: len(part)].cpu()
        for part in torch.split(images, batch)
    ]
    return torch.cat(parts)


def _padded(images: Tensor, batch: int) -> Tensor:
    """The first `batch` images; they are repeated if there are fewer."""
    return images[torch.arange(batch) % len(images)]


def _reason_of(error: Exception) -> str:
    """Why a candidate cannot run, on one line."""
    if isinstance(error, DiagnosedError):
        return error.diagnostics[0].message
    # The one of `torch.compile` only says which backend has failed.
    inner = getattr(error, "inner_exception", None)
    return first_line_of(inner if isinstance(inner, Exception) else error)


def _import_runtime(runtime: str, threads: int) -> None:
    torch.set_num_threads(threads)
    switch_off_telemetry()
    import_module(_IMPORTED[runtime])


def _open_and_run(opened: Callable[[], nn.Module], shape: torch.Size) -> None:
    with torch.inference_mode():
        opened()(torch.zeros(shape))


@contextmanager
def _without_collection() -> Iterator[None]:
    """Collect garbage once, and not while something is timed."""
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
