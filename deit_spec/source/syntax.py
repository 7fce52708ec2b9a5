"""Words for what PyYAML's parser says."""

from typing import Final

from yaml.error import MarkedYAMLError

from deit_spec.diagnostics import Diagnostic, Label, diagnose
from deit_spec.source.positions import Positions

_HELPS: Final = {
    "\t": "use spaces in place of the tab",
    "@": "quote a text that starts with `@`",
    "`": "quote a text that starts with a backtick",
    "%": "quote a text that starts with `%`",
}


def syntax_error(error: MarkedYAMLError, positions: Positions) -> Diagnostic:
    """Turn the parser's exception into a finding at its place."""
    size = len(positions.source.text)
    at = error.problem_mark or error.context_mark
    offset = at.index if at else 0
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
        Label(positions.span(offset, offset + len(here.strip("\r\n\x85\u2028\u2029")))),
        secondary=secondary,
        notes=filter(None, notes),
        helps=[_HELPS[here]] if here in _HELPS else [],
    )


def _tidy(words: str | None) -> str:
    words = " ".join((words or "").split()).rstrip(".")
    return words[:1].lower() + words[1:]
