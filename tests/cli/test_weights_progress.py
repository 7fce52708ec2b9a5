"""The bar appears on a terminal alone, and after a second."""

import io

import pytest
from rich.console import Console

from deit_spec.cli.weights import Bar


@pytest.mark.parametrize(
    ("terminal", "seconds", "shown"),
    [(True, 2.0, True), (True, 0.5, False), (False, 2.0, False)],
)
def test_when_it_appears(terminal: bool, seconds: float, shown: bool) -> None:  # noqa: FBT001
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=80)
    times = iter([0.0, 0.1, seconds, seconds])
    with Bar(console, clock=lambda: next(times)) as bar:
        for done in (10, 60, 100):
            bar("checking", done, 100)
    assert ("checking" in stream.getvalue()) == shown
    assert ("100%" in stream.getvalue()) == shown
    assert bool(stream.getvalue()) == shown
