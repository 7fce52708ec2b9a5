"""Words for what PyYAML's parser says."""

from typing import Final

from yaml.error import MarkedYAMLError

from deit_spec.diagnostics import Diagnostic, Label, diagnose
from deit_spec.diagnostics.diagnostic import LINE_BREAK
from deit_spec.yaml_source.brackets import CLOSING, is_closed, last_open, value_around
from deit_spec.yaml_source.comments import comment_near
from deit_spec.yaml_source.document import IsKey
from deit_spec.yaml_source.flow import Gap, find_gap, is_left_open
from deit_spec.yaml_source.misplaced import about_line
from deit_spec.yaml_source.misread import misread
from deit_spec.yaml_source.positions import Positions
from deit_spec.yaml_source.quotes import Quote, closed_late, doubled
from deit_spec.yaml_source.sentences import (
    ENDS,
    NO_DIRECTIVE,
    NO_ESCAPE,
    NO_HANDLE,
    NO_TAB,
    NO_VERSION,
    our_words,
    words_of_beginning,
)
from deit_spec.yaml_source.yaml_findings import WITHOUT_TABS, WRITE_VALUE, quoted

_HELPS: Final = {
    NO_TAB: WITHOUT_TABS,
    NO_VERSION: "remove the line",
    NO_DIRECTIVE: "remove the line",
    NO_HANDLE: "remove the tag",
    NO_ESCAPE: "write the backslash twice",
}


def offset_of(error: MarkedYAMLError) -> int:
    """Give the offset at which the parser stopped."""
    at = error.problem_mark or error.context_mark
    return at.index if at else 0


def syntax_error(
    error: MarkedYAMLError, positions: Positions, is_key: IsKey
) -> Diagnostic:
    """Turn the parser's exception into a finding at its place."""
    text, offset = positions.meant, offset_of(error)
    if comment := comment_near(text, offset):
        message = f"`{comment.sign}` begins no comment in YAML"
        return _told(positions, comment.start, comment.end, message, comment.help)
    if (extra := doubled(text, offset)) is not None:
        return _told(positions, extra, extra + 1, "a quote too many", "remove it")
    if quote := closed_late(text, offset):
        return _about_quote(quote, positions)
    if line := misread(error, offset, text):
        message = f"{quoted(line.text)} is not of the form `key: value`"
        return _told(positions, line.start, line.end, message, line.help)
    return _about_opened(error, positions) or _about_place(error, positions, is_key)


def _told(
    positions: Positions, start: int, end: int, message: str, help_: str
) -> Diagnostic:
    label = Label(positions.span(start, end))
    return diagnose("DS001", message, label, helps=[help_])


def _about_opened(error: MarkedYAMLError, positions: Positions) -> Diagnostic | None:
    """Tell what keeps the parser from the end of what is open."""
    text, offset = positions.meant, offset_of(error)
    if gap := _gap(error, offset, text):
        return _told(positions, gap.start, gap.end, gap.message, gap.help)
    if error.problem == ENDS and _opening(error, text):
        return _about_open_quote(error, positions)
    opened = _opened(error, text)
    if opened is None:
        return None
    if not is_closed(text, opened) or is_left_open(text, opened, offset):
        return _about_bracket(opened, offset, positions)
    first, last = value_around(text, opened, offset)
    if LINE_BREAK.search(text, first, last):
        value = LINE_BREAK.split(text[first:last])[0].rstrip()
        message = f"there is no comma behind {quoted(value)}"
        return _told(positions, first, first + len(value), message, f"write `{value},`")
    message = f"{quoted(text[first:last])} is not one value"
    return _told(positions, first, last, message, WRITE_VALUE)


def _about_place(
    error: MarkedYAMLError, positions: Positions, is_key: IsKey
) -> Diagnostic:
    """Tell where the parser stopped, and in what."""
    offset, context = offset_of(error), error.context_mark
    here, secondary = positions.text(offset, offset + 1), []
    if context and context.index != offset:
        end = min(context.index + 1, len(positions.meant))
        since = positions.span(context.index, end)
        secondary.append(Label(since, words_of_beginning(error.context)))
    return diagnose(
        "DS001",
        our_words(error.problem, here),
        Label(positions.span(offset, offset + len(here.strip("\r\n")))),
        secondary=secondary,
        helps=[_help(error, positions.meant, is_key)],
    )


def _about_quote(quote: Quote, positions: Positions) -> Diagnostic:
    """Tell that a text goes on up to a quote that opens another."""
    end = positions.span(quote.end - 1, quote.end)
    return diagnose(
        "DS001",
        f"a text in quotes goes on for {quote.lines} lines"
        if quote.lines > 1
        else "a text in quotes goes on up to the next",
        Label(positions.span(quote.start, quote.start + 1), "it begins here"),
        secondary=[Label(end, "it ends here")],
        helps=[f"close the text with `{quote.sign}`{quote.where}"],
    )


def _about_open_quote(error: MarkedYAMLError, positions: Positions) -> Diagnostic:
    """Tell that a text goes on up to the end of the file."""
    start = error.context_mark.index if error.context_mark else 0
    sign = _opening(error, positions.meant)
    return diagnose(
        "DS001",
        "a text in quotes goes on to the end of the file",
        Label(positions.span(start, start + 1), "it begins here"),
        helps=[f"close the text with `{sign}`"],
    )


def _about_bracket(opened: int, offset: int, positions: Positions) -> Diagnostic:
    """Tell that a bracket is not closed, and how far what it holds goes on."""
    opening, rest = positions.meant[opened], positions.meant[offset:]
    here = positions.span(offset, offset + len(rest[:1].strip()))
    return diagnose(
        "DS001",
        f"`{opening}` is not closed",
        Label(positions.span(opened, opened + 1), "it opens here"),
        secondary=[Label(here, "it goes on up to here")] if rest.strip() else (),
        helps=[f"close the `{opening}` with `{CLOSING[opening]}`"],
    )


def _opened(error: MarkedYAMLError, text: str) -> int | None:
    """Give the offset of the bracket that the parser was in, or the text ends in."""
    since = error.context_mark
    if since and is_open(error) and _opening(error, text) in CLOSING:
        return since.index
    ends = not text[offset_of(error) :].strip()
    return last_open(text) if ends else None


def _gap(error: MarkedYAMLError, offset: int, text: str) -> Gap | None:
    """What is missing in a bracket that was opened, where it is no bracket itself."""
    opening = _opening(error, text)
    if opening not in CLOSING or not is_open(error):
        return None
    since = error.context_mark
    if since and is_left_open(text, since.index, offset):
        return None
    return find_gap(text, offset, opening)


def _opening(error: MarkedYAMLError, text: str) -> str:
    """What was opened, and the parser was still in."""
    since = error.context_mark
    return text[since.index : since.index + 1] if since else ""


def is_open(error: MarkedYAMLError) -> bool:
    """Whether the parser stopped in braces or brackets that it was not out of."""
    return (error.problem or "").startswith("did not find expected ',' or")


def breaks_off(error: MarkedYAMLError, text: str) -> bool:
    """Whether the text ends where a bracket should: anything may belong elsewhere."""
    return is_open(error) and not text[offset_of(error) :].strip()


def _help(error: MarkedYAMLError, text: str, is_key: IsKey) -> str:
    problem, offset = error.problem or "", offset_of(error)
    here = text[offset : offset + 1]
    if problem in _HELPS:
        return _HELPS[problem]
    if here == "\t":
        return WITHOUT_TABS
    return about_line(text, offset, problem, is_key)
