"""`deit-spec explain`: what a code means, and what a field does."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deit_spec.cli.inputs import check_and_report
from deit_spec.cli.options import OutputOption, TextFormat, format_option, option
from deit_spec.cli.output import emit, emit_json, fail, is_file

if TYPE_CHECKING:
    from pathlib import Path

VERSION = 2
"""Of the JSON format. Incremented when a key is removed or changes its meaning."""
MAX_WIDTH = 100


def complete(typed: str) -> list[tuple[str, str]]:
    """Complete codes, their names and fields in a shell."""
    from deit_spec.explain import topics

    start = typed.lower()
    return [(word, about) for word, about in topics() if word.lower().startswith(start)]


def run(
    word: Annotated[
        str | None,
        typer.Argument(
            metavar="CODE|NAME|FIELD",
            help="A code (DS203), its name (heads-do-not-fill-width) or a field "
            "(embed_dim); without it, all codes are listed.",
            autocompletion=complete,
            show_default=False,
        ),
    ] = None,
    output: OutputOption = None,
    *,
    spec: Annotated[
        str | None,
        option("--spec", "Also show the value of FIELD in SPEC.", metavar="SPEC"),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Explain all codes.")
    ] = False,
    format_: Annotated[
        TextFormat, format_option("The format of the explanation.")
    ] = TextFormat.TEXT,
) -> None:
    """Explain a diagnostic code, or a field of a spec or a recipe."""
    if everything and word is not None:
        fail("--all cannot be combined with a code or a field")
    if spec is not None and word is None:
        fail("--spec needs a field")
    from deit_spec.diagnostics import CATALOGUE

    if word is None:
        from deit_spec.explain.code_page import catalogue_page, code_json, code_table

        codes = {"codes": [code_json(code) for code in CATALOGUE]}
        page = catalogue_page() if everything else code_table()
        _print(codes, page, output, format_)
        return
    from deit_spec.explain import FIELDS, UnknownTopicError, find

    try:
        topic = find(word)
    except UnknownTopicError as error:
        fail(f"{word!r} is neither a code nor a field; {error}")
    if spec is not None and topic not in FIELDS:
        fail(f"--spec works only with spec fields, and {word} is not one")
    if topic in CATALOGUE:
        from deit_spec.explain.code_page import code_json, code_page

        _print(code_json(topic), code_page(topic), output, format_)
        return
    from deit_spec.explain import explain_field, field_page

    checked = None if spec is None else check_and_report(spec)
    answer = explain_field(topic, checked)
    _print(answer, field_page(answer), output, format_)
    if checked is not None and checked.spec is None:
        raise typer.Exit(1)


def _print(
    value: dict[str, Any], page: str, output: "Path | None", format_: TextFormat
) -> None:
    """Print JSON, or a page: drawn on a terminal, as Markdown elsewhere."""
    if format_ is TextFormat.JSON:
        emit_json({"version": VERSION, **value}, output)
    elif is_file(output) or sys.stdout is None or not sys.stdout.isatty():
        emit(page, output)
    else:
        from rich.console import Console
        from rich.markdown import Markdown

        console = Console()
        console.width = min(console.width, MAX_WIDTH)
        console.print(Markdown(page, code_theme="ansi_dark"))
