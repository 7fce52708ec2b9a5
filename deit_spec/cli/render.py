"""`deit-spec render`: draw the architecture."""

import io
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, NamedTuple, TypeAlias

import typer

from deit_spec.cli.compared_inputs import merge_models
from deit_spec.cli.compile import TargetOption
from deit_spec.cli.inputs import read
from deit_spec.cli.options import (
    DropUnreadOption,
    MergeTokensOption,
    OutputOption,
    SpecArgument,
    TapOption,
    UntilOption,
    format_option,
    option,
    pass_options,
)
from deit_spec.cli.output import (
    can_encode,
    emit,
    emit_json,
    fail,
    is_file,
    make_console,
    protect,
    refuse_input,
)
from deit_spec.graph import LayerGraph, Target
from deit_spec.pipeline import finish
from deit_spec.spec.nearest import closest_word

if TYPE_CHECKING:
    from deit_spec import diagram

NARROW, WIDE = 80, 120
_UNLIMITED: Final = 1_000_000
THIN_MM, BROAD_MM = 40.0, 1000.0
Picture: TypeAlias = Literal[
    "figure", "tree", "json", "svg", "pdf", "png", "html", "mermaid", "dot", "d2"
]
Detail: TypeAlias = Literal["overview", "block", "full"]
Reader: TypeAlias = Literal["model-explorer"]

_TEXT: Final = ("figure", "tree")
_VECTOR: Final = ("svg", "pdf", "png")
_SUFFIXES: Final[dict[str, Picture]] = {
    "": "figure",
    ".txt": "figure",
    ".md": "figure",
    ".json": "json",
    ".svg": "svg",
    ".pdf": "pdf",
    ".png": "png",
    ".html": "html",
    ".htm": "html",
    ".mmd": "mermaid",
    ".dot": "dot",
    ".gv": "dot",
    ".d2": "d2",
}


def run(  # noqa: PLR0913  -- each is an option of the command
    spec: SpecArgument,
    output: OutputOption = None,
    *,
    format_: Annotated[
        Picture | None,
        format_option(
            "The format of the drawing; by default chosen by the extension of FILE, "
            "or figure, or json with --for.",
            default=False,
        ),
    ] = None,
    old_format: Annotated[
        Picture | None, typer.Option("--format", hidden=True, case_sensitive=False)
    ] = None,
    reader: Annotated[
        Reader | None,
        option(
            "--for",
            "Write the JSON that another program reads: the graph, or with --heat "
            "numbers that colour it.",
            show_default=False,
        ),
    ] = None,
    target: TargetOption = Target.TRAIN,
    drop_unread: DropUnreadOption = None,
    tap: TapOption = None,
    until: UntilOption = None,
    merge_tokens: MergeTokensOption = None,
    detail: Annotated[
        Detail,
        option(
            "--detail",
            "Draw the stages only (not as figure or tree), equal blocks as one, or "
            "every block.",
        ),
    ] = "block",
    expand: Annotated[
        bool,
        typer.Option("--expand", help="Draw or list every block, as --detail full."),
    ] = False,
    heat: Annotated[
        str | None,
        option(
            "--heat",
            "Colour the nodes of svg, pdf, png and html, or of Model Explorer, by "
            "their parameters, macs or activations, or by a JSON file with a number "
            "for each path.",
            metavar="QUANTITY|FILE",
        ),
    ] = None,
    against: Annotated[
        str | None,
        option(
            "--against",
            "Draw what is added, removed and changed from SPEC to this model; both "
            "can be what `diff` compares.",
            metavar="SPEC",
        ),
    ] = None,
    ascii_only: Annotated[
        bool, typer.Option("--ascii", help="Draw a figure or a tree in ASCII.")
    ] = False,
    color: Annotated[
        bool, typer.Option("--color/--no-color", help="Use colour on a terminal.")
    ] = True,
    width: Annotated[
        str | None,
        option(
            "--width",
            f"The width in columns, at least {NARROW}; by default the width of "
            f"the terminal, up to {WIDE}. For svg, pdf and png, the width in print, "
            "such as 84mm.",
            metavar="COLUMNS|MM",
        ),
    ] = None,
) -> None:
    """Draw the architecture of a spec."""
    checked = None if against is not None else read(spec, merge_tokens)
    if output is not None and is_file(output):
        refuse_input(output)
    format_ = old_format or format_ or _format_of(output, reader)
    if expand and detail == "overview":
        fail("--detail overview and --expand cannot be used together")
    detail = "full" if expand else detail
    if ascii_only and format_ not in _TEXT:
        fail(f"--ascii needs figure or tree, not {format_}")
    _check_format(format_, detail, reader, heat)
    if against is not None:
        _check_against(format_, heat)
    size = _size(width, format_)
    target, options = pass_options(
        spec if against is None else "",
        target,
        drop_unread=drop_unread,
        tap=tap,
        until=until,
    )
    from deit_spec import diagram

    level, marks = diagram.Detail(detail), None
    if checked is not None:
        graph = finish(checked, target, options)
    else:
        models = spec, str(against)
        graph, marks = merge_models(models, target, options, merge_tokens)
    numbers = None if heat is None else _heat(heat, graph)
    if reader is not None and numbers is not None:
        emit_json(diagram.as_node_data(graph, numbers), output)
    elif reader is not None:
        emit_json(diagram.as_model_explorer(graph), output)
    elif format_ == "json":
        emit_json(diagram.as_json(graph, expand=detail == "full"), output)
    elif format_ in _TEXT:
        columns = None if size is None else int(size)
        expanded = detail == "full"
        look = _Look(columns, expanded, ascii_only, color, marks)
        _print(graph, format_, look, output)
    else:
        colours = (numbers, marks)
        emit(_document(graph, format_, level, colours, size), output)


def _document(
    graph: LayerGraph,
    format_: Picture,
    level: "diagram.Detail",
    colours: "tuple[diagram.Heat | None, diagram.Marks | None]",
    size: float | None,
) -> str | bytes:
    """Draw a graph in a format other than characters and JSON."""
    from deit_spec import diagram

    heat, marks = colours
    if format_ in _VECTOR:
        text = diagram.as_svg(
            graph, detail=level, millimetres=size, heat=heat, marks=marks
        )
        return text if format_ == "svg" else _converted(text, format_)
    if format_ == "html":
        return diagram.as_html(graph, detail=level, heat=heat, marks=marks)
    writers = {
        "mermaid": diagram.as_mermaid,
        "dot": diagram.as_dot,
        "d2": diagram.as_d2,
    }
    return writers[format_](graph, level)


class _Look(NamedTuple):
    """How a drawing of characters looks."""

    columns: int | None
    expand: bool
    ascii_only: bool
    color: bool
    marks: "diagram.Marks | None"


def _print(
    graph: LayerGraph, format_: Picture, look: _Look, output: Path | None
) -> None:
    """Print a figure or a tree, or write it to a file."""
    from deit_spec.diagram import draw, tree

    to_file = is_file(output)
    columns = max(NARROW, min(look.columns or _columns(to_file=to_file), WIDE))
    if format_ == "tree" and look.columns is None and not _is_terminal(to_file=to_file):
        columns = _UNLIMITED  # one layer per line
    plain = look.ascii_only or not (to_file or can_encode("╭→⊕ᵀ√"))
    if to_file:
        console = make_console(width=columns, record=True, file=io.StringIO())
    else:
        console = make_console(color=look.color, width=columns)
    if format_ == "tree":
        branches = tree(graph, expand=look.expand, ascii_only=plain, marks=look.marks)
        console.print(branches, soft_wrap=False)
    else:
        figure = draw(
            graph,
            width=columns,
            expand=look.expand,
            ascii_only=plain,
            marks=look.marks,
        )
        console.print(figure, soft_wrap=True)
    if to_file:
        emit(console.export_text(), output)


def _check_format(
    format_: Picture, detail: Detail, reader: str | None, heat: str | None
) -> None:
    """Exit with 2 if an option cannot be used with the format."""
    if detail == "overview" and format_ in {*_TEXT, "json"}:
        fail(f"--detail overview is not possible as {format_}")
    if reader is not None and format_ != "json":
        fail(f"--for {reader} needs json, not {format_}")
    if heat is not None and reader is None and format_ not in {*_VECTOR, "html"}:
        needs = "svg, pdf, png or html, or --for model-explorer"
        fail(f"--heat needs {needs}, not {format_}; use -o FILE.svg")


def _check_against(format_: Picture, heat: str | None) -> None:
    """Exit with 2 if two models cannot be drawn like this."""
    if format_ not in {*_TEXT, *_VECTOR, "html"}:
        fail(f"--against needs figure, tree, svg, pdf, png or html, not {format_}")
    if heat is not None:
        fail("--against and --heat cannot be used together")


def _format_of(output: Path | None, reader: str | None) -> Picture:
    """Return the format of a file by its extension; without one, that of a reader."""
    suffix = output.suffix.lower() if output is not None and is_file(output) else ""
    if suffix not in _SUFFIXES:
        known = ", ".join(filter(None, _SUFFIXES))
        fail(
            f"{suffix} is not the extension of a format; use --output-format or {known}"
        )
    return _SUFFIXES[suffix] if suffix or reader is None else "json"


def _size(width: str | None, format_: Picture) -> float | None:
    """Return the columns of a text, or the millimetres of a vector figure."""
    if width is None:
        return None
    is_print = width.endswith("mm")
    if format_ in _VECTOR and not is_print:
        problem = "has no unit" if width.isdecimal() else "is not in mm"
        fail(f"--width {width} {problem}; for {format_} use 84mm or 174mm")
    if format_ not in _VECTOR and is_print:
        fail(f"--width {width} needs svg, pdf or png, not {format_}")
    try:
        size = float(width.removesuffix("mm")) if is_print else int(width)
    except ValueError:
        fail(f"--width {width} is not a number of columns or of mm")
    if is_print and not THIN_MM <= size <= BROAD_MM:
        fail(f"--width {width} is not between {THIN_MM:.0f}mm and {BROAD_MM:.0f}mm")
    if not is_print and size < NARROW:
        fail(f"--width {width} is less than {NARROW} columns")
    return size


def _heat(name: str, graph: LayerGraph) -> "diagram.Heat":
    """Compute a quantity, or read numbers from a file; exit with 2 if it is neither."""
    from deit_spec.diagram import Quantity, computed_heat, read_heat

    quantities = [quantity.value for quantity in Quantity]
    if name.lower() in quantities:
        return computed_heat(graph, Quantity(name.lower()))
    if Path(name).name == name and not Path(name).suffix and not Path(name).exists():
        meant = closest_word(name, quantities)
        hint = f"; did you mean {meant}?" if meant else ""
        choices = ", ".join(quantities)
        fail(f"--heat {name} is not one of {choices}, or a JSON file{hint}")
    protect(name)
    return read_heat(Path(name), graph)


def _converted(text: str, format_: Picture) -> bytes:
    """Convert an SVG document; exit with 2 if the library for it is not installed."""
    from deit_spec.diagram import convert_svg
    from deit_spec.distill.optional_packages import (
        MissingPackageError,
        require_packages,
    )

    try:
        require_packages("PDF and PNG figures", "cairosvg")
    except MissingPackageError as error:
        fail(str(error))
    return convert_svg(text, format_)


def _columns(*, to_file: bool) -> int:
    """The width of the terminal, or 80, so that files and pipes get the same."""
    if not _is_terminal(to_file=to_file):
        return NARROW
    return shutil.get_terminal_size((NARROW, 24)).columns


def _is_terminal(*, to_file: bool) -> bool:
    return not to_file and sys.stdout.isatty()
