"""Words for what PyYAML's parser says."""

import re
from typing import Final

from yaml.error import MarkedYAMLError

from deit_spec.diagnostics import Diagnostic, Label, diagnose
from deit_spec.source.comments import comment_near
from deit_spec.source.document import IsKey
from deit_spec.source.flow import Gap, find_gap, is_left_open
from deit_spec.source.layout import CLOSING
from deit_spec.source.misplaced import about_line
from deit_spec.source.misread import misread
from deit_spec.source.positions import Positions
from deit_spec.source.problems import quoted
from deit_spec.source.quotes import Quote, closed_late
from deit_spec.source.sentences import ENDS

_HELPS: Final = {
    "found a tab character that violates indentation": "use spaces in place of tabs",
    "found incompatible YAML document": "remove the line",
    "found unknown directive name": "remove the line",
    "found undefined tag handle": "remove the tag",
    "found unknown escape character": "write the backslash twice",
}
# Quoted texts and comments first, so that a bracket in one is passed over.
_BRACKETS: Final = re.compile(
    r"""'[^']*(?:'|\Z)|"(?:[^\\"]|\\[\s\S])*(?:"|\\?\Z)|(?: |^)\#.*|[\[\]{}]""",
    re.MULTILINE,
)


def offset_of(error: MarkedYAMLError) -> int:
    """Give the offset at which the parser stopped."""
    at = error.problem_mark or error.context_mark
    return at.index if at else 0


def syntax_error(
    error: MarkedYAMLError, positions: Positions, is_key: IsKey
) -> Diagnostic:
    """Turn the parser's exception into a finding at its place."""
    size = len(positions.meant)
    offset = offset_of(error)
    if comment := comment_near(positions.meant, offset):
        return diagnose(
            "DS001",
            f"`{comment.sign}` begins no comment in YAML",
            Label(positions.span(comment.start, comment.end)),
            helps=[comment.help],
        )
    if quote := closed_late(positions.meant, offset):
        return _about_quote(quote, positions)
    if line := misread(error, offset, positions.meant):
        return diagnose(
            "DS001",
            f"{quoted(line.text)} is not of the form `key: value`",
            Label(positions.span(line.start, line.end)),
            helps=[line.help],
        )
    if gap := _gap(error, offset, positions.meant):
        return diagnose(
            "DS001",
            gap.message,
            Label(positions.span(gap.start, gap.end)),
            helps=[gap.help],
        )
    if error.problem == ENDS and _opening(error, positions.meant):
        return _about_open_quote(error, positions)
    here = positions.text(offset, offset + 1)
    secondary, notes = [], [_tidy(error.note)]
    context = error.context_mark
    if context and context.index != offset:
        since = positions.span(context.index, min(context.index + 1, size))
        secondary.append(Label(since, _tidy(error.context)))
    else:
        notes.append(_tidy(error.context))
    return diagnose(
        "DS001",
        _tidy(error.problem) or "the text is no YAML",
        Label(positions.span(offset, offset + len(here.strip("\r\n")))),
        secondary=secondary,
        notes=filter(None, notes),
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
        return "use spaces in place of tabs"
    about = _about_opening(error, text, here)
    return about or about_line(text, offset, problem, is_key)


def _about_opening(error: MarkedYAMLError, text: str, here: str) -> str | None:
    """Say what is not closed: a bracket or a quote."""
    opening = _opening(error, text)
    if not is_open(error):
        opening = "" if here.strip() else _unclosed(text)
    return f"close the `{opening}` with `{CLOSING[opening]}`" if opening else None


def _unclosed(text: str) -> str:
    """The last bracket of a text that none closes."""
    opened: list[str] = []
    for bracket in _BRACKETS.findall(text):
        if bracket in CLOSING:
            opened.append(bracket)
        elif bracket in CLOSING.values() and opened:
            opened.pop()
    return opened[-1] if opened else ""


def _tidy(words: str | None) -> str:
    words = " ".join((words or "").split()).rstrip(".")
    return words[:1].lower() + words[1:]
