"""What can be wrong with a text, in words: one function a finding."""

from typing import Final

from deit_spec.diagnostics import Diagnostic, Fix, Label, Source, Span, diagnose
from deit_spec.yaml_source import document as limits
from deit_spec.yaml_source import tags

_QUOTED_LENGTH: Final = 60

WITHOUT_TABS: Final = "use spaces in place of tabs"
WRITE_VALUE: Final = "write the value itself"
_UNTAGGED: Final = "remove the tag"
_ARTICLES: Final = {
    "null": "null",
    "bool": "a boolean",
    "int": "an integer",
    "float": "a number",
    "str": "a string",
    tags.MAPPING: "a mapping",
    tags.SEQUENCE: "a sequence",
}


def whole(source: Source) -> Label:
    """Point at a source as a whole: its first character."""
    return Label(Span(source, 1, 1, 1, 1))


def quoted(text: str) -> str:
    """Put a piece of the user's text into a message: short, on one line."""
    if len(text) > _QUOTED_LENGTH:
        text = text[: _QUOTED_LENGTH - 1] + "…"
    return "`" + "".join(c if c.isprintable() else repr(c)[1:-1] for c in text) + "`"


def bad_character(character: str, span: Span) -> Diagnostic:
    """Report a character that no YAML text may hold."""
    message = f"the character U+{ord(character):04X} is not allowed in YAML"
    return diagnose("DS001", message, Label(span), helps=["remove it"])


def twice(key: str, again: Span, first: Span, fix: Fix | None) -> Diagnostic:
    """Report a key that its mapping has already."""
    return diagnose(
        "DS003",
        f"the key {quoted(key)} is written twice",
        Label(again, "written again here"),
        secondary=[Label(first, "first written here")],
        helps=["remove one of the two"],
        fix=fix,
    )


def second_document(span: Span, *, is_empty: bool) -> Diagnostic:
    """Report a document after the first."""
    return diagnose(
        "DS004",
        "the file holds more than one document",
        Label(span, "the second starts here"),
        helps=["remove the line" if is_empty else "move it to a file of its own"],
    )


def key_not_string(kind: str, text: str | None, span: Span) -> Diagnostic:
    """Report a key of another type; `text` is how a scalar is written."""
    name = "a key" if not text else f"the key {quoted(text)}"
    helps = ["remove it with its value"]
    message = f"{name} is {_ARTICLES[kind]}, not a string"
    return diagnose("DS005", message, Label(span), helps=helps)


def placeholder(span: Span) -> Diagnostic:
    """Report `{{ name }}`, which templates have and YAML takes for mappings."""
    message = "`{{` begins a mapping in a mapping, and no placeholder"
    return diagnose("DS005", message, Label(span), helps=[WRITE_VALUE])


def comma_in_number(written: str, meant: str, span: Span) -> Diagnostic:
    """Report a comma inside a number, which in braces begins another key."""
    message = f"the comma in {quoted(written)} begins another key"
    return diagnose("DS005", message, Label(span), helps=[f"write `{meant}`"])


def no_comma(value: str, span: Span) -> Diagnostic:
    """Report a value that another pair follows without a comma."""
    message = f"there is no comma behind {quoted(value)}"
    return diagnose("DS001", message, Label(span), helps=[f"write `{value},`"])


def comma_for_colon(key: str, value: str, span: Span) -> Diagnostic:
    """Report a comma between a key and its value."""
    message = f"a comma stands between {quoted(key)} and {quoted(value)}"
    return diagnose("DS001", message, Label(span), helps=[f"write `{key}: {value}`"])


def parentheses(key: str, rest: str, span: Span) -> Diagnostic:
    """Report a value in parentheses, of which a comma makes two in braces."""
    message = f"the comma before {quoted(rest)} begins another key"
    helps = [f"write the value of {quoted(key)} without `(` and `)`"]
    return diagnose("DS001", message, Label(span), helps=helps)


def in_braces(written: str, meant: str, span: Span) -> Diagnostic:
    """Report a value in braces, which make a key without a value of it."""
    message = f"the braces of {quoted(written)} make a mapping"
    return diagnose("DS005", message, Label(span), helps=[f"write `{meant}`"])


def stray_brace(number: str, span: Span) -> Diagnostic:
    """Report a brace before a number that no other brace closes."""
    message = f"the `{{` before {quoted(number)} opens a mapping"
    return diagnose("DS001", message, Label(span), helps=["remove the `{`"])


def foreign_tag(tag: str, span: Span) -> Diagnostic:
    """Report a tag that the core schema does not have."""
    message = f"the tag {quoted(tags.as_written(tag))} is not one of the core schema"
    names = ", ".join(f"`!!{name}`" for name in sorted(tags.NAMES))
    notes = [f"the core tags are {names}"]
    return diagnose("DS006", message, Label(span), notes=notes, helps=[_UNTAGGED])


def misfit_tag(name: str, found: str, span: Span) -> Diagnostic:
    """Report a core tag on a value that it does not describe."""
    message = f"the tag `!!{name}` stands before {_ARTICLES[found]}"
    return diagnose("DS006", message, Label(span), helps=[_UNTAGGED])


def merge_key(span: Span) -> Diagnostic:
    """Report `<<`, which YAML 1.2 no longer has."""
    return diagnose(
        "DS007",
        "the merge key `<<` is not part of YAML 1.2",
        Label(span),
        helps=["remove it; in a spec, `extends: x.yaml` takes over another's fields"],
    )


def alias(name: str, span: Span) -> Diagnostic:
    """Report the use of an anchor."""
    limit = limits.ALIASES
    message = f"the alias {quoted('*' + name)} passes the limit of {limit} aliases"
    return diagnose("DS008", message, Label(span), helps=["write the value out"])


def too_deep(span: Span) -> Diagnostic:
    """Report a collection inside too many others."""
    message = f"the nesting passes the limit of {limits.NESTING_DEPTH} levels"
    return diagnose(
        "DS008",
        message,
        Label(span, "one level too deep"),
        helps=["remove it; no field lies so deep"],
    )


def long_number(length: int, span: Span) -> Diagnostic:
    """Report a number that nobody means."""
    limit = limits.NUMBER_CHARACTERS
    message = f"a number of {length} characters passes the limit of {limit}"
    helps = [f"write at most {limit} characters"]
    return diagnose("DS008", message, Label(span), helps=helps)


def too_large(name: str) -> Diagnostic:
    """Report a text that was not even looked at."""
    limit = limits.FILE_BYTES
    message = f"the file passes the limit of {limit} bytes ({limit // 1024} KiB)"
    helps = ["check the path; what a person writes has some hundred bytes"]
    return diagnose("DS008", message, whole(Source(name, "")), helps=helps)


def other_format(name: str, kind: str) -> Diagnostic:
    """Report a file that is no text at all."""
    message = f"the file is {kind}, not YAML"
    helps = ["give the path of a YAML file; on a command line SPEC comes first"]
    return diagnose("DS002", message, whole(Source(name, "")), helps=helps)


def unreadable(name: str, reason: str) -> Diagnostic:
    """Report a file that the system does not hand over."""
    message = f"the file cannot be read: {reason}"
    helps = ["give the path of a YAML file, or a name that `deit-spec list` prints"]
    return diagnose("DS009", message, whole(Source(name, "")), helps=helps)


def too_many(span: Span) -> Diagnostic:
    """Report that there is more to tell than is told."""
    message = f"there are more than {limits.FINDINGS} findings"
    return diagnose(
        "DS008",
        message,
        Label(span, "the first that is not told"),
        helps=["fix these"],
    )
