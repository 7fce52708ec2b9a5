"""Comments of other languages, which keep a text from being YAML."""

import re
from typing import Final, NamedTuple

from deit_spec.yaml_source.layout import line_at

# A value may begin with either.
_COMMENT: Final = re.compile(r"""(?:^\s*|[,\w"'\]}]\s+)(?P<sign>//|/\*)""")
# Behind a value in a line above, it is a part of that, and no reason to stop later.
_COMMENT_ABOVE: Final = re.compile(r"(?:^\s*|[,:{\[]\s+)(?P<sign>//|/\*)")
_OWN_COMMENT: Final = re.compile(r"(?:^|\s)#.*")
# To the end where it is not closed, or each quote in it would be looked at anew.
_TEXT: Final = re.compile(
    r""""(?:[^"\\]|\\.)*(?:"|\\?(?P<open>\Z))|'[^']*(?:'|(?P<also>\Z))"""
)


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
    for (start, line), pattern in ((here, _COMMENT), (above, _COMMENT_ABOVE)):
        # What is in quotes is no comment, and neither is what is behind `#`.
        bare = _TEXT.sub(_without_text, line)
        if comment := pattern.search(_OWN_COMMENT.sub("", bare)):
            return Comment(start + comment.start("sign"), comment["sign"])
    return None


def _without_text(found: re.Match[str]) -> str:
    is_closed = found["open"] is None and found["also"] is None
    return "x" * len(found[0]) if is_closed else found[0]
