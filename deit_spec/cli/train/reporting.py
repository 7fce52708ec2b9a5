"""How a run is told: a live display on a terminal, lines elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from deit_spec.cli.train.lines import Lines
from deit_spec.distill.training import Reporter


@contextmanager
def open_reporter() -> Iterator[Reporter]:
    """Tell of a run on stderr."""
    if not sys.stderr.isatty():
        yield Lines(sys.stderr)
        return
    from rich.console import Console

    from deit_spec.cli.train.live import Display

    with Display(Console(stderr=True, highlight=False)) as display:
        yield display
