"""`deit-spec explain`: what a code means, and what a field does."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deit_spec.cli.arguments import OutputOption, TextForm
from deit_spec.cli.output import STDIN, emit, fail, read
from deit_spec.diagnostics import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from deit_spec.explain import Topic
    from deit_spec.explain.code_page import Block

VERSION = 1
"""Of the JSON form; it grows when a key goes or changes its meaning."""
WIDEST = 100


def complete(typed: str) -> list[tuple[str, str]]:
    """Offer codes, their names and fields to the shell."""
    from deit_spec.explain import topics

    start = typed.lower()
    return [(word, about) for word, about in topics() if word.lower().startswith(start)]


def run(
    word: Annotated[
        str | None,
        typer.Argument(
            metavar="CODE|NAME|FIELD",
            help="DS203, heads-do-not-fill-width, embed_dim; left out, all codes.",
            autocompletion=complete,
            show_default=False,
        ),
    ] = None,
    output: OutputOption = None,
    *,
    spec: Annotated[
        str | None,
        typer.Option(
            "--spec", metavar="SPEC", help="Tell where its value of FIELD is from."
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Explain every code.")
    ] = False,
    form: Annotated[
        TextForm,
        typer.Option("--output-format", help="For a person, or for a program."),
    ] = TextForm.TEXT,
) -> None:
    """Explain a diagnostic, or a field of a spec or a recipe."""
    if everything and word is not None:
        fail("--all goes without a word")
    if word is None:
        if spec is not None:
            fail("--spec goes with a field")
        _every_code(output, form, long=everything)
        return
    topic = _find(word)
    if spec is not None and not topic.is_of_spec:
        fail(f"--spec goes with a field of a spec, and {word} is not one")
    if topic.field:
        _field(topic.field, spec, output, form)
    else:
        _code(topic.code, output, form)


def _find(word: str) -> "Topic":
    from deit_spec.explain import UnknownTopicError, find

    try:
        return find(word)
    except UnknownTopicError as error:
        fail(f"{word!r} is neither a code nor a field; {error}")


def _code(code: str, output: "Path | None", form: TextForm) -> None:
    from deit_spec.explain.code_page import code_json, code_page

    if form is TextForm.JSON:
        _json(code_json(code), output)
    else:
        _show(code_page(code), output)


def _field(field: str, spec: str | None, output: "Path | None", form: TextForm) -> None:
    from deit_spec.explain import explain_field, field_page

    checked = None if spec is None else read(spec)
    answer = explain_field(field, checked)
    if form is TextForm.JSON:
        _json(answer, output)
    else:
        _show(field_page(answer), output)
    if checked is not None and checked.spec is None:
        raise typer.Exit(1)


def _every_code(output: "Path | None", form: TextForm, *, long: bool) -> None:
    from deit_spec.explain.code_page import catalogue_page, code_json, code_table

    if form is TextForm.JSON:
        _json({"codes": [code_json(code) for code in CATALOGUE]}, output)
    else:
        _show(catalogue_page() if long else [code_table()], output)


def _json(value: dict[str, Any], output: "Path | None") -> None:
    text = json.dumps({"version": VERSION, **value}, indent=2, ensure_ascii=False)
    emit(f"{text}\n", output)


def _show(blocks: "Iterable[Block]", output: "Path | None") -> None:
    """Draw a page on a terminal; write it as Markdown anywhere else."""
    from deit_spec.explain.code_page import as_markdown, joined

    to_file = output is not None and str(output) != STDIN
    if to_file or sys.stdout is None or not sys.stdout.isatty():
        emit(as_markdown(blocks), output)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    from deit_spec.diagnostics.text import render

    console = Console(highlight=False)
    console.width = min(console.width, WIDEST)
    for block in joined(blocks):
        if isinstance(block, str):
            console.print(Markdown(block))
        else:
            console.print()
            console.print(render(block, width=console.width), soft_wrap=True)
            console.print()
