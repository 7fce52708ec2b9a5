"""What PyYAML's parser says where it stops, and what is told in place of it."""

import re
from typing import Final

ENDS: Final = "found unexpected end of stream"
NO_BEGINNING: Final = "found character that cannot start any token"
NO_COLON: Final = "could not find expected ':'"
NO_CONTENT: Final = "did not find expected node content"
NO_DASH: Final = "block sequence entries are not allowed in this context"
NO_DIRECTIVE: Final = "found unknown directive name"
NO_END: Final = "did not find expected comment or line break"
NO_ESCAPE: Final = "found unknown escape character"
NO_HANDLE: Final = "found undefined tag handle"
NO_ITEM: Final = "did not find expected '-' indicator"
NO_KEY: Final = "did not find expected key"
NO_MAPPING: Final = "mapping values are not allowed in this context"
NO_NAME: Final = "did not find expected alphabetic or numeric character"
NO_SPACE: Final = "did not find expected whitespace or line break"
NO_START: Final = "did not find expected <document start>"
NO_TAB: Final = "found a tab character that violates indentation"
NO_VERSION: Final = "found incompatible YAML document"

LEFT_OVER: Final = "this cannot follow what is before it"
NO_KEY_HERE: Final = "a key cannot stand here"
_OURS: Final = {
    NO_BEGINNING: "a tab cannot stand here",
    NO_CONTENT: "a value is missing here",
    NO_DASH: "a list cannot begin here",
    NO_DIRECTIVE: "no such directive is known",
    NO_END: "nothing can follow here but a comment",
    NO_ESCAPE: "no such escape is known",
    NO_HANDLE: "the handle of the tag is not declared",
    NO_ITEM: LEFT_OVER,
    NO_KEY: LEFT_OVER,
    NO_MAPPING: NO_KEY_HERE,
    NO_NAME: "a name is missing here",
    NO_SPACE: "a space is missing here",
    NO_START: LEFT_OVER,
    NO_TAB: "a tab cannot stand here",
    NO_VERSION: "this version of YAML is not known",
}
# What the parser was in: "while parsing a block mapping".
_WHILE: Final = re.compile(
    r"while (?:parsing|scanning) an? (?:(?:block|flow|plain) )?(?P<what>[\w %]+)"
)
_NOUNS: Final = {
    "node": "value",
    "quoted scalar": "text",
    "scalar": "text",
    "collection": "list",
    "sequence": "list",
}


def our_words(sentence: str | None, here: str) -> str:
    """Say why the parser stopped at a character."""
    words = sentence or ""
    if words == NO_BEGINNING and here.strip():
        sign = "a backtick" if here == "`" else f"`{here}`"
        return f"no value begins with {sign}"
    return _OURS.get(words) or _tidy(words) or "the text is no YAML"


def words_of_beginning(sentence: str | None) -> str:
    """Say what begins where the parser came into what it stopped in."""
    found = _WHILE.fullmatch(sentence or "")
    if found is None:
        return _tidy(sentence)
    return f"the {_NOUNS.get(found['what'], found['what'])} begins here"


def _tidy(words: str | None) -> str:
    words = " ".join((words or "").split()).rstrip(".")
    return words[:1].lower() + words[1:]
