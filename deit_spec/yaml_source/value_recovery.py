"""Recovery in values: brackets, quotes, comments and other keys on the line."""

import re
from typing import TYPE_CHECKING, Final

from deit_spec.diagnostics.diagnostic import LINE_BREAK
from deit_spec.yaml_source.document import Patch
from deit_spec.yaml_source.yaml_findings import quoted

if TYPE_CHECKING:
    from deit_spec.yaml_source.recovery import Lines

_COLON: Final = re.compile(r":(?=[ \t\r\n]|\Z)")
_CLOSING: Final = {"{": "}", "[": "]"}
_STRINGS: Final = {
    '"': re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL),
    "'": re.compile(r"'(?:[^']|'')*+'"),
}
_OPENING: Final = re.compile(r"[{\[]")
_LINE_WITH_KEY: Final = re.compile(
    r"""^[ \t]*["']?[\w-]+["']?[ \t]*:(?=[ \t\r\n]|\Z)""", re.MULTILINE
)
_BLOCK_KEY: Final = re.compile(r"(?P<indent> *)[A-Za-z_][\w-]*[ \t]*:(?=[ \t\r\n]|\Z)")
CONFLICT: Final = re.compile(r"([<=>|])\1{6}(?: [^\r\n]*)?(?=[\r\n]|\Z)")
"""A line that git leaves where it cannot merge."""
_TOKEN: Final = re.compile(
    r"""(?P<comment>(?<!\S)\#[^\r\n]*)|(?P<foreign>(?<=[\s,{\[])(?://|/\*))"""
    r"""|(?P<string>(?<=[\s,:{\[])["'])|(?P<open>[{\[])|(?P<close>[}\]])"""
    r"""|(?P<line>[\r\n]+)"""
)


def check_string(lines: "Lines", at: int, *, in_braces: bool = False) -> int:
    """Return the offset after a string in quotes; report one that is not closed."""
    text, sign, end = lines.text, lines.text[at], lines.ends[lines.line_of(at)]
    found = _STRINGS[sign].match(text, at)
    after = found.end() if found else len(text)
    if found and after <= end:
        return after
    # A string of several lines is valid, but hardly one that contains a key.
    is_cut = text[after : after + 1].isalnum() or _LINE_WITH_KEY.search(
        text, end, after
    )
    if found and not is_cut:
        return after
    stop = lines.end_of_content(at, end)
    if in_braces:
        stop = at + len(text[at:stop].rstrip(" \t,}]"))
    help_ = f"close the string with `{sign}`"
    lines.repair("unterminated string", at, at + 1, help_, Patch(stop, stop, sign))
    return stop


def check_brackets(lines: "Lines", at: int, parent: int) -> int:
    """Check a value in brackets, and return the number of the line after it.

    `parent` is the indentation of the key that it is the value of.
    """
    text, position = lines.text, at
    opened, surplus = list[int](), list[int]()
    while token := _TOKEN.search(text, position):
        start, position = token.span()
        match token.lastgroup:
            case "string":
                position = check_string(lines, start, in_braces=True)
            case "foreign" if _starts_item(lines, start):
                position = check_comment(lines, start)
            case "open":
                opened.append(start)
            case "close":
                _close(lines, opened, start, surplus)
                if not opened:
                    _remove(lines, surplus)
                    return _after_brackets(lines, position)
            case "line":
                n = lines.line_of(position)
                key = _BLOCK_KEY.match(text, position)
                if CONFLICT.match(text, position):
                    position = lines.ends[report_conflict(lines, n) - 1]
                elif key and len(key["indent"]) <= parent:
                    break
    limit = position if token else len(text)
    _unclosed(lines, opened, surplus, limit)
    _remove(lines, surplus)
    return lines.line_of(limit) if token else len(lines.ends)


def _starts_item(lines: "Lines", at: int) -> bool:
    before = lines.text[lines.starts[lines.line_of(at)] : at].rstrip()
    return not before or before[-1] in ",:{["


def _close(lines: "Lines", opened: list[int], at: int, surplus: list[int]) -> None:
    """Close the bracket that a closing one belongs to; `opened` has those before."""
    matches = [_CLOSING[lines.text[one]] == lines.text[at] for one in opened[-2:]]
    if matches[-1]:
        opened.pop()
    elif matches[0]:
        inner = opened.pop()
        opened.pop()
        line_end = lines.ends[lines.line_of(inner)]
        end = lines.end_of_content(inner, min(at, line_end))
        stop = inner + len(lines.text[inner:end].rstrip(", \t"))
        patch = Patch(stop, stop, _CLOSING[lines.text[inner]])
        if _OPENING.search(lines.text, inner + 1, stop):
            # It is likely to be one too many.
            patch = Patch(inner, inner + 1, "")
        _report(lines, inner, patch, is_sure=at < line_end and bool(patch.text))
    else:
        surplus.append(at)


def _remove(lines: "Lines", surplus: list[int]) -> None:
    for at in surplus:
        remove_rest(lines, at, at + 1)


def _after_brackets(lines: "Lines", after: int) -> int:
    """Check what follows a closing bracket on its line."""
    n = lines.line_of(after)
    at = lines.skip_blanks(after, lines.ends[n])
    stop = lines.end_of_content(at, lines.ends[n])
    is_comment = lines.text[at : at + 1] == "#" and at > after
    if at < stop and not is_comment and lines.text[at] != ":":
        remove_rest(lines, at, stop)
    return n + 1


def _unclosed(
    lines: "Lines", opened: list[int], surplus: list[int], limit: int
) -> None:
    """Report brackets that are not closed before an offset."""
    n = lines.line_of(max(limit - 1, 0))
    while lines.starts[n] > opened[-1] and not lines.is_content(n):
        n -= 1
    start = max(lines.starts[n], opened[-1])
    end = lines.end_of_content(start, lines.ends[n])
    if len(opened) == 1 and surplus and surplus[-1] + 1 == end:
        at = surplus.pop()
        right = _CLOSING[lines.text[opened[0]]]
        message = f"expected `{right}`, found `{lines.text[at]}`"
        lines.repair(message, at, end, f"write `{right}`", Patch(at, end, right))
        return
    stop = start + len(lines.text[start:end].rstrip(" \t,"))
    closing = "".join(_CLOSING[lines.text[at]] for at in reversed(opened))
    is_sure = len(opened) == 1 and "#" not in lines.text[start:stop]
    _report(lines, opened[-1], Patch(stop, end, closing), is_sure=is_sure)


def _report(lines: "Lines", at: int, patch: Patch, *, is_sure: bool = True) -> None:
    opening = lines.text[at]
    help_ = f"close the `{opening}` with `{_CLOSING[opening]}`"
    message = f"`{opening}` is not closed"
    lines.repair(message, at, at + 1, help_, patch, is_sure=is_sure)


def check_root(lines: "Lines", at: int) -> int:
    """Check a document in braces, after which nothing may follow."""
    after = lines.next_content(check_brackets(lines, at, -1))
    if after is not None:
        at, end = lines.content(after), lines.ends[after]
        message = "unexpected text after the end of the document"
        help_ = "remove it, or write it inside the braces"
        patch = Patch(at, len(lines.text), "")
        lines.repair(message, at, end, help_, patch, is_sure=False)
    return len(lines.ends)


def check_comment(lines: "Lines", at: int) -> int:
    """Report `//` or `/*`, and return the offset of the end of the comment."""
    sign, end = lines.text[at : at + 2], lines.ends[lines.line_of(at)]
    message = f"`{sign}` does not start a comment in YAML"
    if sign == "//":
        help_ = "write `#` in place of `//`"
        lines.repair(message, at, at + 2, help_, Patch(at, at + 2, "#"))
        return end
    closed = lines.text.find("*/", at + 2)
    end = end if closed < 0 else closed + 2
    help_ = "remove the comment, or write `#` before each line of it"
    lines.repair(message, at, at + 2, help_, Patch(at, end, ""), is_sure=False)
    return end


def split_keys(lines: "Lines", at: int, stop: int, indent: int) -> None:
    """Report other known keys on the line of a value, if all are known."""
    start, edits = at, list[Patch]()
    found = LINE_BREAK.search(lines.text)
    line_break = found.group() if found else "\n"
    for colon in _COLON.finditer(lines.text, at, stop):
        head = lines.text[start : colon.start()].rstrip(" \t")
        word = max(head.rfind(sign) for sign in " \t,;") + 1
        gap = start + len(head[:word].rstrip(" \t,;"))
        if not lines.is_key(head[word:].strip("\"'")):
            return
        width = indent + (2 if gap == at else 0)
        edits.append(Patch(gap, start + word, line_break + " " * width))
        start = colon.end()
    is_below, first = edits[0].start == at, edits[0].end
    if is_below and "," in lines.text[at:stop]:
        return
    where = "the next line, indented" if is_below else "a line of its own"
    help_ = f"write {quoted(lines.text[first:stop])} on {where}"
    lines.repair("two keys on one line", first, stop, help_, *edits)


def report_conflict(lines: "Lines", n: int) -> int:
    """Report and leave out a line of git, and return the number of the next line."""
    start, end = lines.starts[n], lines.ends[n]
    message = f"{quoted(lines.text[start:end])} marks an unresolved merge conflict"
    patch = Patch(start, end, "")
    lines.repair(message, start, end, "remove the line", patch, is_sure=False)
    return n + 1


def remove_rest(lines: "Lines", at: int, stop: int) -> int:
    """Report what is left after a value, and return the number of the next line."""
    text = lines.text[at:stop].rstrip()
    stop, is_sure = at + len(text), not text.strip("}],;")
    patch = Patch(at, stop, "")
    message = f"unexpected {quoted(text)}"
    lines.repair(message, at, stop, "remove it", patch, is_sure=is_sure)
    return lines.line_of(at) + 1
