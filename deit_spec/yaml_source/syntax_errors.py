"""The errors of PyYAML's parser as findings, in plain words."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from yaml.error import MarkedYAMLError

from deit_spec.diagnostics import Diagnostic, Edit, Fix, Label
from deit_spec.yaml_source.document import IsKey, Patch, Positions
from deit_spec.yaml_source.reader import Parsed, parse
from deit_spec.yaml_source.yaml_findings import quoted, syntax_error

_QUOTE: Final = "put the value in quotes"
_REMOVE: Final = "remove it"
_ONE_A_LINE: Final = "write one `key: value` on each line, or put the value in quotes"
_NO_VALUE: Final = "did not find expected node content"
_TAB: Final = ("indented with a tab", "use spaces in place of tabs")
# What libyaml says, our message and our help; `{}` is the character at the place.
_WORDS: Final = {
    "block sequence entries are not allowed in this context": (
        "a list cannot start here",
        "start the list on the next line",
    ),
    "could not find expected ':'": (
        "the line is not of the form `key: value`",
        "remove the line, or write it as `key: value`",
    ),
    "did not find expected '-' indicator": ("expected a list item", _REMOVE),
    "did not find expected <document start>": (
        "unexpected text after the end of the document",
        _REMOVE,
    ),
    "did not find expected alphabetic or numeric character": (
        "expected a name after `*` or `&`",
        _QUOTE,
    ),
    "did not find expected comment or line break": ("unexpected text", _REMOVE),
    "did not find expected key": ("unexpected {}", "remove it, or indent it correctly"),
    _NO_VALUE: ("unexpected {}", _REMOVE),
    "found a tab character that violates indentation": _TAB,
    "found a tab character where an indentation space is expected": _TAB,
    "found character that cannot start any token": (
        "a value without quotes cannot start with {}",
        _QUOTE,
    ),
    "found incompatible YAML document": (
        "this version of YAML is not supported",
        "remove the line",
    ),
    "found undefined tag handle": ("the tag is not declared", "remove the tag"),
    "found unexpected end of stream": ("unterminated string", "close the string"),
    "found unknown directive name": ("unknown directive", "remove the line"),
    "found unknown escape character": (
        "unknown escape sequence",
        "write the backslash twice",
    ),
    "mapping values are not allowed in this context": ("unexpected `:`", _ONE_A_LINE),
}
# These are found late; the place that matters is where the construct starts.
_AT_START: Final = {"could not find expected ':'", "found unexpected end of stream"}
_KEY_BEFORE: Final = re.compile(
    r"""[{,]\s*(?P<key>"[^"\r\n]*"|'[^'\r\n]*')(?P<gap>\s*)\Z"""
)
_KEY_AFTER: Final = re.compile(r"""("[^"\r\n]*"|'[^'\r\n]*'|[A-Za-z_][\w-]*)[ \t]*:""")
_LAST_KEY: Final = re.compile(
    r"""(?<=\s)("[^"\r\n]*"|'[^'\r\n]*'|[A-Za-z_][\w-]*)[ \t]*\Z"""
)
_FOR_COLON: Final = re.compile(r"(?:[=-]>|:=|==?)?[ \t]*")
_PAIRED: Final = re.compile(r"""[{}\[\]"'|>]""")
_NEAR: Final = 200
"""Characters before a place in which its key is looked for."""


def read_past(
    parsed: Parsed, positions: Positions, is_key: IsKey, tries: int
) -> tuple[Parsed, list[Diagnostic]]:
    """Report the error at which the parser stopped, and read what follows it.

    Returns what was read and the findings of the errors. What follows is read only
    if the parser gets to the end: a line that is left out may cause another error.
    """
    found = list[Diagnostic]()
    while parsed.error is not None and tries:
        finding, more = explain(parsed.error, positions, is_key)
        positions = Positions(positions.source, _merged(positions.patches, more))
        again, tries = parse(positions), tries - 1
        if again.error is not None and not _is_line(more, positions.source.text):
            found.append(replace(finding, fix=None))
            break
        found.append(finding)
        parsed = again
    return parsed, found


def _is_line(patches: Sequence[Patch], text: str) -> bool:
    """Return whether patches leave out a line without any brackets or quotes."""
    left_out = "".join(text[one.start : one.end] for one in patches)
    return not any(one.text for one in patches) and not _PAIRED.search(left_out)


def _merged(patches: Sequence[Patch], more: Sequence[Patch]) -> list[Patch]:
    """Add patches; of two that overlap, the one that was added later is kept."""
    kept = (
        old
        for old in patches
        if all(old.end <= one.start or one.end <= old.start for one in more)
    )
    return sorted({*kept, *more})


def explain(
    error: MarkedYAMLError, positions: Positions, is_key: IsKey
) -> tuple[Diagnostic, Sequence[Patch]]:
    """Return the finding of an error, and patches to read the rest of the text.

    The patches are of the source. They repair the place where it is certain what was
    meant, and leave the line out where not.
    """
    problem, offset = error.problem or "", _offset(error)
    if "',' or" in problem:
        return _in_braces(error, offset, positions, is_key)
    message, help_ = _WORDS.get(problem, (_plain(problem), "correct the line"))
    character = positions.text(offset, offset + 1)
    if character == "," and problem == _NO_VALUE:
        patch = Patch(offset, offset + 1, "")
        return _repair("unexpected `,`", patch, positions, is_sure=True)
    if character == "\t":
        message, help_ = "unexpected tab", "use spaces in place of tabs"
    elif not character.strip() and "{}" in message:
        message = "expected a value"
    sign = "a backtick" if character == "`" else quoted(character)
    if character.isalnum():
        sign = "text"
    end = offset + len(character.strip("\r\n"))
    span = positions.span(offset, end)
    finding = syntax_error(message.replace("{}", sign), span, help_)
    return finding, [_without_line(offset, positions)]


def _offset(error: MarkedYAMLError) -> int:
    at = error.problem_mark or error.context_mark
    if error.problem in _AT_START and error.context_mark:
        at = error.context_mark
    return at.index if at else 0


def _plain(problem: str) -> str:
    words = " ".join(problem.split()).rstrip(".")
    return words[:1].lower() + words[1:] or "the text is not valid YAML"


def _in_braces(
    error: MarkedYAMLError, offset: int, positions: Positions, is_key: IsKey
) -> tuple[Diagnostic, Sequence[Patch]]:
    """Explain what is wrong between two items in braces or brackets."""
    start = error.context_mark.index if error.context_mark else offset
    before = positions.text(max(start, offset - _NEAR), offset)
    opening = positions.text(start, start + 1)
    if opening == "{" and (key := _KEY_BEFORE.search(before)):
        # `{"depth" 12}` or `{"depth" => 12}`
        at = offset - len(key["gap"])
        sign = _FOR_COLON.match(positions.text(offset, offset + _NEAR))
        end = offset + (sign.end() if sign else 0)
        message = f"missing `:` after {quoted(key['key'])}"
        is_sure = is_key(key["key"][1:-1])
        return _repair(message, Patch(at, end, ": "), positions, is_sure=is_sure)
    first = _start_of_key(before, offset, positions)
    value = "" if first is None else positions.text(start, first).rstrip()
    if first is not None and value[-1:] not in "{[,":
        end = start + len(value)
        name = _KEY_AFTER.match(positions.text(first, first + _NEAR))
        message = f"missing `,` before {quoted(name[1] if name else '')}"
        return _repair(message, Patch(end, end, ","), positions, is_sure=True)
    closing = "}" if opening == "{" else "]"
    if not positions.text(offset, None).strip():
        message, help_ = f"`{opening}` is not closed", f"close it with `{closing}`"
        finding = syntax_error(message, positions.span(start, start + 1), help_)
        return finding, [_without_line(start, positions)]
    opened = Label(positions.span(start, start + 1), "opened here")
    here = positions.text(offset, offset + 1).strip()
    span = positions.span(offset, offset + len(here))
    message = f"expected `,` or `{closing}`"
    help_ = (
        "separate the items with `,`, and put values with special characters in quotes"
    )
    finding = syntax_error(message, span, help_, secondary=[opened])
    return finding, [_without_line(offset, positions)]


def _start_of_key(before: str, offset: int, positions: Positions) -> int | None:
    """Return the offset of the key that the parser stopped at or in."""
    if positions.text(offset, offset + 1) == ":":
        found = _LAST_KEY.search(before)
        return offset - len(before) + found.start() if found else None
    found = _KEY_AFTER.match(positions.text(offset, offset + _NEAR))
    return offset if found else None


def _repair(
    message: str, patch: Patch, positions: Positions, *, is_sure: bool
) -> tuple[Diagnostic, Sequence[Patch]]:
    """Report what is missing or too much at a place, with a fix."""
    span = positions.span(patch.start, patch.end)
    help_ = f"write `{patch.text.strip()}`" if patch.text else _REMOVE
    fix = Fix(help_, (Edit(span, patch.text),)) if is_sure else None
    start, end = positions.original(patch.start), positions.original(patch.end)
    return syntax_error(message, span, help_, fix=fix), [Patch(start, end, patch.text)]


def _without_line(offset: int, positions: Positions) -> Patch:
    """Leave out the line of an offset, or the last before it that is not blank."""
    text = positions.parsed
    stop = (
        max(len(text[: offset + 1].rstrip()) - 1, 0) if offset >= len(text) else offset
    )
    start = max(text.rfind(end, 0, stop) for end in "\r\n") + 1
    ends = (at for end in "\r\n" if (at := text.find(end, stop)) >= 0)
    end = min(ends, default=len(text))
    return Patch(positions.original(start), positions.original(end), "")
