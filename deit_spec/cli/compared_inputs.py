"""Reads the two models of a comparison, and merges their graphs for a drawing."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from deit_spec.cli.inputs import check
from deit_spec.cli.output import STDIO, fail, protect, protect_folder, report
from deit_spec.graph import LayerGraph, Target
from deit_spec.spec import with_merge_tokens

if TYPE_CHECKING:
    from deit_spec.compare import ComparedModel
    from deit_spec.diagram import Marks
    from deit_spec.passes import PassOptions


def open_compared(
    name: str,
    target: Target,
    options: "PassOptions | None" = None,
    merge_tokens: int | tuple[int, ...] | None = None,
) -> "ComparedModel":
    """Compile a spec or the spec of a model, or report its errors and exit with 1."""
    from deit_spec.compare import ComparedModel, check_compared, is_special

    if is_special(name):
        checked = check_compared(name)
        protect(name)
        protect_folder(Path(name))
    else:
        checked = check(name)
    if checked.spec is not None:
        checked = with_merge_tokens(checked, merge_tokens)
    report(checked.diagnostics)
    if checked.spec is None:
        raise typer.Exit(1)
    return ComparedModel.of(name, checked, target, options)


def merge_models(
    models: tuple[str, str],
    target: Target,
    options: "PassOptions",
    merge_tokens: int | tuple[int, ...] | None,
) -> "tuple[LayerGraph, Marks]":
    """Merge the graphs of two models into one that is marked with what differs."""
    from deit_spec.compare import compare_graphs, mark_layers, merge_graphs

    if models == (STDIO, STDIO):
        fail("only one of SPEC and --against can be standard input")
    a, b = (open_compared(each, target, options, merge_tokens).graph for each in models)
    return merge_graphs(a, b), mark_layers(compare_graphs(a, b), a, b)
