"""Which values run beside the stream, from where to where, in which lane."""

from collections.abc import Collection
from dataclasses import dataclass, field

from deit_spec.diagram.arrange import Single, Step


@dataclass
class Rails:
    """The lane of each value that runs past a step, and how many lanes there are.

    `direct` are the values that the next step takes from where they are made.
    """

    lanes: dict[str, int] = field(default_factory=dict)
    count: int = 0
    direct: set[str] = field(default_factory=set)


def plan_rails(
    steps: list[Step], entries: Collection[str], wanted: Collection[str], most: int
) -> Rails:
    """Give every value that is read further down a lane, while there are lanes.

    `entries` come in from above, `wanted` go on below; `most` lanes have room.
    """
    made = dict.fromkeys(entries, -1)
    for place, step in enumerate(steps):
        if isinstance(step, Single):
            made[step.item.value] = place
    rails = Rails()
    ends = _last_readers(steps, made, wanted, rails)
    busy: list[int] = []
    for value, start in sorted(made.items(), key=lambda pair: pair[1]):
        if value not in ends:
            continue
        lane = next((k for k, end in enumerate(busy) if end <= start), len(busy))
        if lane >= most:
            continue
        busy[lane : lane + 1] = [ends[value]]
        rails.lanes[value] = lane
    rails.count = len(busy)
    return rails


def _last_readers(
    steps: list[Step],
    made: dict[str, int],
    wanted: Collection[str],
    rails: Rails,
) -> dict[str, int]:
    """The last step that each value reaches by a rail; direct ones are noted."""
    ends: dict[str, int] = {}
    for place, step in enumerate(steps):
        for value in reads_of(step):
            if made.get(value, place) == place - 1:
                rails.direct.add(value)
            elif value in made and made[value] < place and isinstance(step, Single):
                ends[value] = place
    for value in wanted:
        if value in made and made[value] == len(steps) - 1:
            rails.direct.add(value)
        elif value in made:
            ends[value] = len(steps)
    return ends


def reads_of(step: Step) -> set[str]:
    """The values that a step reads."""
    if isinstance(step, Single):
        return set(step.item.reads)
    return {v for branch in step.branches for inner in branch for v in reads_of(inner)}
