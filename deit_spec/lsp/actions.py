"""Quick fixes: one finding's, and all that are certain at once."""

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Final

from lsprotocol import types

from deit_spec.diagnostics import Fix
from deit_spec.lsp.document import Document
from deit_spec.lsp.findings import diagnostic

FIX_ALL: Final = f"{types.CodeActionKind.SourceFixAll.value}.deit-spec"
"""What asks for `source.fixAll` gets it, and what asks for it alone."""
KINDS: Final = (types.CodeActionKind.QuickFix.value, FIX_ALL)


def actions(
    document: Document, where: types.Range, only: Sequence[str] | None, *, related: bool
) -> list[types.CodeAction]:
    """Offer the fixes at a range, of the kinds that are asked for."""
    found = list[types.CodeAction]()
    if _wanted(KINDS[0], only):
        found += _quick_fixes(document, where, related=related)
    if _wanted(FIX_ALL, only):
        found += _fix_all(document)
    return found


def versioned(
    found: Sequence[types.CodeAction], document: Document
) -> list[types.CodeAction]:
    """Say which version the edits are of: a client refuses them for another."""
    which = types.OptionalVersionedTextDocumentIdentifier(
        document.uri, document.version
    )
    for action in found:
        action.edit = _versioned(action.edit, which)
    return list(found)


def _versioned(
    edit: types.WorkspaceEdit | None,
    which: types.OptionalVersionedTextDocumentIdentifier,
) -> types.WorkspaceEdit:
    edits = edit.changes[which.uri] if edit and edit.changes else []
    return types.WorkspaceEdit(
        document_changes=[types.TextDocumentEdit(which, list(edits))]
    )


def _wanted(kind: str, only: Sequence[str] | None) -> bool:
    return only is None or any(
        f"{kind}.".startswith(f"{each}.") for each in only if each
    )


def _quick_fixes(
    document: Document, where: types.Range, *, related: bool
) -> Iterator[types.CodeAction]:
    for each, fix in document.fixes:
        found = diagnostic(document, each, related=related)
        if _meet(found.range, where):
            yield types.CodeAction(
                title=fix.title,
                kind=types.CodeActionKind.QuickFix,
                diagnostics=[found],
                is_preferred=True,
                edit=_edit(document, _edits(document, fix)),
            )


def _fix_all(document: Document) -> Iterator[types.CodeAction]:
    """Everything that `validate --fix` would write, as one edit."""
    if document.fixes and document.fixed != document.text.text:
        yield types.CodeAction(
            title="fix all that is certain",
            kind=FIX_ALL,
            edit=_edit(document, [_difference(document, document.fixed)]),
        )


def _edits(document: Document, fix: Fix) -> list[types.TextEdit]:
    return [types.TextEdit(document.text.span(e.span), e.text) for e in fix.edits]


def _difference(document: Document, after: str) -> types.TextEdit:
    """The edit of what differs, so that the cursor stays where it is."""
    before = document.text.text
    start = _common(before, after)
    tail = _common(before[start:][::-1], after[start:][::-1])
    where = document.text.range(start, len(before) - tail)
    return types.TextEdit(where, after[start : len(after) - tail])


def _common(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _edit(document: Document, edits: list[types.TextEdit]) -> types.WorkspaceEdit:
    return types.WorkspaceEdit(changes={document.uri: edits})


def _meet(one: types.Range, other: types.Range) -> bool:
    return one.start <= other.end and other.start <= one.end
