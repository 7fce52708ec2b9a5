"""What looks like a slip of the pen, and what was meant.

It is looked for where the parser has stopped. A slip is one only if a key comes of
it: in a text of several lines, the same characters are no slip.
"""

import re
from bisect import bisect
from collections.abc import Iterator
from itertools import takewhile
from typing import Final

from deit_spec.diagnostics.diagnostic import LINE_BREAK
from deit_spec.yaml_source.brackets import outermost
from deit_spec.yaml_source.document import IsKey
from deit_spec.yaml_source.layout import FENCE, SHORT
from deit_spec.yaml_source.positions import Patch
from deit_spec.yaml_source.scalars import SCALAR
from deit_spec.yaml_source.slips import Slip
from deit_spec.yaml_source.tabs import find_tabs
from deit_spec.yaml_source.yaml_findings import quoted

# A name, then what stands where `: ` belongs: `:`, `=`, `-` or nothing but a space.
_PAIR: Final = re.compile(
    r"^[ \t]*(?P<key>[A-Za-z_](?:[\w-]*\w)?)"
    r"(?P<sign>:(?:[^\S \t\r\n]+|(?=[^\s:]))| *= *| *- +| +)"
    # Python has a comma behind each of its keyword arguments.
    rf"(?P<value>{SCALAR})(?P<comma> *,)?(?= +#| *\r?$)",
    re.MULTILINE,
)
_ARGUMENT: Final = rf"[A-Za-z_]\w* *= *{SCALAR}"
_ARGUMENTS: Final = re.compile(
    rf"^(?P<indent>[ \t]*)(?P<all>{_ARGUMENT}(?: *, *{_ARGUMENT})+(?: *,)?)"
    r"(?= +#| *\r?$)",
    re.MULTILINE,
)
_ONE: Final = re.compile(
    rf"(?P<key>\w+)(?P<sign> *= *)(?P<value>{SCALAR})(?P<gap>[ ,]*)"
)
# What heads the pairs of an INI file or of TOML, and is a list to YAML.
_HEADER: Final = re.compile(
    r"^(\[[\w.-]+\])(?=[ \t]*(?:\r?\n[ \t]*)+[A-Za-z_])", re.MULTILINE
)
# What git leaves around the two sides of a conflict.
_CONFLICT: Final = re.compile(r"^(([<=>|])\2{6}(?: [^\r\n]*)?)(?=\r?$)", re.MULTILINE)
_FENCE: Final = re.compile(rf"^[ \t]*({FENCE.pattern})[ \t]*(?=\r?$)", re.MULTILINE)
# A program that gives the mapping a name, behind comments at most.
_ASSIGNED: Final = re.compile(
    r"(?:[ \t]*(?:#[^\r\n]*)?\r?\n)*"
    r"(?P<all>(?:(?:const|let|var)[ ]+)?"
    r"""(?P<quote>["']?)(?P<name>[A-Za-z_][\w.]*)(?P=quote)"""
    r"(?:[ ]*:[ ]*[\w.]+)?[ \t]*=)[ \t]*"
    r"""\{\s*(?P<key>["'A-Za-z_])"""
)
# A line that is more than a comment.
_CONTENT: Final = re.compile(r"^(?P<indent>[ \t]*)[^\s#]", re.MULTILINE)
_KEY: Final = re.compile(r"""^[ \t]*(?:\{[ \t]*)?(["']?[A-Za-z_])""", re.MULTILINE)
# Two words side by side may be prose.
_NO_WORD: Final = re.compile(r"true|false|null|.*\d.*")


def find_slips(text: str, is_key: IsKey) -> list[Slip]:
    """Find what looks like a slip, in the order of the text."""
    ends = [end for stretch in outermost(text) for end in stretch]
    # An odd number of ends before something: it is in brackets.
    pairs = (
        _pair(found, in_braces=bool(bisect(ends, found.start()) % 2))
        for found in _PAIR.finditer(text)
        if _is_pair(found, is_key)
    )
    lines = (
        _arguments(found)
        for found in _ARGUMENTS.finditer(text)
        if len(found["all"]) <= SHORT
        and any(is_key(one["key"]) for one in _ONE.finditer(found["all"]))
        and not bisect(ends, found.start()) % 2
    )
    lone = (*_indented(text), *_assigned(text, is_key))
    odd = (*lone, *find_tabs(text), *_odd_lines(text))
    return sorted([*pairs, *lines, *odd], key=lambda slip: slip.patches)


def _is_pair(found: re.Match[str], is_key: IsKey) -> bool:
    is_argument = found["sign"].strip() == "="
    return is_key(found["key"]) and (is_argument or not found["comma"])


def _pair(found: re.Match[str], *, in_braces: bool) -> Slip:
    """Put `: ` into a pair; in braces, its comma is one of YAML."""
    key, sign, value = found["key"], found["sign"].strip(), found["value"]
    patches = [Patch(*found.span("sign"), ": ")]
    has_comma = found["comma"] and not in_braces
    if has_comma:
        patches.append(Patch(*found.span("comma"), ""))
    message = (
        f"there is no space after `{key}:`"
        if sign == ":"
        else (
            f"`{key}` has `{sign}` in place of `:`"
            if sign
            else f"`{key}` has no `:` after it"
        )
    )
    pair = f"`{key}: {value}`"
    start = found.start("key")
    end = found.end("comma" if has_comma else "value")
    # The sign may stand where the space belongs.
    is_odd = sign == ":" and value[0] in "-+./~"
    is_sure = bool(sign in {":", "="} or _NO_WORD.fullmatch(value)) and not is_odd
    title = f"write {pair}"
    place = (start, tuple(patches), start, end)
    return Slip(*place, message, pair, title, is_sure, is_odd)


def _arguments(found: re.Match[str]) -> Slip:
    """Give each of several arguments in a line a line of its own."""
    start, end = found.span("all")
    ones = [*_ONE.finditer(found.string, start, end)]
    begin = f"\n{found['indent']}"
    signs = [Patch(*one.span("sign"), ": ") for one in ones]
    gaps = [Patch(*one.span("gap"), begin) for one in ones[:-1]]
    if ones[-1]["gap"]:
        gaps.append(Patch(*ones[-1].span("gap"), ""))
    *most, last = (f"`{one['key']}: {one['value']}`" for one in ones)
    return Slip(
        start,
        tuple(sorted([*signs, *gaps])),
        start,
        end,
        "arguments of Python are no pairs of YAML",
        f"write {', '.join(most)} and {last}, with a space, each on a line of its own",
        "write each pair on a line of its own",
        is_sure=False,
    )


def _indented(text: str) -> Iterator[Slip]:
    """Find the first lines, if they stand further in than what follows."""
    lines = [*_CONTENT.finditer(text)]
    block = [*takewhile(lambda line: line["indent"], lines)]
    widths = [len(line["indent"]) for line in block]
    has_tabs = any("\t" in line["indent"] for line in lines)
    # A mapping begins with its first key, and what it holds is deeper.
    if not block or block == lines or has_tabs or widths[0] > min(widths):
        return
    begins, width = [line.start() for line in block], widths[0]
    ends = (begins[0], begins[-1])
    first, last = (len(LINE_BREAK.findall(text, 0, end)) + 1 for end in ends)
    help_, verb = "remove the spaces before it", " stands"
    if len(block) > 1:
        spaces = "a space" if width == 1 else f"{width} spaces"
        help_ = f"remove {spaces} before each of lines {first} to {last}"
        verb = "s stand"
    yield Slip(
        begins[0] + width,
        tuple(Patch(begin, begin + width, "") for begin in begins),
        begins[0],
        begins[0] + width,
        f"the first line{verb} further in than the next",
        help_,
        help_,
    )


def _assigned(text: str, is_key: IsKey) -> Iterator[Slip]:
    """Find the name that a program gives to the whole mapping."""
    found = _ASSIGNED.match(text)
    if found and not is_key(found["name"]):
        start, end = found.span("all")
        patches = (Patch(start, end, ""),)
        message = f"{quoted(found['all'])} stands before the spec"
        at, title = found.start("key"), "remove it"
        yield Slip(at, patches, start, end, message, title, title, is_sure=False)


def _odd_lines(text: str) -> Iterator[Slip]:
    """Find lines that are there for another program."""
    keys = [key.start(1) for key in _KEY.finditer(text)]
    for pattern, words in (
        (_HEADER, "{} is a list, and heads no keys"),
        (_CONFLICT, "{} marks a conflict that is not resolved"),
        (_FENCE, "the fence of a block of code is no YAML"),
    ):
        for found in pattern.finditer(text) if keys else ():
            start, end = found.span(1)
            near = min(bisect(keys, start), len(keys) - 1)
            patches = (Patch(start, end, ""),)
            message = words.format(quoted(found[1]))
            title = "remove the line"
            yield Slip(
                keys[near], patches, start, end, message, title, title, is_sure=False
            )
