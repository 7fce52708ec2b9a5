"""Findings as a person reads them, in the manner of rustc."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from rich.text import Text

from deit_spec.diagnostics.model import Diagnostic, Severity, Source
from deit_spec.diagnostics.snippet import Gutter, Pointer, drawn_line, snippet
from deit_spec.diagnostics.visible import visible

_STYLES: Final = {
    Severity.ERROR: "bold red",
    Severity.WARNING: "bold yellow",
    Severity.NOTE: "bold cyan",
}


def render(diagnostics: Sequence[Diagnostic], *, width: int = 100) -> Text:
    """Draw findings one below the other, in the order given.

    Lines of source are cut to the width; words are not, so print the result with
    `soft_wrap=True`. There is no line break at the end.
    """
    drawn = [_join(_diagnostic(each, width)) for each in diagnostics]
    text = Text("\n\n").join(drawn)
    text.no_wrap = True
    text.overflow = "ignore"
    return text


def summary(
    diagnostics: Sequence[Diagnostic],
    fixes: int | None = None,
    is_all: bool = True,  # noqa: FBT001, FBT002  -- the two parts of a count
) -> str:
    """Count findings, and what is fixable: `2 errors and 1 warning in base.yaml`.

    `fixes` is how many fixes there are where that is known, for behind a mistake
    there may be another one; `is_all` is false where there may be more.
    """
    counts = Counter(each.severity for each in diagnostics)
    kinds = [_count(counts[kind], kind.value) for kind in Severity if counts[kind]]
    names = {each.primary.span.source.name for each in diagnostics}
    if not kinds:
        return "no findings"
    listed = " and ".join(filter(None, [", ".join(kinds[:-1]), kinds[-1]]))
    where = visible(names.pop()) if len(names) == 1 else _count(len(names), "file")
    number = sum(each.fix is not None for each in diagnostics)
    number = number if fixes is None else fixes
    more = "" if is_all else " or more"
    fix = f"; `deit-spec validate --fix` fixes {number}{more}" if number else ""
    return f"{listed} in {where}{fix}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _join(lines: Iterator[Text]) -> Text:
    return Text("\n").join(lines)


def _diagnostic(diagnostic: Diagnostic, width: int) -> Iterator[Text]:
    style = _STYLES[diagnostic.severity]
    yield Text.assemble(
        (f"{diagnostic.severity.value}[{diagnostic.code}]", style),
        (f": {visible(diagnostic.message)}".rstrip(), "bold"),
    )
    sections = _sections(diagnostic)
    spans = [pointer.label.span for each in sections.values() for pointer in each]
    gutter = Gutter(max(map(drawn_line, spans)), width)
    for source, pointers in sections.items():
        if source is diagnostic.primary.span.source:
            yield gutter.arrow("-->", visible(str(diagnostic.primary.span)))
        else:
            yield gutter.row(Text())
            first = min(pointers, key=_place).label.span
            yield gutter.arrow(":::", visible(str(first)))
        # What could not be read, or is empty, has no line to show.
        if source.text:
            yield gutter.row(Text())
            yield from snippet(source, pointers, gutter, style)
    yield from _annotations(diagnostic, gutter)


def _sections(diagnostic: Diagnostic) -> dict[Source, list[Pointer]]:
    """Group the labels by source, that of the finding itself first."""
    primary = diagnostic.primary
    sections = {primary.span.source: [Pointer(primary, primary=True)]}
    for label in diagnostic.secondary:
        pointers = sections.setdefault(label.span.source, [])
        pointers.append(Pointer(label, primary=False))
    return sections


def _place(pointer: Pointer) -> tuple[int, int]:
    span = pointer.label.span
    return span.line, span.column


def _annotations(diagnostic: Diagnostic, gutter: Gutter) -> Iterator[Text]:
    if diagnostic.notes or diagnostic.helps:
        yield gutter.row(Text())
    for kind, texts in (("note", diagnostic.notes), ("help", diagnostic.helps)):
        for text in texts:
            yield from _annotation(kind, text, gutter)


def _annotation(kind: str, text: str, gutter: Gutter) -> Iterator[Text]:
    first, *others = text.split("\n")
    indent = " " * (gutter.width + len(f" = {kind}: "))
    row = gutter.arrow(" =", f"{kind}: {visible(first)}")
    row.rstrip()
    yield row
    for other in others:
        yield Text((indent + visible(other)).rstrip())
