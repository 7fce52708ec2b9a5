"""The findings of reading a text that are made in several places."""

from collections.abc import Sequence
from typing import Final

from deit_spec.diagnostics import Diagnostic, Fix, Label, Source, Span, diagnose
from deit_spec.diagnostics.printable import shortened
from deit_spec.yaml_source.document import FILE_BYTES, FINDINGS

_QUOTED_LENGTH: Final = 60


def whole(source: Source) -> Label:
    """Return the label of a source as a whole: its first character."""
    return Label(Span(source, 1, 1, 1, 1))


def quoted(text: str) -> str:
    """Quote a piece of the user's text in a message: short, on one line."""
    text = shortened(text, _QUOTED_LENGTH)
    return "`" + "".join(c if c.isprintable() else repr(c)[1:-1] for c in text) + "`"


def syntax_error(
    message: str,
    span: Span,
    help_: str,
    *,
    secondary: Sequence[Label] = (),
    fix: Fix | None = None,
) -> Diagnostic:
    """Report a place where the text is not valid YAML."""
    place = Label(span)
    return diagnose(
        "DS001", message, place, secondary=secondary, helps=[help_], fix=fix
    )


def bad_character(character: str, span: Span) -> Diagnostic:
    """Report a character that YAML does not allow."""
    message = f"the character U+{ord(character):04X} is not allowed in YAML"
    return diagnose("DS001", message, Label(span), helps=["remove it"])


def not_utf8(message: str, place: Label) -> Diagnostic:
    """Report a file in another encoding."""
    return diagnose("DS002", message, place, helps=["save the file as UTF-8"])


def checkpoint(name: str) -> Diagnostic:
    """Report a file that is not a text."""
    message = "the file is a checkpoint or another archive, not YAML"
    helps = ["pass the path of a YAML file; on a command line SPEC comes first"]
    return diagnose("DS002", message, whole(Source(name, "")), helps=helps)


def too_large(name: str) -> Diagnostic:
    """Report a text that exceeds the size limit."""
    message = f"the file exceeds {FILE_BYTES} bytes ({FILE_BYTES // 1024} KiB)"
    helps = ["check the path; a spec or a recipe has a few hundred bytes"]
    return diagnose("DS008", message, whole(Source(name, "")), helps=helps)


def too_many(span: Span) -> Diagnostic:
    """Report that findings were left out."""
    return diagnose(
        "DS008",
        f"there are more than {FINDINGS} findings",
        Label(span, "the first that is not shown"),
        helps=["fix these"],
    )


def unreadable(name: str, reason: str) -> Diagnostic:
    """Report a file that the operating system cannot open."""
    message = f"the file cannot be read: {reason}"
    helps = ["pass the path of a YAML file, or a name that `deit-spec list` prints"]
    return diagnose("DS009", message, whole(Source(name, "")), helps=helps)
