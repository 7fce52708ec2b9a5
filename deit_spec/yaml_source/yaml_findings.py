"""The findings of reading a text, one function each: message, place, help."""

from collections.abc import Sequence
from typing import Final

from deit_spec.diagnostics import Diagnostic, Fix, Label, Source, Span, diagnose
from deit_spec.yaml_source.document import (
    FILE_BYTES,
    FINDINGS,
    NESTING_DEPTH,
    NUMBER_CHARACTERS,
)
from deit_spec.yaml_source.scalars import short_tag

_QUOTED_LENGTH: Final = 60
_NO_TAG: Final = "remove the tag"


def whole(source: Source) -> Label:
    """Return the label of a source as a whole: its first character."""
    return Label(Span(source, 1, 1, 1, 1))


def quoted(text: str) -> str:
    """Quote a piece of the user's text in a message: short, on one line."""
    if len(text) > _QUOTED_LENGTH:
        text = text[: _QUOTED_LENGTH - 1] + "…"
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


def repeated_key(key: str, again: Span, first: Span, fix: Fix | None) -> Diagnostic:
    """Report a key that its mapping already has."""
    return diagnose(
        "DS003",
        f"the key {quoted(key)} is written twice",
        Label(again, "written again here"),
        secondary=[Label(first, "first written here")],
        helps=["remove one of the two"],
        fix=fix,
    )


def second_document(span: Span) -> Diagnostic:
    """Report a document after the first."""
    return diagnose(
        "DS004",
        "the file has more than one document",
        Label(span, "the second starts here"),
        helps=["remove it, or move it to a file of its own"],
    )


def key_not_string(text: str, span: Span) -> Diagnostic:
    """Report a key of another type; `text` is how a scalar is written."""
    name = f"the key {quoted(text)}" if text else "a key"
    message = f"{name} is not a string"
    return diagnose("DS005", message, Label(span), helps=["remove it with its value"])


def unknown_tag(tag: str, span: Span) -> Diagnostic:
    """Report a tag that the core schema does not have."""
    message = f"the tag {quoted(short_tag(tag))} is not supported"
    return diagnose("DS006", message, Label(span), helps=[_NO_TAG])


def wrong_tag(name: str, span: Span) -> Diagnostic:
    """Report a core tag on a value of another type."""
    message = f"the tag `!!{name}` does not match the type of the value"
    return diagnose("DS006", message, Label(span), helps=[_NO_TAG])


def merge_key(span: Span) -> Diagnostic:
    """Report `<<`, which YAML 1.2 no longer has."""
    return diagnose(
        "DS007",
        "the merge key `<<` is not part of YAML 1.2",
        Label(span),
        helps=["remove it; in a spec, `extends: x.yaml` inherits from another spec"],
    )


def alias(name: str, span: Span) -> Diagnostic:
    """Report a reference to an anchor."""
    message = f"aliases are not supported: {quoted('*' + name)}"
    return diagnose("DS008", message, Label(span), helps=["write the value out"])


def too_deep(span: Span) -> Diagnostic:
    """Report a collection inside too many others."""
    return diagnose(
        "DS008",
        f"the nesting exceeds {NESTING_DEPTH} levels",
        Label(span, f"level {NESTING_DEPTH + 1}"),
        helps=["remove it; no field is nested so deeply"],
    )


def long_number(length: int, span: Span) -> Diagnostic:
    """Report a number with too many digits."""
    limit = NUMBER_CHARACTERS
    message = f"the number has {length} characters, the limit is {limit}"
    helps = [f"write at most {limit} characters"]
    return diagnose("DS008", message, Label(span), helps=helps)


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
