"""Properties of the generated module of every valid spec."""

import re
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from support.execution import build, images_for, interpret, sizes
from support.strategies import GRIDS, merging_specs, options, specs
from torch import Tensor, nn

import deit_spec
from deit_spec import Compiled, DeiTSpec
from deit_spec.cost import total
from deit_spec.ops import ModuleOp, letters

OPTIONS: Any = options()
SPECS = specs() | merging_specs()


def compile_with(spec: DeiTSpec, options: dict[str, Any]) -> Compiled:
    """Compile a spec with the options that fit it."""
    taps, until = options["taps"], options.get("until")
    if spec.merges_tokens:
        taps = [tap for tap in taps if tap not in GRIDS]
        until = None if until in GRIDS else until
    return deit_spec.compile(spec, **options | {"taps": taps, "until": until})


def observe(
    graph: deit_spec.LayerGraph, model: nn.Module
) -> dict[str, tuple[int, ...]]:
    """Hook every module node; a forward pass fills the dict with output shapes."""
    seen: dict[str, tuple[int, ...]] = {}

    def record(path: str) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            seen[path] = tuple(output.shape)

        return hook

    for path, op in graph.ops():
        if isinstance(op, ModuleOp) and op.arity:
            model.get_submodule(path).register_forward_hook(record(path))
    return seen


def outputs_of(result: Any) -> list[Tensor]:
    """The outputs that `forward` returns, and the taps in their order."""
    if not isinstance(result, tuple):
        return [result]
    *outputs, last = result
    return [*outputs, *(last.values() if isinstance(last, dict) else [last])]


@given(SPECS, OPTIONS)
def test_inferred_shapes_equal_executed_shapes(
    spec: DeiTSpec, options: dict[str, Any]
) -> None:
    """The inferred shape of every node is its shape when the graph runs.

    Module nodes are seen by hooks in the generated module's own run; all nodes
    by the node-by-node interpreter, whose results equal the module's.
    """
    compiled = compile_with(spec, options)
    graph, model, images = compiled.graph, build(compiled), images_for(spec)
    seen = observe(graph, model)
    result = model(images)
    live = graph.live()
    for path, op in graph.ops():
        if isinstance(op, ModuleOp) and op.arity and path in live:
            assert seen[path] == sizes(graph.shape(path), len(images)), path
    values = interpret(graph, model, images)
    for path, value in values.items():
        assert tuple(value.shape) == sizes(graph.shape(path), len(images)), path
    *outputs, taps = result if graph.taps else (*outputs_of(result), {})
    assert taps.keys() == graph.taps.keys()
    wanted = dict(zip(graph.outputs.values(), outputs, strict=True))
    wanted |= {graph.taps[name]: value for name, value in taps.items()}
    for path, value in wanted.items():
        torch.testing.assert_close(value, values[path], rtol=0, atol=0)
    if graph.predict is not None:
        torch.testing.assert_close(model.predict(images), values[graph.predict])


@given(SPECS, OPTIONS)
def test_shape_comments_are_correct(spec: DeiTSpec, options: dict[str, Any]) -> None:
    """Every shape comment gives the shape of the value that its line creates."""
    compiled = compile_with(spec, options)
    model, images = build(compiled), images_for(spec, batch=3)
    found = _shapes_by_line(model, images)
    lines = compiled.source.splitlines()
    sizes_of = _letters(compiled, batch=3)
    checked = 0
    for number, shapes in found.items():
        above = lines[number - 2].strip().startswith("#")
        line = lines[number - 2 if above else number - 1]
        comment = re.search(r"# (?:each )?\[(.*)\]$", line)
        if comment is None:
            continue
        checked += 1
        wanted = [sizes_of[part] for part in comment[1].split(", ")]
        for shape in shapes:
            fits = [size in each for size, each in zip(shape, wanted, strict=True)]
            assert all(fits), lines[number - 1]
    commented = [x for x in lines if re.match(r"        .*# (each )?\[", x)]
    assert checked == len(commented)


def _shapes_by_line(
    model: nn.Module, images: Tensor
) -> dict[int, set[tuple[int, ...]]]:
    """The shapes that each line of the generated module assigns or returns."""
    found: dict[int, set[tuple[int, ...]]] = {}
    file = sys.modules[type(model).__module__].__file__
    last: dict[FrameType, tuple[int, dict[str, int]]] = {}

    def note(line: int, value: Any) -> None:
        for tensor in value if isinstance(value, tuple) else [value]:
            if isinstance(tensor, Tensor):
                found.setdefault(line, set()).add(tuple(tensor.shape))

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename != file or frame.f_code.co_name != "forward":
            return None
        variables = {**frame.f_locals, **frame.f_locals.get("taps", {})}
        now = {name: id(value) for name, value in variables.items()}
        line, before = last.get(frame, (frame.f_lineno, now))
        for name, value in variables.items():
            if now[name] != before.get(name):
                note(line, value)
        if event == "return":
            note(frame.f_lineno, argument)
        last[frame] = (frame.f_lineno, now)
        return trace

    sys.settrace(trace)
    try:
        with torch.no_grad():
            model(images)
    finally:
        sys.settrace(None)
    return found


def _letters(compiled: Compiled, batch: int) -> dict[str, set[int]]:
    """The sizes of each letter and number in a comment: one, unless tokens merge."""
    known: dict[str, set[int]] = {}
    for shape in compiled.graph.shapes().values():
        assert shape is not None
        for dim in shape:
            size = batch if dim.size is None else dim.size
            known.setdefault(letters((dim,))[1:-1], set()).add(size)
    return known


@given(SPECS, OPTIONS)
def test_parameters_are_counted(spec: DeiTSpec, options: dict[str, Any]) -> None:
    """The graph predicts the count, name and shape of every parameter."""
    compiled = compile_with(spec, options)
    with torch.device("meta"):
        model = build(compiled)
    named = {
        f"{path}.{parameter.name}".rstrip("."): tuple(d.size for d in parameter.shape)
        for path, op in compiled.graph.ops()
        for parameter in op.parameters
    }
    found = {name: tuple(p.shape) for name, p in model.named_parameters()}
    assert named == found
    assert total(compiled.graph).parameters == sum(
        p.numel() for p in model.parameters()
    )


@given(specs())
def test_output_size(spec: DeiTSpec) -> None:
    compiled = deit_spec.compile(spec)
    result = outputs_of(build(compiled)(images_for(spec)))
    assert result[0].shape == (2, deit_spec.output_size(spec))


@given(specs())
def test_state_dict_round_trip(spec: DeiTSpec) -> None:
    """The same state dict gives the same outputs, for both targets."""
    compiled = deit_spec.compile(spec)
    one, other = build(compiled, seed=1), build(compiled, seed=2)
    other.load_state_dict(one.state_dict(), strict=True)
    images = images_for(spec)
    for a, b in zip(outputs_of(one(images)), outputs_of(other(images)), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    inference = build(deit_spec.compile(spec, target="inference", drop_unread=False))
    inference.load_state_dict(one.state_dict(), strict=True)
    wanted = one(images) if spec.num_classes is None else one.predict(images)
    torch.testing.assert_close(inference(images), wanted, rtol=0, atol=0)


@pytest.mark.slow
@settings(max_examples=25)  # an export takes half a second
@given(SPECS, OPTIONS)
def test_export(spec: DeiTSpec, options: dict[str, Any]) -> None:
    """torch.export exports the module with a dynamic batch size."""
    model = build(compile_with(spec, options))
    images = images_for(spec)
    batch = torch.export.Dim("batch", min=1, max=64)
    exported = torch.export.export(model, (images,), dynamic_shapes=({0: batch},))
    more = images_for(spec, batch=5)
    for a, b in zip(
        outputs_of(exported.module()(more)), outputs_of(model(more)), strict=True
    ):
        torch.testing.assert_close(a, b)


@given(SPECS, OPTIONS)
def test_source_imports_only_torch(spec: DeiTSpec, options: dict[str, Any]) -> None:
    source = compile_with(spec, options).source
    imported = re.findall(r"^(?:import|from) (\w+)", source, re.MULTILINE)
    assert set(imported) <= {"torch", "typing"}
    assert "Identity" not in source
    assert "Dropout(0" not in source


def test_sources_are_formatted_and_clean(tmp_path: Path) -> None:
    """ruff neither reformats nor reports any of the generated sources."""
    drawn: list[str] = []

    @settings(max_examples=100, database=None)  # ruff runs once for all of them
    @given(SPECS, OPTIONS)
    def draw(spec: DeiTSpec, options: dict[str, Any]) -> None:
        drawn.append(compile_with(spec, options).source)

    draw()
    for index, source in enumerate(dict.fromkeys(drawn)):
        (tmp_path / f"m{index}.py").write_text(source, encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff"]
    for command in (
        ["format", "--isolated", "--check", "--diff"],
        [
            "check",
            "--isolated",
            "--select",
            "E,F,W,I,B,UP,SIM,RET,PIE",
            "--line-length",
            "88",
        ],
    ):
        done = subprocess.run(
            [*ruff, *command, str(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[:4000]
