"""Benchmarks: the turns, what is skipped, and which results are on the Pareto front."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.runs import make_run
from torch import Tensor, nn

import deit_spec
from deit_spec.distill.prediction import UnreadableImage
from deit_spec.distill.trained_model import TrainedModel, find_model
from deit_spec.exporting import bench_model
from deit_spec.exporting.bench_candidates import (
    Candidate,
    Choices,
    Combination,
    Exporter,
)
from deit_spec.exporting.bench_model import (
    Bench,
    Latency,
    Measured,
    make_bench,
    pareto_front,
)
from deit_spec.exporting.check_images import CheckImages, find_check_images
from deit_spec.exporting.compare_export import Comparison
from deit_spec.exporting.process_memory import peak_growth

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    return find_model(str(make_run(tmp_path_factory.mktemp("bench") / "run")))


@pytest.fixture(autouse=True)
def _without_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_model, "peak_growth", lambda *_: 3)


class Mean(nn.Module):
    """Logits that distinguish images; every run of a batch is noted in `log`."""

    def __init__(self, name: int, log: list[tuple[int, int]]) -> None:
        super().__init__()
        self.name, self.log = name, log

    def forward(self, images: Tensor) -> Tensor:
        self.log.append((self.name, len(images)))
        return images.flatten(1)[:, :4]


def broken() -> nn.Module:
    raise RuntimeError("no kernel image is available\nfor this device")


def images(count: int) -> CheckImages:
    pixels = torch.randn(count, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    names = [str(index) for index in range(count)]
    return CheckImages(names, pixels.__getitem__, count, "of noise")


def bench_of(
    trained: TrainedModel,
    candidates: list[tuple[int, Callable[[], nn.Module]]],
    count: int = 5,
) -> Bench:
    """A benchmark of modules at batch sizes."""
    found = [
        Candidate(Combination("eager", "fp32", 0, batch), CPU, opened)
        for batch, opened in candidates
    ]
    reference = Candidate(Combination("eager", "fp32", 0, 2), CPU, lambda: Mean(9, []))
    return Bench(trained, images(count), found, reference)


def exporter_of(trained: TrainedModel, folder: Path = Path()) -> Exporter:
    return Exporter(trained, trained.preprocessing(), folder, None, 1)


def test_each_candidate_has_a_turn_in_each_round(trained: TrainedModel) -> None:
    """Every other round is in reverse order, and the second run of a turn counts."""
    log: list[tuple[int, int]] = []
    named = [(batch, lambda batch=batch: Mean(batch, log)) for batch in (1, 3, 4)]
    bench = bench_of(trained, named)  # type: ignore[arg-type]
    list(bench.prepare())
    log.clear()
    list(bench.measure(3))
    turns = [each for batch in (1, 3, 4, 4, 3, 1, 1, 3, 4) for each in [batch] * 2]
    assert log == [(batch, batch) for batch in turns]
    assert bench.rounds == 3
    assert [each.combination.batch for each in bench.results] == [1, 3, 4]


def test_outputs_are_compared_in_complete_batches(trained: TrainedModel) -> None:
    """The last batch is filled up, also if there are fewer images than a batch."""
    for count in (1, 3, 5, 8):
        log: list[tuple[int, int]] = []
        bench = bench_of(trained, [(4, lambda log=log: Mean(4, log))], count)  # type: ignore[misc]
        list(bench.prepare())
        assert set(log) == {(4, 4)}
        next(moves := bench.measure(1))
        list(moves)
        (found,) = bench.results
        assert (found.comparison.images, found.agreement) == (count, 1)
        assert found.comparison.largest_error == 0


def test_what_cannot_run_is_skipped_with_the_reason(trained: TrainedModel) -> None:
    bench = bench_of(trained, [(1, broken), (2, lambda: Mean(2, []))])
    assert [each.batch for each in bench.prepare()] == [1, 2]
    (skipped,) = bench.skipped
    assert skipped.combination.batch == 1
    assert skipped.reason == "no kernel image is available"
    assert bench.turns == 1


def test_a_benchmark_that_is_stopped_has_the_results_so_far(
    trained: TrainedModel,
) -> None:
    bench = bench_of(trained, [(size, lambda: Mean(0, [])) for size in (1, 2, 3)])
    preparing = bench.prepare()
    next(preparing)
    next(preparing)  # the first one is ready
    next(preparing)
    preparing.close()
    moves = bench.measure(10)
    for _ in range(4):  # a turn is over when the next one begins
        next(moves)
    moves.close()
    assert [each.combination.batch for each in bench.results] == [1, 2]
    assert bench.rounds == 1


def test_images_that_cannot_be_read_are_left_out(trained: TrainedModel) -> None:
    def read(index: int) -> Any:
        if index < 2:
            return torch.zeros(1, 2, 2)
        return UnreadableImage(str(index), "it is not an image")

    bench = bench_of(trained, [(2, lambda: Mean(2, []))])
    bench.images = CheckImages("abc", read, 3, "in pets")
    list(bench.prepare())
    list(bench.measure(1))
    assert bench.results[0].comparison.images == 2


def test_torch_candidates_have_the_outputs_of_the_model(trained: TrainedModel) -> None:
    """Precision and token merging change them; the batch size does not."""
    choices = Choices(["eager"], ["fp32", "bf16", "int8"], [0, 3], [1, 8])
    pixels = torch.randn(20, 1, 8, 8)
    names = [str(index) for index in range(20)]
    checked = CheckImages(names, pixels.__getitem__, 20, "of noise")
    bench = make_bench(exporter_of(trained), choices, checked, CPU)
    list(bench.prepare())
    list(bench.measure(1))
    drifts = {}
    for found in bench.results:
        what = found.combination
        key = (what.precision, what.merge_tokens)
        drifts.setdefault(key, found.comparison.largest_error)
        assert found.comparison.largest_error == pytest.approx(drifts[key], abs=1e-2)
        parameters = sum(p.numel() for p in trained.load("cpu").parameters())
        assert found.size == parameters * (4 if what.precision == "fp32" else 2)
    assert drifts["fp32", 0] < 1e-6 < drifts["bf16", 0] < 1e-2
    plain, merged = (
        deit_spec.load(str(trained.folder), target="inference", merge_tokens=number)
        .eval()(pixels)
        .log()  # the fusion of these heads is the mean of probabilities
        .detach()
        for number in (0, 3)
    )
    wanted = (plain - merged).abs().max() / plain.abs().max()
    assert drifts["fp32", 3] == pytest.approx(float(wanted), rel=1e-3)
    assert {each.combination.precision for each in bench.skipped} == {"int8"}
    assert len(bench.results) == 8
    assert len(bench.skipped) == 4


@st.composite
def results(draw: st.DrawFn) -> list[Measured]:
    """Results with few different figures, so that many are equal."""
    found = []
    for _ in range(draw(st.integers(1, 8))):
        seconds, agreeing = draw(st.integers(1, 4)), draw(st.integers(0, 4))
        combination = Combination("eager", "fp32", 0, draw(st.integers(1, 2)))
        latency = Latency(0.5, seconds, 9)
        comparison = Comparison(4, 0.0, 0.0, agreeing, "")
        found.append(Measured(combination, "cpu", latency, 1, comparison, None))
    return sorted(found, key=lambda each: each.combination.batch)


@given(results())
def test_the_front_has_exactly_what_nothing_is_better_than(
    found: list[Measured],
) -> None:
    front = pareto_front(found)
    for each in found:
        better = [
            other
            for other in found
            if other.combination.batch == each.combination.batch
            and other.latency.median <= each.latency.median
            and other.agreement >= each.agreement
            and (other.latency.median, other.agreement)
            != (each.latency.median, each.agreement)
        ]
        assert (each in front) is not bool(better)


def allocate(size: int) -> None:
    bytes(size)
    torch.ones(size // 4).sum()


def fail() -> None:
    raise RuntimeError("no memory")


def nothing() -> None:
    pass


@pytest.mark.slow
def test_memory_is_measured_in_a_new_process() -> None:
    """What is freed counts as well, and what this process uses does not."""
    from functools import partial  # noqa: PLC0415

    kept = torch.ones(10_000_000)
    small, large = (
        peak_growth(nothing, partial(allocate, size), ("torch",))
        for size in (4_000_000, 100_000_000)
    )
    assert small is not None
    assert large is not None
    assert 90_000_000 < large - small < 110_000_000
    assert peak_growth(nothing, fail, ("torch",)) is None
    del kept


@pytest.mark.slow
def test_files_agree_and_are_written_once(
    trained: TrainedModel, tmp_path: Path
) -> None:
    """Files in float32 have the outputs of torch; others are near, or refused."""
    choices = Choices(["onnxruntime", "openvino"], ["fp32", "bf16"], [0], [1, 8])
    checked = find_check_images(trained, trained.preprocessing())
    bench = make_bench(exporter_of(trained, tmp_path), choices, checked, CPU)
    list(bench.prepare())
    list(bench.measure(1))
    skipped = [each.combination for each in bench.skipped]
    assert {(each.runtime, each.precision) for each in skipped} == {
        ("onnxruntime", "bf16")
    }
    assert len(bench.results) == 6
    for found in bench.results:
        limit = 1e-5 if found.combination.precision == "fp32" else 0.1
        assert found.comparison.largest_error < limit
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert sorted(sizes) == [
        *("bf16-0.bin", "bf16-0.xml", "fp32-0.bin", "fp32-0.onnx", "fp32-0.xml")
    ]
    assert {found.size for found in bench.results} == {
        sizes["fp32-0.onnx"],
        sizes["fp32-0.xml"] + sizes["fp32-0.bin"],
        sizes["bf16-0.xml"] + sizes["bf16-0.bin"],
    }


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method")
def test_compiled_outputs_agree(trained: TrainedModel) -> None:
    choices = Choices(["compile"], ["fp32"], [0], [2])
    pixels = torch.randn(3, 1, 8, 8)
    checked = CheckImages("abc", pixels.__getitem__, 3, "of noise")
    bench = make_bench(exporter_of(trained), choices, checked, CPU)
    list(bench.prepare())
    list(bench.measure(1))
    assert not bench.skipped
    (found,) = bench.results
    assert found.comparison.largest_error < 1e-5


def test_latency_of_one_measurement() -> None:
    assert Latency.of([2.0]) == Latency(2.0, 2.0, 2.0)
