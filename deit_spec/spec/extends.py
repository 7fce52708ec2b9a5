"""`extends`: inherit fields from another spec."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from deit_spec.diagnostics import Diagnostic, Label, Span, diagnose
from deit_spec.spec.origin import (
    Origin,
    has_no_spec,
    is_unreadable,
    locate,
    not_a_spec,
    not_found,
)
from deit_spec.yaml_source import Document

LONGEST_CHAIN = 16
"""How many specs may extend one another."""


class Resolved(NamedTuple):
    """A document with all that it extends merged into it, and the `extends` values."""

    document: Document
    links: tuple[Span, ...]
    findings: list[Diagnostic]


def resolve(document: Document, origin: Origin | None = None) -> Resolved:
    """Merge what a document extends into it; `variant` is merged key by key.

    Paths are relative to the file of `origin`; a value keeps its span.
    """
    documents, links, findings = [document], list[Span](), list[Diagnostic]()
    chain = [] if origin is None else [origin]
    while isinstance(reference := documents[-1].at(("extends",)), str):
        span = documents[-1].nearest(("extends",)).value
        base = locate(reference, chain[-1].folder if chain else Path())
        here = Label(span, "extended here")
        read, found = base.read()
        if base.path is not None and has_no_spec(base.path):
            takes = "a published name or the path of a spec"
            read, found = None, [not_a_spec(base.path, here, "extends", takes)]
        elif is_unreadable(found):
            lost = not_found(base, here, "extends", reference, found)
            read, found = None, [lost]
        elif problem := _refuse(base, chain, span):
            read, found = None, [problem]
        else:
            links.append(span)
            if read is not None and not isinstance(read.value, Mapping):
                from deit_spec.spec.field_errors import not_a_mapping  # noqa: PLC0415

                found = [*found, not_a_mapping(read, "spec", "embed_dim: 768")]
                read = None
        findings += [inherited(finding, links) for finding in found]
        if read is None:
            documents[-1] = replace(documents[-1], recovered=True)
            break
        chain.append(base)
        documents.append(read)
    merged = documents.pop()
    for each in reversed(documents):
        merged = _merge(merged, each)
    return Resolved(merged, tuple(links), findings)


def inherited(finding: Diagnostic, links: Sequence[Span]) -> Diagnostic:
    """Add the `extends` lines that lead to a finding in another file.

    The file that extends the others comes first: what it inherits was right before.
    """
    chain = [link.source for link in links]

    def depth(label: Label) -> int:
        source = label.span.source
        return chain.index(source) if source in chain else len(chain)

    labels = sorted((finding.primary, *finding.secondary), key=depth)
    leading = [Label(link, "extended here") for link in links[: depth(labels[-1])]]
    return replace(finding, primary=labels[0], secondary=(*labels[1:], *leading))


def _refuse(base: Origin, chain: Sequence[Origin], here: Span) -> Diagnostic | None:
    if any(base.is_same(origin) for origin in chain):
        return diagnose(
            "DS106",
            "a spec extends itself",
            Label(here, "leads back here"),
            notes=[" -> ".join(origin.short for origin in (*chain, base))],
            helps=["remove one `extends` of the cycle"],
        )
    if len(chain) >= LONGEST_CHAIN:
        return diagnose(
            "DS106",
            f"more than {LONGEST_CHAIN} specs extend one another",
            Label(here),
            helps=["merge some of the specs"],
        )
    return None


def _merge(base: Document, document: Document) -> Document:
    """Merge a document into the one that it extends."""
    own = {key: item for key, item in _mapping(document).items() if key != "extends"}
    value = {**_mapping(base), **own}
    spans = {**base.spans, **document.spans}
    if "extends" in value:
        # It is not a string; the document's own was followed.
        spans["extends",] = base.spans["extends",]
    above, below = own.get("variant"), _mapping(base).get("variant")
    if isinstance(above, Mapping) and isinstance(below, Mapping):
        value["variant"] = {**below, **above}
    if "name" in value and "name" not in own:
        del value["name"], spans["name",]
    recovered = document.recovered or base.recovered
    return replace(document, value=value, spans=spans, recovered=recovered)


def _mapping(document: Document) -> dict[str, object]:
    return dict(document.value) if isinstance(document.value, Mapping) else {}
