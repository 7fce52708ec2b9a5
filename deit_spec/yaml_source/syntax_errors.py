"""The errors of PyYAML's parser as findings, in plain words."""

import re
from bisect import bisect_right
from typing import Final

from yaml.error import MarkedYAMLError

from deit_spec.diagnostics import Diagnostic, Edit, Fix, Label
from deit_spec.yaml_source.document import IsKey, Patch, Positions
from deit_spec.yaml_source.yaml_findings import quoted, syntax_error

_QUOTE: Final = "put the value in quotes"
ONE_A_LINE: Final = "write one `key: value` on each line, or put the value in quotes"
_UNEXPECTED: Final = ("unexpected {}", "remove it")
# What libyaml says, our message and our help; `{}` is the character at the place.
_WORDS: Final = {
    "could not find expected ':'": (
        "the line is not of the form `key: value`",
        "remove the line, or write it as `key: value`",
    ),
    "did not find expected <document start>": (
        "unexpected text after the end of the document",
        "remove it",
    ),
    "did not find expected alphabetic or numeric character": (
        "expected a name after `*` or `&`",
        _QUOTE,
    ),
    "did not find expected key": ("unexpected {}", "remove it, or indent it correctly"),
    "did not find expected node content": _UNEXPECTED,
    "found character that cannot start any token": (
        "a value without quotes cannot start with {}",
        _QUOTE,
    ),
    "found unexpected end of stream": ("unterminated string", "close the string"),
    "found unknown directive name": ("unknown directive", "remove the line"),
    "found unknown escape character": (
        "unknown escape sequence",
        "write the backslash twice",
    ),
    "mapping values are not allowed in this context": ("unexpected `:`", ONE_A_LINE),
}
# Reported where the construct starts, not where the parser stops.
_AT_START: Final = {
    "could not find expected ':'",
    "found unexpected end of stream",
    "found unknown directive name",
}
_KEY_BEFORE: Final = re.compile(
    r"""[{,]\s*(?P<key>"[^"\r\n]*"|'[^'\r\n]*')(?P<gap>\s*)\Z"""
)
_NEXT_KEY: Final = re.compile(
    r"""\s("[^"\r\n]*"|'[^'\r\n]*'|[A-Za-z_][\w-]*)[ \t]*:""", re.ASCII
)
_PAIR_END: Final = re.compile(r""":\s*\S+\Z|["'}\]]\Z""")
_FOR_COLON: Final = re.compile(r"(?:[=-]>|:=|==?)?[ \t]*")
_NEAR: Final = 200
"""Characters around a place in which its key is looked for."""


def explain(
    error: MarkedYAMLError, positions: Positions, is_key: IsKey
) -> tuple[Diagnostic, Patch]:
    """Return the finding of an error, and a patch to read the rest of the text.

    The patch is of the source. It repairs the place where it is certain what was
    meant, and leaves the line out where not.
    """
    problem, offset = error.problem or "", _offset(error)
    if "',' or" in problem and error.context_mark:
        return _in_braces(error.context_mark.index, offset, positions, is_key)
    character = positions.text(offset, offset + 1)
    if character == "," and _WORDS.get(problem) is _UNEXPECTED:
        return _repair("unexpected `,`", Patch(offset, offset + 1, ""), positions)
    general = f"the text is not valid YAML here: {problem}"
    message, help_ = _WORDS.get(problem, (general, "correct the line"))
    if character == "\t":
        message, help_ = "unexpected tab", "use spaces instead of tabs"
    elif not character.strip() and "{}" in message:
        message = "expected a value"
    shown = "text" if character.isalnum() else quoted(character)
    shown = "a backtick" if character == "`" else shown
    span = positions.span(offset, offset + len(character.strip("\r\n")))
    finding = syntax_error(message.replace("{}", shown), span, help_)
    return finding, _without_line(offset, positions)


def _offset(error: MarkedYAMLError) -> int:
    at = error.problem_mark or error.context_mark
    if error.problem in _AT_START and error.context_mark:
        at = error.context_mark
    return at.index if at else 0


def _in_braces(
    start: int, offset: int, positions: Positions, is_key: IsKey
) -> tuple[Diagnostic, Patch]:
    """Explain what is wrong between two items in braces or brackets."""
    text, near = positions.parsed, max(start, offset - _NEAR)
    before = _KEY_BEFORE.search(text[near:offset])
    if text[start] == "{" and before and text[offset : offset + 1] != ":":
        # `{"depth" 12}` or `{"depth" => 12}`
        sign = _FOR_COLON.match(text, offset)
        end = sign.end() if sign else offset
        patch = Patch(offset - len(before["gap"]), end, ": ")
        message = f"missing `:` after {quoted(before['key'])}"
        return _repair(message, patch, positions, is_sure=is_key(before["key"][1:-1]))
    # The parser stops at the key after a missing comma, or at the colon of that.
    keys = _NEXT_KEY.finditer(text, near, offset + _NEAR)
    key = next((key for key in keys if key.end() > offset), None)
    if key and key.start(1) <= offset:
        value = text[start : key.start(1)].rstrip()
        if _PAIR_END.search(value):
            end = start + len(value)
            message = f"missing `,` before {quoted(key[1])}"
            return _repair(message, Patch(end, end, ","), positions)
    closing = "}" if text[start] == "{" else "]"
    help_ = "separate items with `,`, and put values with special characters in quotes"
    opened = Label(positions.span(start, start + 1), "opened here")
    span = positions.span(offset, offset + len(text[offset : offset + 1].strip()))
    message, found = f"expected `,` or `{closing}`", text[offset : offset + 1]
    if found and found in "}]":
        message = f"expected `{closing}`, found `{found}`"
        help_ = f"write `{closing}` in place of `{found}`"
    finding = syntax_error(message, span, help_, secondary=[opened])
    return finding, _without_line(offset, positions)


def _repair(
    message: str, patch: Patch, positions: Positions, *, is_sure: bool = True
) -> tuple[Diagnostic, Patch]:
    """Report what is missing or too much at a place, with a fix."""
    span = positions.span(patch.start, patch.end)
    help_ = f"write `{patch.text.strip()}`" if patch.text else "remove it"
    fix = Fix(help_, (Edit(span, patch.text),)) if is_sure else None
    start, end = positions.original(patch.start), positions.original(patch.end)
    return syntax_error(message, span, help_, fix=fix), Patch(start, end, patch.text)


def _without_line(offset: int, positions: Positions) -> Patch:
    """Leave out the line of an offset, or the last before it that is not blank."""
    source = positions.source
    n = bisect_right(source.starts, positions.original(offset)) - 1
    while n and not source.lines[n].strip():
        n -= 1
    return Patch(source.starts[n], source.starts[n] + len(source.lines[n]), "")
