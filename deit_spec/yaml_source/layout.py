"""Lines and indentation of a text that may be no YAML."""

import re
from typing import Final

SHORT: Final = 200
"""Characters of a line that a help writes out at most."""
FENCE: Final = re.compile(r"(?:`{3,}|~{3,}) ?[\w.+-]*")
"""What Markdown has around code."""
_LINE: Final = re.compile(r"[^\r\n]+")


def line_at(text: str, offset: int) -> tuple[int, str]:
    """Give the line around an offset, with the offset at which it starts."""
    start = start_of_line(text, offset)
    found = _LINE.match(text, start)
    return start, found[0] if found else ""


def start_of_line(text: str, offset: int) -> int:
    """Give the offset at which the line around an offset starts."""
    return max(text.rfind(end, 0, offset) for end in "\r\n") + 1


def indent_of(line: str) -> int:
    """Count the spaces before a line."""
    return len(line) - len(line.lstrip(" "))


def is_content(line: str) -> bool:
    """Whether there is more on a line than a comment."""
    return bool(line.strip()) and not line.lstrip().startswith("#")
