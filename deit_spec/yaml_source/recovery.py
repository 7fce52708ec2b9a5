"""A text that the parser did not read to its end, read as it was meant.

First without the slips of the pen, then without the lines that are no YAML.
"""

from bisect import bisect_right
from typing import Final

from deit_spec.diagnostics import Diagnostic
from deit_spec.yaml_source.around import (
    certain_before,
    doubting_lines,
    goes_on,
    line_alone,
    told_of_block,
)
from deit_spec.yaml_source.document import IsKey
from deit_spec.yaml_source.meant import find_slips
from deit_spec.yaml_source.parse import Reading, read_once
from deit_spec.yaml_source.positions import Positions
from deit_spec.yaml_source.slips import Slip, doubting, patches_of, report_of

_TRIES: Final = 3
"""How often a text is read without what looks like slips and is none."""
_SHORT: Final = 8192
"""Characters of a text of which all is told at once: more than a person writes."""
_LINES: Final = 8
"""Lines that are no YAML, and are left out to read what is behind them."""


def recover(reading: Reading, positions: Positions, is_key: IsKey) -> Reading:
    """Read on where a reading stopped, and report what was in the way."""
    reading, slips = _read_as_meant(reading, positions, is_key)
    if reading.stop is not None:
        # Where lines belong is for sure only if all of them are read.
        slips = [
            slip._replace(is_sure=slip.is_sure and not slip.is_indent) for slip in slips
        ]
    if reading.culprit is not None:
        reading = _read_around(reading, slips, positions, is_key)
    document = reading.document
    if document and slips:
        document = doubting(document, slips, positions)
    found = [*report_of(slips, positions), *reading.problems]
    return reading._replace(document=document, problems=found)


def _read_as_meant(
    reading: Reading, positions: Positions, is_key: IsKey
) -> tuple[Reading, list[Slip]]:
    """Read again without the slips, if they are what stopped the parser."""
    slips = find_slips(positions.source.text, is_key)
    for _ in range(_TRIES):
        meant = Positions(positions.source, patches_of(slips))
        again = read_once(meant, is_key, to_the_end=True)
        keys = set(map(meant.original, again.keys))
        kept = [slip for slip in slips if slip.key in keys]
        behind = _next_line(again.stop, positions)
        unread = [slip for slip in slips if slip.key >= behind]
        if len(kept) + len(unread) == len(slips):
            break
        slips = [*kept, *unread]
    else:
        return reading, []
    # Past the line on which it had stopped, or a slip was not what stopped it.
    further = again.stop is None or again.stop >= _next_line(reading.stop, positions)
    if not (kept and further):
        return reading, []
    return _with_tabs(again, kept, positions, is_key)


def _with_tabs(
    meant: Reading, slips: list[Slip], positions: Positions, is_key: IsKey
) -> tuple[Reading, list[Slip]]:
    """Leave the tabs where they are if the parser gets as far with them."""
    others = [slip for slip in slips if not slip.is_tab]
    if len(others) == len(slips):
        return meant, slips
    tabbed = Positions(positions.source, patches_of(others))
    reading = read_once(tabbed, is_key, to_the_end=True)
    return (reading, others) if reading.stop == meant.stop else (meant, slips)


def _read_around(
    reading: Reading, slips: list[Slip], positions: Positions, is_key: IsKey
) -> Reading:
    """Read what is behind the lines that are no YAML, if they alone are none."""
    if len(positions.source.text) > _SHORT:
        return reading
    patches, latest = patches_of(slips), reading
    out, told = list[Diagnostic](), list[Diagnostic]()
    while latest.culprit and len(out) < _LINES:
        line = line_alone(latest.culprit, patches)
        if line is None:
            return reading
        if out and goes_on(told[-1], out[-1], latest.culprit):
            told[-1] = told_of_block(told[-1], latest.culprit)
        else:
            told.append(latest.culprit)
        out.append(latest.culprit)
        patches = sorted([*patches, line])
        without = Positions(positions.source, patches)
        latest = read_once(without, is_key, to_the_end=True)
        if latest.stop is None and latest.document and latest.document.value:
            document = doubting_lines(latest.document, reading.document, out)
            others = certain_before(told[0], latest.problems)
            return latest._replace(document=document, problems=[*told, *others])
    return reading


def _next_line(offset: int | None, positions: Positions) -> int:
    """Give the offset at which the line after another's starts, past the last if none.

    Nothing is behind an offset that is none.
    """
    starts, past = positions.source.starts, len(positions.source.text) + 1
    line = len(starts) if offset is None else bisect_right(starts, offset)
    return starts[line] if line < len(starts) else past
