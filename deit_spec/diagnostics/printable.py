"""Text from files and from other packages, made safe to print in a message.

An escape sequence in a file name or in the content of a file is shown, not executed.
Output that another program reads (patches, JSON) is not passed through here.
"""

from collections.abc import Iterable
from typing import Final

MAX_LISTED: Final = 5
"""The number of names, files or fields that a message lists."""
_TAB: Final = " " * 4
_CONTROL_PICTURES: Final = 0x2400
_DELETE: Final = 0x7F


def visible(text: str) -> str:
    """Make every character of a text visible, on one line."""
    if text.isprintable():
        return text
    return "".join(map(_visible_character, text))


def _visible_character(character: str) -> str:
    r"""Return a printable character as it is, a control character as a symbol.

    >>> visible("\x1b"), visible("\u202e")
    ('␛', '<U+202E>')
    """
    if character.isprintable():
        return character
    if character == "\t":
        return _TAB
    code = ord(character)
    if code < ord(" "):
        return chr(_CONTROL_PICTURES + code)
    return "␡" if code == _DELETE else f"<U+{code:04X}>"


def reason_of(error: OSError) -> str:
    """Return the reason for an error of the system, without its number and path.

    >>> reason_of(PermissionError(13, "Permission denied", "base.yaml"))
    'permission denied'
    """
    reason = (error.strerror or str(error) or "unknown reason").lower()
    return f"it {reason}" if reason.startswith("is ") else reason


def first_line_of(error: Exception) -> str:
    r"""Return the first line of the text of an error, or the name of its class.

    >>> first_line_of(ValueError("no such model\nand so on")), first_line_of(KeyError())
    ('no such model', 'KeyError')
    """
    return str(error).strip().partition("\n")[0] or type(error).__name__


def counted(number: float, noun: str) -> str:
    """Write a number with its noun.

    >>> counted(1, "channel"), counted(1200, "image"), counted(0, "patch")
    ('1 channel', '1,200 images', '0 patches')
    >>> counted(1.0, "epoch"), counted(0.5, "epoch")
    ('1 epoch', '0.5 epochs')
    """
    if number == 1:
        return f"1 {noun}"
    value = int(number) if number == int(number) else number
    return f"{value:,} {noun}{'es' if noun.endswith(('s', 'tch')) else 's'}"


def shortened(text: str, length: int) -> str:
    """Cut a text to a number of characters, the last of which is then an ellipsis.

    >>> shortened("sparrow", 7), shortened("sparrowhawk", 7)
    ('sparrow', 'sparro…')
    """
    return text if len(text) <= length else f"{text[: length - 1]}…"


def listed(items: Iterable[object]) -> str:
    """List the first few items, and count the others.

    >>> listed("abcdefg")
    'a, b, c, d, e and 2 more'
    """
    names = list(map(str, items))
    more = len(names) - MAX_LISTED
    return ", ".join(names[:MAX_LISTED]) + (f" and {more} more" if more > 0 else "")
