"""One pass of the parser over a text: what it read, and where it stopped."""

from typing import NamedTuple

from yaml.error import MarkedYAMLError

from deit_spec.diagnostics import Diagnostic
from deit_spec.yaml_source.composer import Composer, Node
from deit_spec.yaml_source.document import Document, Entry, IsKey, Path
from deit_spec.yaml_source.events import events
from deit_spec.yaml_source.meaning import UNKNOWN
from deit_spec.yaml_source.positions import Positions
from deit_spec.yaml_source.report import EnoughError, Report


class Reading(NamedTuple):
    """What one pass of the parser gave, and where it stopped if not at the end.

    `keys` are the offsets at which keys begin, in what was parsed. `culprit` is the
    problem that it stopped at, if that is one of a line alone.
    """

    document: Document | None
    problems: list[Diagnostic]
    keys: list[int]
    stop: int | None
    culprit: Diagnostic | None = None


def read_once(
    positions: Positions, is_key: IsKey, *, to_the_end: bool = False
) -> Reading:
    """Parse a text once, as it is or as it is patched.

    `to_the_end` is past the findings that are told, too.
    """
    report = Report(positions, is_key, to_the_end=to_the_end)
    composer = Composer(events(positions.parsed), report)
    try:
        root = composer.document()
    except MarkedYAMLError as error:
        # Most texts are YAML, and the words for what is not take a while to import.
        from deit_spec.yaml_source.stopped import stopped  # noqa: PLC0415

        document, offset, culprit = stopped(error, composer, report)
        stop = positions.original(offset)
        return Reading(document, report.problems, composer.keys, stop, culprit)
    except EnoughError:
        from deit_spec.yaml_source.stopped import part_of  # noqa: PLC0415

        document = part_of(composer, positions, len(positions.parsed))
        return Reading(document, report.problems, composer.keys, None)
    document = _whole(root, composer, positions)
    if root is None or not _is_bare(root, positions):
        return Reading(document, report.problems, composer.keys, None)
    # Nothing was made out, from the first line on.
    stop = positions.original(root.start)
    return Reading(document, report.problems, composer.keys, stop)


def _is_bare(root: Node, positions: Positions) -> bool:
    """Whether all there is is one text without quotes: no mapping was made out."""
    if not isinstance(root.value, str):
        return False
    return positions.text(root.start, root.start + 1) not in "\"'|>!&"


def _whole(root: Node | None, composer: Composer, positions: Positions) -> Document:
    if root is None or root.value is None or root.value is UNKNOWN:
        # An empty spec asks for every default.
        place = (0, 0) if root is None or root.value is None else root[2:]
        entries: dict[Path, Entry] = {(): Entry(positions, place, place)}
        return Document({}, entries, positions.source, frozenset(composer.doubts))
    doubts = frozenset(composer.doubts)
    return Document(root.value, composer.spans, positions.source, doubts)
