"""Comments of other languages, which keep a text from being YAML."""

import re
from typing import Final, NamedTuple

from deit_spec.source.misread import line_at

# A value may begin with either.
_COMMENT: Final = re.compile(r"""(?:^\s*|[,\w"'\]}]\s+)(?P<sign>//|/\*)""")
_TEXT: Final = re.compile(r""""(?:[^"\\]|\\.)*"|'[^']*'""")


class Comment(NamedTuple):
    """Where a comment begins, and with what."""

    start: int
    sign: str

    @property
    def end(self) -> int:
        """The offset behind the sign."""
        return self.start + len(self.sign)

    @property
    def help(self) -> str:
        """What to do."""
        if self.sign == "//":
            return "write `#` in place of `//`"
        return "remove the comment, or write `#` before each line of it"


def comment_near(text: str, offset: int) -> Comment | None:
    """Find a comment in the line where the parser stopped, or the one above."""
    here = line_at(text, offset)
    above = line_at(text, len(text[: here[0]].rstrip("\r\n")))
    for start, line in (here, above):
        # What is in quotes is no comment, and neither is what is behind `#`.
        bare = _TEXT.sub(lambda part: "x" * len(part[0]), line)
        if comment := _COMMENT.search(bare.partition(" #")[0]):
            return Comment(start + comment.start("sign"), comment["sign"])
    return None
