"""What is kept and said of a text that the parser could not read to its end."""

from dataclasses import replace
from typing import Final

from yaml.error import MarkedYAMLError

from deit_spec.diagnostics import Diagnostic
from deit_spec.yaml_source import yaml_findings as problems
from deit_spec.yaml_source.braces import Brace, stray
from deit_spec.yaml_source.composer import Composer
from deit_spec.yaml_source.document import Document, Entry, Path
from deit_spec.yaml_source.meaning import UNKNOWN
from deit_spec.yaml_source.positions import Positions
from deit_spec.yaml_source.report import Report
from deit_spec.yaml_source.syntax import breaks_off, is_open, offset_of, syntax_error

_NEAR: Final = 2
"""Keys before the place where a text breaks off that it may be about."""


def stopped(
    error: MarkedYAMLError, composer: Composer, report: Report
) -> tuple[Document | None, int, Diagnostic | None]:
    """Report why the parser stopped, and give what it read, and up to which offset.

    The last is what was reported, if it is a matter of a line and no bracket.
    """
    positions, offset = report.positions, offset_of(error)
    is_cut = breaks_off(error, positions.parsed)
    document = part_of(composer, positions, offset)
    culprit = None
    brace = _stray(error, positions, is_cut=is_cut)
    if brace:
        document = _told_of(brace, document, report)
    elif not (is_cut and report.is_unbalanced) and not _is_explained(offset, report):
        problem = syntax_error(error, positions, report.is_key)
        report.problems.append(problem)
        culprit = None if is_open(error) else problem
    if document is not None and is_cut:
        # Where the bracket belongs decides whose keys these are.
        inner = {path for path in document.spans if len(path) > 1}
        document = replace(document, doubts=document.doubts | inner)
    if document is not None and positions.text(offset, offset + 1) == "}":
        document = replace(document, doubts=document.doubts | _behind(document))
    return document, offset, culprit


def _stray(
    error: MarkedYAMLError, positions: Positions, *, is_cut: bool
) -> Brace | None:
    """The brace before a number that keeps the text from being YAML, if one does."""
    since = error.context_mark
    if not since or not is_open(error):
        return None
    return stray(positions.meant, since.index, is_cut=is_cut)


def _told_of(
    brace: Brace, document: Document | None, report: Report
) -> Document | None:
    """Report a brace that stands before a number, and take back what came of it."""
    positions = report.positions
    here = positions.span(brace.start, brace.start + 1)
    since = positions.span(brace.number, brace.number)
    began = {(place.line, place.column) for place in (here, since)}
    kept = [each for each in report.problems if _place(each) not in began]
    report.problems[:] = [*kept, problems.stray_brace(brace.text, here)]
    if document is None:
        return None
    opened = {
        path for path, entry in document.spans.items() if entry.start == brace.start
    }
    return replace(document, doubts=document.doubts | opened)


def _place(problem: Diagnostic) -> tuple[int, int]:
    span = problem.primary.span
    return span.line, span.column


def _is_explained(offset: int, report: Report) -> bool:
    """Whether the parser stopped at what something odd in this or the last line began.

    A tag, an alias or a `?` at the wrong place changes how what follows is read.
    """
    line = report.positions.span(offset, offset).line
    odd = report.positions.span(report.oddity, report.oddity).line
    return report.oddity >= 0 and odd >= line - 1


def part_of(composer: Composer, positions: Positions, stop: int) -> Document | None:
    """What was read of a mapping that breaks off: any key might have followed."""
    if composer.root is None:
        return None
    read = composer.spans
    spans = {
        path: entry
        for path, entry in read.items()
        if all(path[:end] in read for end in range(1, len(path)))
    }
    for path, entry in list(spans.items()):
        # `depth: 6 num_heads: 6` breaks off at the second colon: that is no value.
        is_last = not positions.text(entry.end, stop).strip(" ")
        if len(path) == 1 and (is_last or str(path[0]).startswith(("//", "/*"))):
            del spans[path]
            composer.root.pop(str(path[0]), None)
    # What breaks off may belong below a key that has nothing, one key further up.
    last = list(spans)[-_NEAR:]
    open_ = (
        path
        for path in last
        if not spans[path].is_on_its_line or _is_nothing(path, composer.root)
    )
    doubts = frozenset({(), *composer.doubts, *open_})
    spans[()] = Entry(positions, (0, 0), (0, 0))
    return Document(composer.root, spans, positions.source, doubts, is_whole=False)


def _behind(document: Document) -> set[Path]:
    """The keys behind a mapping or nothing: with a `}` too many they may be in it."""
    keys = [path for path in document.spans if len(path) == 1]
    opened = (n for n, path in enumerate(keys) if _may_hold(document.at(path)))
    return set(keys[next(opened, len(keys)) + 1 :])


def _may_hold(value: object) -> bool:
    return value is None or isinstance(value, dict)


def _is_nothing(path: Path, root: dict[str, object]) -> bool:
    """Whether a key has a value that holds nothing, and may have been meant to."""
    return len(path) == 1 and not root.get(str(path[0]), UNKNOWN)
