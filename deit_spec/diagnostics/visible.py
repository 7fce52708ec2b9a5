"""A user's text made fit for a terminal: nothing invisible, nothing obeyed.

Messages show names and contents of files through here, so an escape sequence in one
is seen, not executed. Results go out as they are: a difference, which is applied, and
JSON, which is parsed.
"""

from typing import Final

_TAB: Final = " " * 4
_CONTROL_PICTURES: Final = 0x2400
_DELETE: Final = 0x7F


def visible(text: str) -> str:
    """Show every character of a text, on one line."""
    if text.isprintable():
        return text
    return "".join(map(visible_character, text))


def visible_character(character: str) -> str:
    """Show one character: itself, a picture of a control, or its number."""
    if character.isprintable():
        return character
    if character == "\t":
        return _TAB
    code = ord(character)
    if code < ord(" "):
        return chr(_CONTROL_PICTURES + code)
    return "␡" if code == _DELETE else f"<U+{code:04X}>"
