"""`deit-spec bench`: measure a model in several runtimes."""

import signal
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from deit_spec.cli import model_options
from deit_spec.cli.options import (
    TextFormat,
    format_option,
    option,
    output_option,
)
from deit_spec.cli.output import (
    PICTURES,
    SIGNAL_EXIT,
    emit,
    emit_json,
    report,
    require_folder,
)
from deit_spec.diagnostics import Label, Span, diagnose
from deit_spec.diagnostics.printable import counted, visible

if TYPE_CHECKING:
    from rich.progress import Progress

    from deit_spec.distill.trained_model import TrainedModel
    from deit_spec.exporting.bench_candidates import Choices
    from deit_spec.exporting.bench_model import Bench

VERSION = 1
"""Of the JSON format; it grows when a key is removed or changes its meaning."""


def run(  # noqa: PLR0913  -- each is an option of the command
    model: model_options.ModelArgument,
    output: Annotated[
        Path | None,
        output_option(
            "FILE",
            "Draw the results to FILE, if it is .png or .svg; else write them to it "
            "instead of standard output.",
        ),
    ] = None,
    *,
    weights: model_options.WeightsOption = None,
    runtimes: Annotated[
        str, option("--runtimes", "The runtimes, separated by commas.", metavar="NAMES")
    ] = "eager,compile,onnxruntime,openvino",
    precisions: Annotated[
        str,
        option("--precisions", "The precisions, separated by commas.", metavar="NAMES"),
    ] = "fp32,bf16,int8",
    merge_tokens: Annotated[
        str | None,
        option(
            "--merge-tokens",
            "Numbers of patch tokens that merge in every block, separated by commas. "
            "The default is the spec's merge_tokens.",
            metavar="R,...",
        ),
    ] = None,
    batch: Annotated[
        str, option("--batch", "The batch sizes, separated by commas.", metavar="N,...")
    ] = "1",
    threads: Annotated[
        int | None,
        option(
            "--threads",
            "The threads of every runtime; by default those that torch uses.",
            metavar="N",
            min=1,
        ),
    ] = None,
    images: Annotated[
        str | None,
        option(
            "--images",
            "The images to compare outputs on; by default those that the run has held "
            "out.",
            metavar="digits|FOLDER|DATASET",
        ),
    ] = None,
    calibrate: Annotated[
        str | None,
        option(
            "--calibrate",
            "The images to calibrate with for int8; by default those that the run was "
            "trained on for OpenVINO, and none for ONNX.",
            metavar="digits|FOLDER|DATASET",
        ),
    ] = None,
    rounds: Annotated[
        int,
        option(
            "--rounds",
            "How often each combination is measured.",
            metavar="N",
            min=1,
        ),
    ] = 30,
    device: Annotated[
        str | None,
        option(
            "--device",
            "The torch device of eager and compile; by default a GPU if available.",
            metavar="DEVICE",
        ),
    ] = None,
    format_: Annotated[
        TextFormat, format_option("The format of the results.")
    ] = TextFormat.TEXT,
) -> None:
    """Measure a model in several runtimes and precisions, in turns.

    Report latency, size, memory and agreement with the model in float32. Ctrl-C ends
    the measurement, and reports what has been measured.
    """
    from deit_spec.cli.training_progress import progress_bar
    from deit_spec.distill.optional_packages import require_packages
    from deit_spec.distill.trained_model import best_device
    from deit_spec.exporting.bench_candidates import Exporter, usable_device
    from deit_spec.exporting.bench_model import make_bench, torch_threads
    from deit_spec.exporting.bench_report import as_json, draw_results
    from deit_spec.exporting.check_images import find_check_images

    require_folder(output)
    trained = model_options.open_model(model, weights, None)
    choices = _choices(trained, runtimes, precisions, merge_tokens, batch)
    picture = output if _is_picture(output) else None
    text_output = None if picture else output
    stopped = False
    with (
        model_options.model_errors(),
        TemporaryDirectory() as folder,
        torch_threads(threads) as used,
        progress_bar() as bar,
    ):
        if picture:
            require_packages("plots", "matplotlib")
        place = usable_device(device or best_device())
        preprocessing = trained.preprocessing()
        found = find_check_images(trained, preprocessing, images)
        exporter = Exporter(trained, preprocessing, Path(folder), calibrate, used)
        bench = make_bench(exporter, choices, found, place)
        try:
            _measure(bench, rounds, bar)
        except KeyboardInterrupt:
            stopped = True
    for text in found.warnings:
        typer.echo(visible(f"warning: {text}"), err=True)
    if not (bench.results or stopped):
        _fail_without_results(trained, bench)
    if format_ is TextFormat.JSON:
        emit_json({"version": VERSION, **as_json(bench)}, text_output)
    elif bench.results:
        _print(bench, text_output)
    if picture and bench.results:
        emit(draw_results(bench)[picture.suffix[1:].lower()], picture)
    if stopped:
        done = f"{bench.rounds:,} of {counted(rounds, 'round')}"
        typer.echo(f"stopped after {done}", err=True)
        raise typer.Exit(SIGNAL_EXIT + signal.SIGINT)


def _choices(
    trained: "TrainedModel",
    runtimes: str,
    precisions: str,
    merge_tokens: str | None,
    batch: str,
) -> "Choices":
    """Read the lists of the options."""
    from deit_spec.exporting.bench_candidates import PRECISIONS, RUNTIMES, Choices

    merged = [trained.spec.variant.merge_tokens]
    if merge_tokens is not None:
        merged = [*_numbers("--merge-tokens", merge_tokens, 0)]
    return Choices(
        _names("--runtimes", runtimes, RUNTIMES),
        _names("--precisions", precisions, PRECISIONS),
        merged,
        _numbers("--batch", batch, 1),
    )


def _names(option_: str, text: str, known: Sequence[str]) -> list[Any]:
    """Read names that are separated by commas, in the order of the known ones."""
    wanted = [name.strip().lower() for name in text.split(",")]
    for name in wanted:
        if name not in known:
            message = f"{name!r} is not one of {', '.join(known)}"
            raise typer.BadParameter(message, param_hint=f"'{option_}'")
    return [name for name in known if name in wanted]


def _numbers(option_: str, text: str, least: int) -> list[int]:
    """Read numbers that are separated by commas, in ascending order."""
    parts = [part.strip() for part in text.split(",")]
    for part in parts:
        if not part.isdecimal() or int(part) < least:
            message = f"{part!r} is not an integer of at least {least}"
            raise typer.BadParameter(message, param_hint=f"'{option_}'")
    return sorted(set(map(int, parts)))


def _is_picture(output: Path | None) -> bool:
    return output is not None and output.suffix.lower() in PICTURES


def _measure(bench: "Bench", rounds: int, bar: "Progress") -> None:
    """Prepare and measure, and show the progress."""
    total = len(bench.candidates)
    task = bar.add_task("preparing", total=total)
    for done, name in enumerate(bench.prepare()):
        bar.update(task, completed=done, description=f"preparing {name}")
    bar.reset(task, total=rounds * bench.turns, description="measuring")
    for _ in bench.measure(rounds):
        bar.advance(task)


def _fail_without_results(trained: "TrainedModel", bench: "Bench") -> NoReturn:
    """Report that no combination can run (DS615), and exit with 1."""
    from deit_spec.exporting.bench_report import skipped_lines

    place = Label(Span.of_file(trained.weights))
    notes = skipped_lines(bench.skipped)
    report([diagnose("DS615", "no combination can run", place, notes=notes)])
    raise typer.Exit(1)


def _print(bench: "Bench", output: Path | None) -> None:
    """Print a table, with a section for each batch size."""
    from itertools import groupby

    from deit_spec.cli.tables import print_table, table_of
    from deit_spec.exporting.bench_model import pareto_front
    from deit_spec.exporting.bench_report import HEAD, LEGEND, cells, notes

    results = bench.results
    front = pareto_front(results)
    merges = any(each.combination.merge_tokens for each in results)
    shown = [name for name in HEAD if merges or name != "merge"]
    table = table_of(shown, [])
    for batch, group in groupby(results, key=lambda each: each.combination.batch):
        table.add_section()
        table.add_row(f"batch of {batch:,}")
        for found in group:
            on_front = found in front
            row = dict(zip(HEAD, cells(found, on_front=on_front), strict=True))
            style = "bold" if on_front else None
            table.add_row(*(row[name] for name in shown), style=style)
    print_table(table, [*notes(bench), "", *LEGEND], output)
