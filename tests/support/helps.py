"""Cuts a help into the alternatives that it offers, each a step to carry out."""

import re
from typing import NamedTuple

QUOTED = re.compile(r"`((?:[^`]|`(?=\w+\"))+)`")


class Step(NamedTuple):
    """One thing to do: a verb and what it is done with."""

    verb: str
    key: str = ""
    value: str = ""
    more: str = ""


def alternatives(help_: str) -> list[Step]:
    """Cut a help into what it offers; empty where there is nothing to carry out."""
    for pattern, verb in _PHRASES:
        if found := re.match(pattern, help_):
            return [Step(verb, *found.groups())]
    if found := re.match(r"leave `([\w.]+)` out", help_):
        return [Step("leave out", found[1]), *_pairs(help_[found.end() :])]
    return _pairs(help_)


_PHRASES = (
    (r"did you mean `(\w+)(?:: (\w+))`\?", "set"),
    (r"did you mean `(\w+)`\? `deit-spec list`", "replace"),
    (r"did you mean `(\w+)`", "rename"),
    (r"`(\w+)` belongs", "rename"),
    (r"quote it: `(.*)`", "replace"),
    (r"quote the value: `(.*)`", "replace value"),
    (r"use spaces in place of tabs", "untab"),
    (r"use spaces in place of the U\+(\w+) before it", "space"),
    (r"put braces around the pairs: `\{(.*)\}`", "wrap"),
    (r"write the number alone: `(.*)`", "set value"),
    (r"write its keys in place of `(\w+):`, at the top", "lift"),
    (r"remove the tab|remove the spaces before it", "untab line"),
    (r"remove the comment, or", "uncomment"),
    (r"remove the `#+ *` before `(\w+):`", "uncomment head"),
    (r"remove the `(\S+)` behind `\w+:`", "cut value"),
    (r"remove (?:the tag|it$|it;|the `.`)", "remove"),
    (r"save (?:it|the file) as UTF-8", "recode"),
    (r"write `(\w+: .*)` on a line of its own", "break"),
    (r"write `(\w+: .*)` in the next line, indented", "break below"),
    (r"write `(.*)` in place of `..?`", "replace"),
    (r"write `([^`]*,|\{[^`]*)`$", "replace"),
    (r"write `([\w.+-]+)`$", "replace"),
    (r"write `(\w+): (.+)` in one line", "join"),
    (r"write line (\d+) without `-`", "undash line"),
    (r"remove (?:a|(\d+)) spaces? before each of lines (\d+) to (\d+)", "dedent"),
    (r"""write `(["']?\w+["']?: [^`]*)`$""", "replace"),
    (r"remove (?:it with|it, or|it: |one of the two|one `extends`)", "remove pair"),
    (r"remove the line", "remove line"),
    (r"write the value out", "write out"),
    (r"write the value itself", "fill"),
    (r"write the value of `\W?(\w+)\W?` without", "unwrap"),
    (r"close the `.` with `(.)`", "close"),
    (r"close the text with `(.)` before the `(.)`", "close before"),
    (r"close the text with `(.)`", "close text"),
    (r"indent the line as the one above it", "indent"),
    (r"indent the line as line (\d+)", "indent"),
    (r"indent lines (\d+) to (\d+) as", "indent lines"),
    (r"write the backslash twice", "double"),
    (r"move it to a file of its own", "cut"),
    (r"write at most (\d+) characters", "shorten"),
    (r"write (?:one|the keys of) .* without `-`", "undash"),
    (r"write one `key: value` a line, such as `(.*)`", "write anew"),
    (r"write `(\w+:)`$", "replace"),
    (r"write `(\w+: \{.*\})`, with a space", "write line"),
    (r"write (`.*`), with a space, (?:each )?on a line of its own", "put lines"),
    (r"write `(.*)`, with a space", "put below"),
    (r"write `(\w+): (\S+)` in its place", "put in place"),
)


def _pairs(help_: str) -> list[Step]:
    """Read `` `a: 1`, `2` or `b: 3` ``: a value alone is for the key before it."""
    steps, key = list[Step](), ""
    for quoted in QUOTED.findall(help_):
        name, colon, value = quoted.partition(": ")
        if colon and re.fullmatch(r"\w+", name):
            key = name
            steps.append(Step("set", key, value))
        elif key:
            steps.append(Step("set", key, quoted))
    return steps
